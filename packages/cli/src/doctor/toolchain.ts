/** Checks of what runs and builds tunan: Node, the npm packages, compiler, CMake. Looks only; installs nothing. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { text } from '../language.ts';
import type { Finding } from './finding.ts';

const OLDEST_NODE = 24;

export function checkNode(): Finding {
  const name = 'Node';
  const found = `${process.versions.node} (${process.platform} ${process.arch})`;
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) return { name, status: 'ok', found };
  return { name, status: 'fail', found, fix: `npm install node@${OLDEST_NODE}` };
}

function isMissing(name: string): boolean {
  try {
    return findPackageJSON(name, import.meta.url) === undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return true;
    throw error;
  }
}

/** Every package that the command line depends on can be found from here. */
export function checkNpmPackages(): Finding {
  const name = text('npm packages', 'npm 软件包');
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const names = Object.keys(manifest.dependencies);
  const missing = names.filter(isMissing);
  if (missing.length === 0)
    return { name, status: 'ok', found: text(`${names.length} found`, `已找到 ${names.length} 个`) };
  return {
    name,
    status: 'fail',
    found: text(`missing: ${missing.join(' ')}`, `缺少：${missing.join(' ')}`),
    fix: 'npm install',
  };
}

/** Compiler and build tools; without them only an addon that is already built can be used. */
export function checkBuildTools(addonLoads: boolean): Finding[] {
  const missing = addonLoads ? 'warn' : 'fail';
  const makes = firstLine('make', ['--version']) ?? firstLine('ninja', ['--version']);
  const tools: readonly [string, string | undefined, string][] = [
    [text('C++ compiler', 'C++ 编译器'), newEnoughCompiler(), 'g++'],
    ['CMake', firstLine('cmake', ['--version']), 'cmake'],
    [text('make or ninja', 'make 或 ninja'), makes, 'make'],
  ];
  return tools.map(([name, found, packageName]) =>
    found === undefined
      ? { name, status: missing, found: text('not found', '未找到'), fix: installCommand(packageName) }
      : { name, status: 'ok', found },
  );
}

/** GCC >= 11 or Clang >= 14: C++17 and, for libtorch 2.9 and later, C++20. */
function newEnoughCompiler(): string | undefined {
  for (const command of [process.env.CXX, 'g++', 'clang++', 'c++']) {
    const banner = command ? firstLine(command, ['--version']) : undefined;
    if (command === undefined || banner === undefined) continue;
    const clang = /clang version (\d+)/.exec(banner)?.[1];
    const version = Number(clang ?? firstLine(command, ['-dumpversion'])?.split('.')[0]);
    if (version >= (clang === undefined ? 11 : 14)) return banner;
  }
  return undefined;
}

function firstLine(command: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0]?.trim() : undefined;
}

function installCommand(packageName: string): string {
  if (process.platform === 'darwin') return packageName === 'cmake' ? 'brew install cmake' : 'xcode-select --install';
  if (existsSync('/etc/debian_version')) return `sudo apt-get install -y ${packageName}`;
  return `sudo dnf install ${packageName === 'g++' ? 'gcc-c++' : packageName}`;
}

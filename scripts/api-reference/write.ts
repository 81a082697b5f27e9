/**
 * Writes the reference of all functions, classes and types that the packages export, as HTML: `npm run docs:api [-- --out DIR]`
 * (build/api-reference). Exit code 1 on any warning of typedoc: a link that leads nowhere, a parameter that does not exist.
 *
 * typedoc reads the compiler's syntax trees, which TypeScript 7 does not hand out to JavaScript; it gets a TypeScript 6 of its own. Both
 * have a lock of their own in this folder and are installed below build/ at the first call, so that nobody else has to download them.
 * See docs/decisions/0018-api-reference.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.resolve(import.meta.dirname, '../..');
const tools = path.join(root, 'build/typedoc');
const locked = ['package.json', 'package-lock.json'];

/** Installs typedoc as the lock asks, unless it is there. */
function installTypedoc(): void {
  const contents = locked.map((name) => readFileSync(path.join(import.meta.dirname, name), 'utf8'));
  const isThere = (name: string, content: string) => {
    const file = path.join(tools, name);
    return existsSync(file) && readFileSync(file, 'utf8') === content;
  };
  if (existsSync(path.join(tools, 'node_modules')) && locked.every((name, at) => isThere(name, contents[at]!))) return;
  mkdirSync(tools, { recursive: true });
  for (const [at, name] of locked.entries()) writeFileSync(path.join(tools, name), contents[at]!);
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: tools, stdio: 'inherit' });
}

/** Every TypeScript entry that a package exports, but those of its tests. */
function entryPoints(): string[] {
  return globSync('packages/*/package.json', { cwd: root })
    .sort()
    .flatMap((file) => {
      const { exports } = JSON.parse(readFileSync(path.join(root, file), 'utf8')) as {
        exports: Record<string, string>;
      };
      return Object.entries(exports)
        .filter(([name, target]) => target.endsWith('.ts') && !name.startsWith('./testing/'))
        .map(([, target]) => path.join(root, path.dirname(file), target));
    });
}

const { values } = parseArgs({ options: { out: { type: 'string', default: path.join(root, 'build/api-reference') } } });
installTypedoc();
const options = path.join(import.meta.dirname, 'typedoc.json');
const { status } = spawnSync(
  process.execPath,
  [
    path.join(tools, 'node_modules/typedoc/bin/typedoc'),
    '--options',
    options,
    '--out',
    path.resolve(values.out),
    ...entryPoints(),
  ],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;

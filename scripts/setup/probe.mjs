/**
 * Looks at the machine without changing it: which npm packages, which Node, which compiler, which libtorch are here.
 *
 * Nothing is imported from npm and Python's torch is located without importing it (an import takes seconds).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const pinnedNode = path.join(root, 'node_modules/.bin/node');

/** What the addon needs of Debian's own libtorch; openblas-pthread, the default BLAS, fights with OpenMP. */
export const debianLibtorch = ['libtorch-dev', 'libopenblas0-openmp', 'libgloo-dev', 'libdnnl-dev'];
export const debianTestPackages = ['chromium', 'fonts-noto-cjk'];

/** @param {string} file */
function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/**
 * @param {string} command
 * @param {string[]} args
 * @returns {string | undefined} its standard output, or undefined when it is missing or fails
 */
function output(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', cwd: root });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/**
 * True when every package of the lock is in node_modules with the locked version. Compared through npm's hidden lock, which
 * npm writes last. Of the optional packages the binaries of this platform must be there; those of others, and what only they
 * need, must not.
 */
export function npmPackagesInstalled() {
  const hidden = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(hidden)) return false;
  const wanted = Object.entries(readJson(path.join(root, 'package-lock.json')).packages);
  const present = readJson(hidden).packages;
  return wanted.every(([place, entry]) => {
    if (!place.startsWith('node_modules/')) return true;
    const installed = present[place];
    if (installed === undefined) return entry.optional === true && !isBinaryForHere(entry);
    if (entry.link === true) return existsSync(path.join(root, place));
    return installed.version === entry.version;
  });
}

/** @param {{ os?: string[], cpu?: string[], libc?: string[] }} entry of the lock */
function isBinaryForHere({ os, cpu, libc }) {
  if (os === undefined || cpu === undefined) return false;
  const ourLibc = existsSync('/etc/alpine-release') ? 'musl' : 'glibc';
  return os.includes(process.platform) && cpu.includes(process.arch) && (libc === undefined || libc.includes(ourLibc));
}

/** The version that the lock pins, such as '24.21.0'. */
export function pinnedNodeVersion() {
  return readJson(path.join(root, 'package.json')).devDependencies.node;
}

/** True when node_modules/.bin/node runs and is the pinned major (npm may have blocked the script that fetches it). */
export function pinnedNodeWorks() {
  if (!existsSync(pinnedNode)) return false;
  const [major] = pinnedNodeVersion().split('.');
  return output(pinnedNode, ['--version'])?.startsWith(`v${major}.`) === true;
}

/** The first C++ compiler that is new enough for the kernels: GCC >= 11 or Clang >= 14. */
function compiler() {
  for (const name of [process.env.CXX, 'g++', 'clang++', 'c++']) {
    if (!name) continue;
    const banner = output(name, ['--version']);
    if (banner === undefined) continue;
    const clang = /clang version (\d+)/.exec(banner);
    const version = Number(clang?.[1] ?? output(name, ['-dumpversion'])?.split('.')[0]);
    if (version >= (clang ? 14 : 11)) return name;
  }
  return undefined;
}

export function buildTools() {
  return {
    compiler: compiler() !== undefined,
    cmake: output('cmake', ['--version']) !== undefined,
    make: output('make', ['--version']) !== undefined || output('ninja', ['--version']) !== undefined,
  };
}

const locateTorch = [
  'import importlib.util, os, re',
  "spec = importlib.util.find_spec('torch')",
  'home = os.path.dirname(spec.origin) if spec and spec.origin else ""',
  "text = open(os.path.join(home, 'version.py')).read() if home else ''",
  'version = re.search(r"__version__ = [\'\\"]([^\'\\"]+)", text)',
  "print(home + '|' + (version.group(1) if version else ''))",
].join('\n');

/** The order of docs: TUNAN_LIBTORCH, a Python torch >= 2.4, the system's libtorch. */
export function libtorch() {
  const named = process.env.TUNAN_LIBTORCH;
  if (named) return { source: 'TUNAN_LIBTORCH', place: named };
  const [home = '', version = ''] = (output('python3', ['-c', locateTorch]) ?? '').split('|');
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (home && (major > 2 || (major === 2 && minor >= 4))) return { source: `Python torch ${version}`, place: home };
  const system = ['/usr/include', '/usr/local/include'].find((place) => existsSync(path.join(place, 'torch/script.h')));
  return system ? { source: 'system', place: system } : undefined;
}

export function onDebian() {
  return process.platform === 'linux' && existsSync('/etc/debian_version');
}

/** @param {string[]} names */
export function missingDebianPackages(names) {
  const installed = 'Status: install ok installed';
  return names.filter((name) => output('dpkg-query', ['-s', name])?.includes(installed) !== true);
}

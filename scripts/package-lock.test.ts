import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

interface LockEntry {
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

const root = path.resolve(import.meta.dirname, '..');
const lock = (readJson('package-lock.json') as { packages: Record<string, LockEntry> }).packages;

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(path.join(root, file), 'utf8'));
}

// `npm ci`, the first thing that the set-up does, refuses a lock that lags behind a package.json.
test('the lock knows what every package.json asks for', () => {
  for (const file of globSync(
    ['package.json', 'packages/*/package.json', 'apps/*/package.json', 'recipes/package.json'],
    { cwd: root },
  )) {
    const manifest = readJson(file) as LockEntry;
    const locked = lock[path.dirname(file) === '.' ? '' : path.dirname(file)];
    assert.deepEqual({ ...locked?.dependencies }, { ...manifest.dependencies }, file);
    assert.deepEqual({ ...locked?.devDependencies }, { ...manifest.devDependencies }, file);
  }
});

// npm leaves out platform packages that its registry did not answer for when the lock was written; `npm ci` then refuses the
// lock on that registry, and on another platform the binary would silently be missing.
test('the lock names the optional packages of every platform', () => {
  for (const [place, entry] of Object.entries(lock)) {
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      const found = [`${place}/node_modules/${name}`, `node_modules/${name}`].some((where) => where in lock);
      assert.ok(found, `${place || 'the root'} may need ${name}`);
    }
  }
});

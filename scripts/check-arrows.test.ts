import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { checkArrows } from './check-arrows.ts';

/** A repository of three packages without a fault; each test adds one. */
const sound: Record<string, string> = {
  'package.json': JSON.stringify({ devDependencies: { 'fast-check': '1' } }),
  'packages/torch/package.json': manifest('torch', {}),
  'packages/torch/src/index.ts': `import fs from 'node:fs';\nexport { tensor } from './tensor.ts';\nexport { fs };`,
  'packages/torch/src/tensor.ts': 'export const tensor = 1;',
  'packages/tokenizer/package.json': manifest(
    'tokenizer',
    {},
    { '.': './src/index.ts', './shards': './src/shards.ts' },
  ),
  'packages/tokenizer/src/index.ts': 'export {};',
  'packages/tokenizer/src/shards.ts': 'export const shards = 1;',
  'packages/model/package.json': manifest('model', { '@tunan/torch': '1', zod: '4' }),
  'packages/model/src/index.ts': `import { tensor } from '@tunan/torch';\nimport { z } from 'zod';\nexport { tensor, z };`,
  'packages/model/src/index.test.ts': `import fc from 'fast-check';\nexport { fc };`,
  'packages/model/src/testing/tiny.ts': `import fc from 'fast-check';\nexport { fc };`,
  'packages/model/scripts/train.ts': `import fc from 'fast-check';\nexport { fc };`,
  'packages/training/package.json': manifest('training', {
    '@tunan/model': '1',
    '@tunan/tokenizer': '1',
    '@tunan/torch': '1',
  }),
  'packages/training/src/index.ts': `import '@tunan/model';\nimport '@tunan/torch';\nimport '@tunan/tokenizer/shards';`,
  'tests/whole.test.ts': `import '@tunan/training';`,
};

function manifest(name: string, dependencies: object, exports: object = { '.': './src/index.ts' }): string {
  return JSON.stringify({ name: `@tunan/${name}`, exports, dependencies });
}

function problemsWith(changes: Record<string, string>): string[] {
  const root = mkdtempSync(path.join(tmpdir(), 'tunan-arrows-'));
  try {
    for (const [file, content] of Object.entries({ ...sound, ...changes })) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), content);
    }
    return checkArrows(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('a sound repository has no problem', () => {
  assert.deepEqual(problemsWith({}), []);
});

const faults: readonly { name: string; change: Record<string, string>; says: RegExp }[] = [
  {
    name: 'an arrow against the constitution, even when declared',
    change: { 'packages/torch/package.json': manifest('torch', { '@tunan/model': '1' }) },
    says: /^packages\/torch\/package.json: torch → model is not an arrow/,
  },
  {
    name: 'folders of a package that import each other in a circle',
    change: {
      'packages/torch/src/a/one.ts': `export { b } from '../b/one.ts';`,
      'packages/torch/src/b/one.ts': 'export const b = 1;',
      'packages/torch/src/b/two.ts': `export type { C } from '../c.ts';`,
      'packages/torch/src/c.ts': `import type { a } from './a/two.ts';\nexport type C = typeof a;`,
      'packages/torch/src/a/two.ts': 'export const a = 1;',
      'packages/torch/src/a/one.test.ts': `import '../tensor.ts';`,
    },
    says: /^packages\/torch\/src: folders in a circle: a → b \(a\/one.ts\), b → c.ts \(b\/two.ts\), c.ts → a \(c.ts\)$/,
  },
  {
    name: 'an import against the constitution',
    change: { 'packages/torch/src/tensor.ts': `export { z } from '@tunan/model';` },
    says: /tensor.ts: '@tunan\/model' is not an arrow of the constitution \(torch → model\)/,
  },
  {
    name: 'the same in a script of a package',
    change: { 'packages/torch/scripts/train.ts': `import '@tunan/model';` },
    says: /scripts\/train.ts: '@tunan\/model' is not an arrow of the constitution \(torch → model\)/,
  },
  {
    name: 'a development tool in what is packed',
    change: { 'packages/model/src/index.ts': `import 'fast-check';` },
    says: /'fast-check' is not declared in the dependencies of @tunan\/model/,
  },
  {
    name: 'an entry that the arrow does not include',
    change: { 'packages/training/src/index.ts': `import '@tunan/tokenizer';` },
    says: /'@tunan\/tokenizer' is not an arrow of the constitution \(training → tokenizer\)/,
  },
  {
    name: 'an arrow that is allowed but not declared',
    change: { 'packages/model/package.json': manifest('model', { zod: '4' }) },
    says: /'@tunan\/torch' is not declared in the dependencies of @tunan\/model/,
  },
  {
    name: 'a deep import by package name',
    change: { 'packages/model/src/index.ts': `import '@tunan/torch/src/tensor.ts';` },
    says: /'@tunan\/torch\/src\/tensor.ts' is a deep import/,
  },
  {
    name: 'a relative import over the wall',
    change: { 'packages/model/src/index.ts': `import '../../torch/src/tensor.ts';` },
    says: /'..\/..\/torch\/src\/tensor.ts' reaches over the wall/,
  },
  {
    name: 'a relative import from the tests into a package',
    change: { 'tests/whole.test.ts': `import '../packages/torch/src/tensor.ts';` },
    says: /reaches over the wall/,
  },
  {
    name: 'a type import',
    change: { 'packages/torch/src/tensor.ts': `import type { A } from '@tunan/model';\nexport type { A };` },
    says: /is not an arrow of the constitution \(torch → model\)/,
  },
  {
    name: 'a dynamic import',
    change: { 'packages/torch/src/tensor.ts': `export const later = () => import('@tunan/model');` },
    says: /is not an arrow of the constitution \(torch → model\)/,
  },
  {
    name: 'a builtin without node:',
    change: { 'packages/torch/src/tensor.ts': `export * from 'fs';` },
    says: /'fs' must be written with node:/,
  },
  {
    name: 'an npm package that is not declared',
    change: { 'packages/torch/src/tensor.ts': `export * from 'zod/v4';` },
    says: /'zod\/v4' is not declared in the dependencies of @tunan\/torch/,
  },
  {
    name: 'a development tool outside tests',
    change: { 'packages/torch/src/tensor.ts': `export * from 'fast-check';` },
    says: /'fast-check' is not declared/,
  },
  {
    name: 'a package that is not in the constitution',
    change: { 'packages/helpers/package.json': manifest('helpers', {}) },
    says: /helpers has no place in the constitution/,
  },
  {
    name: 'a package that does not exist',
    change: { 'packages/model/src/index.ts': `import '@tunan/nothing';` },
    says: /'@tunan\/nothing' is no package/,
  },
  {
    name: 'a file that does not exist',
    change: { 'packages/model/src/index.ts': `import './nothing.ts';` },
    says: /'.\/nothing.ts' does not exist/,
  },
];

for (const { name, change, says } of faults) {
  test(`caught: ${name}`, () => {
    const problems = problemsWith(change);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', says);
  });
}

test('caught: a circle in the constitution', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'tunan-arrows-'));
  writeFileSync(path.join(root, 'package.json'), '{}');
  const problems = checkArrows(root, { a: ['b'], b: ['c'], c: ['a'], d: [] });
  rmSync(root, { recursive: true });
  assert.deepEqual(
    problems,
    ['a', 'b', 'c'].map((name) => `the constitution has a circle through ${name}`),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineCommand, parseArguments } from './command.ts';
import { UsageError } from './errors.ts';

const command = defineCommand({
  positionals: { recipe: { help: '' }, extra: { help: '', optional: true } },
  options: {
    out: { type: 'string', value: 'DIR', help: '', required: true },
    workers: { type: 'number', value: 'N', help: '', default: 2 },
    temperature: { type: 'number', value: 'T', help: '' },
    'no-serve': { type: 'boolean', help: '' },
    from: { type: 'strings', value: 'PATH…', help: '' },
  },
  examples: [],
  reports: true,
  run: async () => undefined,
});

const parse = (...argv: string[]) => parseArguments(command, argv);

test('fills defaults, leaves absent options undefined and booleans false', () => {
  assert.deepEqual(parse('tiny', '--out', 'somewhere'), {
    recipe: 'tiny',
    extra: undefined,
    out: 'somewhere',
    workers: 2,
    temperature: undefined,
    from: undefined,
    'no-serve': false,
    json: false,
  });
});

test('reads values in both forms, numbers as numbers, and positionals after --', () => {
  const values = parse('--out=--odd', '--workers', '3', '--temperature=-1.5', '--no-serve', '--json', '--', '--tiny');
  assert.equal(values.out, '--odd');
  assert.equal(values.workers, 3);
  assert.equal(values.temperature, -1.5);
  assert.equal(values['no-serve'], true);
  assert.equal(values.json, true);
  assert.equal(values.recipe, '--tiny');
});

test('a list takes the words up to the next option, and goes on where it is named again', () => {
  const values = parse('tiny', '--from', 'a', 'b c', '--out', 'x', '--from=d', 'e', '--no-serve', 'more');
  assert.deepEqual(values.from, ['a', 'b c', 'd', 'e']);
  assert.deepEqual([values.recipe, values.out, values.extra], ['tiny', 'x', 'more']);
});

test('a negative number is a value, another flag is not', () => {
  assert.equal(parse('tiny', '--out', 'x', '--temperature', '-1').temperature, -1);
  assert.equal(parse('tiny', '-12.5', '--out', 'x').extra, '-12.5');
  assert.throws(() => parse('tiny', '--out', '--no-serve'), /--out needs a value/);
});

const faults: readonly [string[], RegExp][] = [
  [['tiny', '--out', 'x', '--outt', 'y'], /unknown option --outt/],
  [['tiny', '--out'], /--out needs a value/],
  [['tiny'], /--out is missing/],
  [['--out', 'x'], /RECIPE is missing/],
  [['tiny', 'more', 'most', '--out', 'x'], /unexpected argument 'most'/],
  [['tiny', '--out', 'x', '--workers', 'many'], /--workers needs a number, not 'many'/],
  [['tiny', '--out', 'x', '--workers', ''], /--workers needs a number/],
  [['tiny', '--out', 'x', '--no-serve=yes'], /--no-serve takes no value/],
];
for (const [argv, message] of faults) {
  test(`usage error: ${argv.join(' ')}`, () => {
    assert.throws(
      () => parse(...argv),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

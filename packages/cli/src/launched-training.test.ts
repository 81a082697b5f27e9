import assert from 'node:assert/strict';
import test from 'node:test';
import { argumentsOf, requireLeastRanks } from './launched-training.ts';

test("ranks get the command line without what is the launcher's; a restart goes on with what is there", () => {
  const given = [
    'train',
    'run',
    'r.json',
    '--nproc',
    '4',
    '--max-restarts=3',
    '--out',
    'x y',
    '--extend',
    '--lang',
    'zh',
  ];
  assert.deepEqual(argumentsOf(given, 0), ['train', 'run', 'r.json', '--out', 'x y', '--extend', '--lang', 'zh']);
  const again = ['train', 'run', 'r.json', '--out', 'x y', '--lang', 'zh', '--resume-if-present'];
  assert.deepEqual(argumentsOf(given, 1), again);
});

test('fewer processes are whole copies of the model that divide every step, or refused with the numbers that fit', () => {
  const pairs = [2, 4, 6, 8];
  for (const least of pairs) requireLeastRanks(least, 8, 2, pairs);
  const refused = (least: number, ranks: number, modelRanks: number, fitting: readonly number[], end: string) =>
    assert.throws(() => requireLeastRanks(least, ranks, modelRanks, fitting), { message: new RegExp(`: ${end}$`) });
  refused(3, 8, 2, pairs, 'give 2 or 4');
  refused(1, 4, 2, [2, 4], 'give 2');
  refused(9, 8, 4, [4, 8], 'give 8');
  refused(6, 12, 2, [4, 12], 'give 4 or 12');
  refused(2, 4, 2, [], 'leave it out');
});

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

test('fewer processes are whole copies of the model, or refused with the numbers that fit', () => {
  for (const [least, ranks, modelRanks] of [
    [1, 3, 1],
    [2, 6, 2],
    [4, 4, 4],
  ] as const)
    requireLeastRanks(least, ranks, modelRanks);
  const refused = (least: number, ranks: number, modelRanks: number, fitting: string) =>
    assert.throws(() => requireLeastRanks(least, ranks, modelRanks), { message: new RegExp(`give ${fitting}$`) });
  refused(3, 8, 2, '2 or 4');
  refused(1, 4, 2, '2');
  refused(9, 8, 4, '8');
});

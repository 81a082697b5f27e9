import assert from 'node:assert/strict';
import test from 'node:test';
import { argumentsOf } from './launched-training.ts';

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

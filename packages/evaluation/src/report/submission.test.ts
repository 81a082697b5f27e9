import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { strFromU8, unzipSync } from 'fflate';
import { clueTasks } from '../tasks/suites.ts';
import { readTaskData } from '../tasks/task-data.ts';
import { SUBMISSION_FILE, type SubmissionPart, writeSubmission } from './submission.ts';

const data = path.resolve(import.meta.dirname, '../../../../tests/fixtures/fewclue');
const shared = path.resolve(import.meta.dirname, '../../../../../shared/data/fewclue');

/** Every task of a folder, answered with its last label, in the wrong order. */
function partsOf(folder: string): SubmissionPart[] {
  return clueTasks.map((task) => {
    const examples = readTaskData(task, folder, 'test');
    const predictions = examples.map(({ id }) => ({ id, predicted: task.labels.at(-1)! })).reverse();
    return { task, examples, predictions };
  });
}

function written(parts: readonly SubmissionPart[]): Record<string, string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tunan-submission-'));
  try {
    const file = path.join(folder, SUBMISSION_FILE);
    writeSubmission(file, parts);
    assert.deepEqual(readdirSync(folder), ['fewclue_submit_examples.zip']);
    const files = Object.entries(unzipSync(readFileSync(file)));
    return Object.fromEntries(files.map(([name, bytes]) => [name, strFromU8(bytes)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the zip has the leaderboard's names and lines", () => {
  const files = written(partsOf(data));
  const first = Object.fromEntries(Object.entries(files).map(([name, lines]) => [name, lines.split('\n')[0]]));
  assert.deepEqual(first, {
    'eprstmt_predict.json': '{"id":111,"label":"Negative"}',
    'bustm_predict.json': '{"id":3000,"label":"1"}',
    'ocnlif_predict.json': '{"label":"contradiction","id":0}',
    'csldcp_predict.json': '{"id":0,"label":"植物保护"}',
    'tnewsf_predict.json': '{"id":"0","label":"116"}',
    'cluewscf_predict.json': '{"id":49,"label":"false"}',
    'iflytekf_predict.json': '{"id":0,"label":"118"}',
    'cslf_predict.json': '{"id":2415,"label":"1"}',
    'chidf_predict.json': '{"id":3000,"answer":6}',
  });
  for (const [name, lines] of Object.entries(files)) assert.match(lines, /^(\{[^\n]+\}\n)+$/, name);
});

test('files of training splits carry their number', () => {
  const [part] = partsOf(data);
  const names = Object.keys(written(['0', '4', 'all'].map((split) => ({ ...part!, split }))));
  assert.deepEqual(names, ['eprstmt_predict_0.json', 'eprstmt_predict_4.json', 'eprstmt_predict_all.json']);
});

test('predictions that the leaderboard would refuse are not written', () => {
  const part = partsOf(data)[0]!;
  const { predictions } = part;
  const cases: [SubmissionPart['predictions'], RegExp][] = [
    [predictions.slice(1), /eprstmt: the id 122 of test.json has no prediction/],
    [[...predictions, predictions[0]!], /the id 122 is predicted twice/],
    [[...predictions, { id: 7, predicted: 'Positive' }], /the id 7 is not in test.json/],
    [[{ id: 111, predicted: 'Good' }], /the label "Good" of id 111 is none of the task's/],
    [[{ id: undefined, predicted: 'Positive' }], /a prediction has no id/],
  ];
  for (const [bad, message] of cases) {
    assert.throws(() => written([{ ...part, predictions: bad }]), { code: 'EVALUATION_BAD_SUBMISSION', message });
  }
});

test('the whole of FewCLUE makes a valid zip', {
  skip: existsSync(shared) ? false : '../shared/data is absent',
}, () => {
  const counts = Object.entries(written(partsOf(shared))).map(([name, lines]) => [name, lines.split('\n').length - 1]);
  assert.deepEqual(Object.fromEntries(counts), {
    'eprstmt_predict.json': 753,
    'bustm_predict.json': 2000,
    'ocnlif_predict.json': 3000,
    'csldcp_predict.json': 2999,
    'tnewsf_predict.json': 1500,
    'cluewscf_predict.json': 290,
    'iflytekf_predict.json': 2600,
    'cslf_predict.json': 3000,
    'chidf_predict.json': 2000,
  });
});

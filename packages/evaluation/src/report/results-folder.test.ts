import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { seededRandom } from '../random.ts';
import type { TaskResult, TaskRun } from '../result.ts';
import type { Example } from '../tasks/task.ts';
import { compareEvaluations } from './compare.ts';
import type { Evaluation } from './evaluation.ts';
import { readEvaluation, writeEvaluation } from './results-folder.ts';

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-results-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

const examples: Example[] = Array.from({ length: 200 }, (_, i) => ({
  id: i,
  fields: { sentence: `第${i}句 <b>不是标记</b>` },
  gold: i % 4 === 0 ? 'no' : 'yes',
}));

/** Right with the given chance, the other label otherwise. */
function runOf(chance: number, seed: number, split?: number): TaskRun {
  const random = seededRandom(seed);
  const predictions = examples.map(({ id, gold }) => {
    const right = random() < chance;
    const predicted = right === (gold === 'yes') ? 'yes' : 'no';
    return {
      id,
      gold,
      predicted,
      scores: predicted === 'yes' ? [0.7, 0.3] : [0.3, 0.7],
      truncated: false,
      shots: 0,
      tied: 1,
    };
  });
  const correct = predictions.filter(({ gold, predicted }) => gold === predicted).length;
  return {
    template: 'plain@1',
    normalise: 'token',
    calibrate: 'none',
    expand: 'none',
    shots: 0,
    split,
    order: 0,
    correct,
    accuracy: correct / examples.length,
    truncatedShare: 0,
    predictions,
  };
}

function resultOf(task: string, runs: readonly TaskRun[]): TaskResult {
  const accuracies = runs.map(({ accuracy }) => accuracy!);
  return {
    task,
    title: task.toUpperCase(),
    labels: ['yes', 'no'],
    examples: examples.length,
    labelled: examples.length,
    accuracy: accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / runs.length,
    deviation: runs.length === 1 ? undefined : 0.01,
    majority: 0.75,
    random: 0.5,
    runs,
  };
}

function evaluationOf(name: string, results: readonly TaskResult[]): Evaluation {
  return { suite: 'zeroclue', model: { name, identity: `hash of ${name}` }, settings: { calibrate: 'none' }, results };
}

/** As a page shows it, without marks. */
function pageOf(directory: string): string {
  return readFileSync(path.join(directory, 'report.html'), 'utf8').replace(/<[^>]*>/g, ' ');
}

function written(t: TestContext, evaluation: Evaluation): string {
  const directory = temporaryDirectory(t);
  writeEvaluation(
    directory,
    evaluation,
    new Map(evaluation.results.map(({ task }) => [task, { examples, prompts: [] }])),
  );
  return directory;
}

test('the folder holds the numbers, every prediction and a page without scripts', (t) => {
  const directory = written(
    t,
    evaluationOf('模型', [resultOf('eprstmt', [runOf(0.8, 1)]), resultOf('own', [runOf(0.6, 2)])]),
  );
  assert.deepEqual(readdirSync(directory).sort(), ['predictions.jsonl', 'report.html', 'results.json']);
  const results = JSON.parse(readFileSync(path.join(directory, 'results.json'), 'utf8'));
  const [first] = results.tasks;
  assert.deepEqual([first.examples, first.majority, first.random], [200, 0.75, 0.5]);
  assert.ok(first.interval.low < first.accuracy && first.accuracy < first.interval.high);
  assert.ok(Math.abs(results.mean.accuracy - (first.accuracy + results.tasks[1].accuracy) / 2) < 1e-12);
  assert.ok(results.mean.interval.low < results.mean.accuracy && results.mean.accuracy < results.mean.interval.high);
  const page = readFileSync(path.join(directory, 'report.html'), 'utf8');
  assert.ok(!page.includes('<b>不是标记</b>') && page.includes('&#60;b&#62;不是标记'), 'texts are escaped');
  assert.ok(!/<script|https?:/.test(page));
  assert.equal(readEvaluation(directory).tasks[1]!.runs[0]!.predictions.length, 200);
});

test('several runs over the same examples do not narrow the interval', (t) => {
  const one = written(t, evaluationOf('a', [resultOf('eprstmt', [runOf(0.7, 1)])]));
  const five = written(
    t,
    evaluationOf('a', [
      resultOf(
        'eprstmt',
        [1, 2, 3, 4, 5].map((seed) => runOf(0.7, seed, seed)),
      ),
    ]),
  );
  const width = (directory: string) => {
    const { low, high } = JSON.parse(readFileSync(path.join(directory, 'results.json'), 'utf8')).tasks[0].interval;
    return high - low;
  };
  assert.ok(Math.abs(width(one) - width(five)) < 0.01);
});

test('a better model is told from an equal one', (t) => {
  const weak = readEvaluation(written(t, evaluationOf('weak', [resultOf('eprstmt', [runOf(0.6, 1)])])));
  const equal = readEvaluation(written(t, evaluationOf('equal', [resultOf('eprstmt', [runOf(0.6, 9)])])));
  const strong = readEvaluation(written(t, evaluationOf('strong', [resultOf('eprstmt', [runOf(0.85, 5)])])));
  const better = compareEvaluations(weak, strong);
  const [task] = better.tasks;
  assert.equal(task!.test, 'mcnemar');
  assert.ok(task!.p < 1e-4 && better.mean.p < 0.001, `p ${task!.p}, ${better.mean.p}`);
  assert.ok(task!.difference > 0.1 && task!.interval.low > 0);
  assert.equal(task!.counts!.onlySecond - task!.counts!.onlyFirst, Math.round(200 * task!.difference));
  const same = compareEvaluations(weak, equal);
  assert.ok(same.tasks[0]!.p > 0.05 && same.mean.p > 0.05);
  assert.ok(same.tasks[0]!.interval.low < 0 && same.tasks[0]!.interval.high > 0);
  assert.equal(compareEvaluations(weak, weak).tasks[0]!.p, 1);
});

test('several runs are compared by the bootstrap, and tasks that one lacks are named', (t) => {
  const runs = (chance: number, first: number) => [0, 1, 2].map((i) => runOf(chance, first + i, i));
  const one = written(t, evaluationOf('a', [resultOf('eprstmt', runs(0.55, 1)), resultOf('extra', [runOf(0.5, 1)])]));
  const two = written(t, evaluationOf('b', [resultOf('eprstmt', runs(0.8, 7))]));
  const { tasks, left } = compareEvaluations(readEvaluation(one), readEvaluation(two));
  assert.deepEqual([tasks.length, tasks[0]!.test, tasks[0]!.counts, left], [1, 'bootstrap', undefined, ['extra']]);
  assert.ok(tasks[0]!.p < 0.01);
});

test('a mean stands beside published means of the same tasks alone; a limit, ties and lost shots are told', (t) => {
  const few = { ...runOf(0.7, 1, 0), shots: 4 };
  const lost = {
    ...few,
    predictions: few.predictions.map((one, i) => ({ ...one, shots: i % 2, tied: i < 20 ? 2 : 1 })),
  };
  const evaluation = evaluationOf('a', [resultOf('eprstmt', [lost]), resultOf('bustm', [runOf(0.6, 2)])]);
  const directory = temporaryDirectory(t);
  const prompts = [
    { split: 0, shots: [{ id: 7, label: 'yes' }], prompt: '例<子>', candidates: [{ given: '', scored: '好' }] },
  ];
  const material = new Map(['eprstmt', 'bustm'].map((task) => [task, { examples, prompts }]));
  writeEvaluation(directory, { ...evaluation, settings: { limit: 200 } }, material);
  const page = pageOf(directory);
  assert.match(page, /mean of these 2 /);
  // RoBERTa has 85.2 and 50.6 on the two, 44.61 on the nine; ERNIE's nine alone are known.
  assert.match(page, /RoBERTa\s+zero-shot\s+67\.9\s+85\.2\s+50\.6/);
  assert.doesNotMatch(page, /44\.6|ERNIE/);
  assert.match(page, /up to 200 examples of each task/);
  assert.match(
    page,
    /EPRSTMT: of 4 solved examples 0\.5 were in the prompt on average, in 50\.0 % of the prompts none/,
  );
  assert.match(page, /EPRSTMT: in 10\.0 % of the answers several labels score best alike/);
  assert.match(page, /split 0: 1 .*id 7: yes.*例&#60;子&#62; *好/s);
  const stored = JSON.parse(readFileSync(path.join(directory, 'results.json'), 'utf8')).tasks[0];
  assert.deepEqual([stored.shots, stored.tiedShare], [{ asked: 4, mean: 0.5, least: 0, none: 0.5 }, 0.1]);
  const [line] = readFileSync(path.join(directory, 'predictions.jsonl'), 'utf8').split('\n');
  assert.deepEqual([JSON.parse(line!).shots, JSON.parse(line!).tied], [0, 2]);
});

test('a comparison tells the settings that differ and those that do not, and unlabelled examples count for neither', (t) => {
  const half = runOf(0.7, 1);
  const partly = {
    ...half,
    predictions: half.predictions.map((one, i) => (i < 100 ? { ...one, gold: undefined } : one)),
  };
  const one = evaluationOf('m', [resultOf('eprstmt', [partly])]);
  const two = evaluationOf('m', [resultOf('eprstmt', [{ ...partly, template: 'other@2' }])]);
  const first = readEvaluation(written(t, { ...one, settings: { calibrate: 'none', shots: 0 } }));
  const second = readEvaluation(written(t, { ...two, settings: { calibrate: 'diagonal', shots: 0 } }));
  const { differing, common, sameModel, tasks, mean } = compareEvaluations(first, second);
  assert.deepEqual(differing, [
    { name: 'calibrate', first: 'none', second: 'diagonal' },
    { name: 'template of eprstmt', first: 'plain@1', second: 'other@2' },
  ]);
  assert.deepEqual([common, sameModel], [{ suite: 'zeroclue', shots: '0' }, true]);
  assert.deepEqual([tasks[0]!.examples, tasks[0]!.p, mean.difference], [100, 1, 0]);
});

test('other examples, missing and damaged files are one clear error', (t) => {
  const whole = written(t, evaluationOf('a', [resultOf('eprstmt', [runOf(0.6, 1)])]));
  const other = written(t, evaluationOf('b', [resultOf('eprstmt', [runOf(0.6, 1)])]));
  const file = path.join(other, 'predictions.jsonl');
  const lines = readFileSync(file, 'utf8');
  writeFileSync(file, lines.replace('"id":7,"gold":"yes"', '"id":7,"gold":"no"'));
  assert.throws(() => compareEvaluations(readEvaluation(whole), readEvaluation(other)), {
    code: 'EVALUATION_BAD_RESULTS',
    message: /eprstmt: .* other examples from number 8 on; evaluate both models on the same data/,
  });
  writeFileSync(file, lines.slice(0, 5_000));
  assert.throws(() => readEvaluation(other), { code: 'EVALUATION_BAD_RESULTS', message: /predictions\.jsonl:\d+: / });
  writeFileSync(file, lines.slice(0, lines.indexOf('\n') + 1));
  assert.throws(() => readEvaluation(other), /not all 200 predictions of eprstmt are there/);
  rmSync(path.join(other, 'results.json'));
  assert.throws(() => readEvaluation(other), /results\.json cannot be read .* give the --out folder/);
});

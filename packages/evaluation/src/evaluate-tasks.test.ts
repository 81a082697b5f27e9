import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { wilsonInterval } from '@tunan/classifier/proportion';
import { LanguageModel } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { setThreads } from '@tunan/torch';
import { calibrate, probabilities } from './calibration.ts';
import { decideTask } from './decide-task.ts';
import { completeSettings, type EvaluatedTask, evaluateTasks } from './evaluate-tasks.ts';
import { joinWords } from './label-expansion.ts';
import { summariseEvaluation } from './report/summary.ts';
import { CachedScorer } from './scoring/cached-scorer.ts';
import { LocalScorer } from './scoring/local-scorer.ts';
import type { Scorer } from './scoring/scorer.ts';
import { planTask } from './task-plan.ts';
import { clueTasks } from './tasks/suites.ts';
import type { Task } from './tasks/task.ts';
import { folderData, type TaskData } from './tasks/task-data.ts';

setThreads(1);

const folder = path.resolve(import.meta.dirname, '../../../tests/fixtures/fewclue');
const data = folderData(folder);
const texts = ['eprstmt', 'tnews', 'chid'].map((name) =>
  readFileSync(path.join(folder, name, 'train_few_all.json'), 'utf8'),
);
const tokenizer = Tokenizer.fromFile(await trainBpe(texts, { vocabularySize: 600 }));
const model = LanguageModel.create(
  { vocabularySize: 640, contextLength: 384, layers: 2, width: 32, heads: 2, initStd: 0.15 },
  { seed: 9 },
);
const scorerOf = (batchTokens = 1_024) => new LocalScorer(model, tokenizer, { identity: 'tiny', batchTokens });
const named = (...names: string[]) => names.map((name) => clueTasks.find((task) => task.name === name)!);

/** Equal predictions, and scores that differ by no more than what is promised of other batches. */
function assertSame(some: readonly EvaluatedTask[], others: readonly EvaluatedTask[]): void {
  const predictions = (tasks: readonly EvaluatedTask[]) =>
    tasks.flatMap(({ result }) => result.runs.flatMap((run) => run.predictions));
  const [first, second] = [predictions(some), predictions(others)];
  assert.ok(first.length > 0);
  const answers = (list: typeof first) => list.map(({ id, gold, predicted }) => ({ id, gold, predicted }));
  assert.deepEqual(answers(first), answers(second));
  first.forEach(({ scores }, i) => {
    for (const [label, score] of scores.entries()) assert.ok(Math.abs(score - second[i]!.scores[label]!) < 1e-6);
  });
}

test('all nine tasks zero-shot: every example predicted once, scores that sum to 1, majority and chance beside', async () => {
  const evaluated = await evaluateTasks(clueTasks, data, scorerOf());
  assert.deepEqual(
    evaluated.map(({ result }) => result.task),
    clueTasks.map(({ name }) => name),
  );
  for (const [i, { result, examples }] of evaluated.entries()) {
    const [run] = result.runs;
    const [template] = clueTasks[i]!.templates;
    assert.equal(result.runs.length, 1);
    assert.deepEqual(
      run!.predictions.map(({ id }) => id),
      examples.map(({ id }) => id),
    );
    for (const { scores, predicted } of run!.predictions) {
      assert.ok(Math.abs(scores.reduce((sum, score) => sum + score, 0) - 1) < 1e-9);
      assert.equal(scores[result.labels.indexOf(predicted)], Math.max(...scores));
    }
    const right = run!.predictions.filter(({ gold, predicted }) => gold === predicted).length;
    assert.deepEqual([run!.correct, result.accuracy], [right, right / examples.length]);
    assert.ok(result.majority! >= result.random - 1e-9);
    assert.equal(run!.template, `${template!.name}@${template!.version}`);
  }
});

test('results are the same for every batch size', async () => {
  const tasks = named('tnews', 'ocnli', 'chid');
  const settings = { calibrate: 'diagonal', expand: 'max' } as const;
  const [small, large] = await Promise.all(
    [7, 5_000].map((size) => evaluateTasks(tasks, data, scorerOf(size), { settings })),
  );
  assertSame(small!, large!);
});

test('few-shot: a run a split and order, deviation between them, whole examples dropped to fit', async () => {
  const settings = { shots: 6, orders: 2, limit: 8 };
  const [tnews, csl] = await evaluateTasks(named('tnews', 'csl'), data, scorerOf(), { settings });
  const { runs, accuracy, deviation, orderSpread } = tnews!.result;
  assert.deepEqual(
    runs.map(({ split, order }) => [split, order]),
    [0, 1, 2, 3, 4].flatMap((split) => [0, 1].map((order) => [split, order])),
  );
  const accuracies = runs.map((run) => run.accuracy!);
  const mean = accuracies.reduce((sum, one) => sum + one, 0) / 10;
  assert.ok(Math.abs(accuracy! - mean) < 1e-12 && deviation! >= 0 && orderSpread! >= 0);
  assert.ok(runs.every(({ predictions }) => predictions.every(({ shots }) => shots > 0 && shots <= 6)));
  // Abstracts are long: not all six fit, but no question is cut for the sake of examples.
  const shots = csl!.result.runs[0]!.predictions.map((prediction) => prediction.shots);
  assert.ok(shots.every((count) => count < 6));
  assert.equal(csl!.result.runs[0]!.truncatedShare, 0);
});

test('the 2 x 2 of one pass is what four evaluations give', async () => {
  const tasks = named('eprstmt', 'ocnli');
  const ablated = await evaluateTasks(tasks, data, scorerOf(), { ablate: true });
  assert.equal(ablated[0]!.ablation.length, 4);
  for (const { calibrate: calibration, expand } of ablated[0]!.ablation) {
    const single = await evaluateTasks(tasks, data, scorerOf(), { settings: { calibrate: calibration, expand } });
    single.forEach(({ result }, i) => {
      const cell = ablated[i]!.ablation.find((one) => one.calibrate === calibration && one.expand === expand);
      assert.equal(cell!.accuracy, result.accuracy);
    });
  }
  assert.equal(ablated[0]!.result.accuracy, ablated[0]!.ablation[0]!.accuracy);
});

test('shards fill the cache, and what is left for the last process is nothing', async (t) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-shards-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const tasks = named('eprstmt', 'bustm');
  for (const index of [0, 1, 2]) {
    using scorer = new CachedScorer(scorerOf(), directory);
    const none = await evaluateTasks(tasks, data, scorer, { shard: { index, count: 3 } });
    assert.deepEqual(none, []);
  }
  const files = readdirSync(directory).length;
  using scorer = new CachedScorer(scorerOf(), directory);
  const first: number[] = [];
  const onProgress = ({ done, total }: { done: number; total: number }) => first.push(done / total);
  const evaluated = await evaluateTasks(tasks, data, scorer, { onProgress });
  assert.deepEqual(first, [1, 1]);
  assert.equal(readdirSync(directory).length, files);
  assertSame(evaluated, await evaluateTasks(tasks, data, scorerOf()));
});

test('first-token mode scores the first token of a word, and only where words are scored', () => {
  const settings = { ...completeSettings(), words: 'first' } as const;
  const needs = { allWords: true, contentFree: true };
  const plan = (name: string) => planTask(named(name)[0]!, data, settings, needs, scorerOf());
  assert.ok(plan('tnews').requests.every(({ firstTokenOnly }) => firstTokenOnly === true));
  assert.ok(plan('chid').requests.every(({ firstTokenOnly }) => firstTokenOnly === undefined));
  // Content-free prompts are asked once, not once an example.
  assert.equal(plan('tnews').requests.length, plan('tnews').examples.length + 4);
});

test('a limit draws examples by the seed and keeps their order; test.json gives predictions without accuracy', async () => {
  const [tnews] = named('tnews');
  const ids = (seed: number) =>
    planTask(
      tnews!,
      data,
      { ...completeSettings(), limit: 9, seed },
      { allWords: false, contentFree: false },
      scorerOf(),
    ).examples.map(({ id }) => id as number);
  assert.equal(ids(1).length, 9);
  assert.deepEqual(
    ids(1),
    [...ids(1)].sort((a, b) => a - b),
  );
  assert.deepEqual(ids(1), ids(1));
  assert.notDeepEqual(ids(1), ids(2));
  const [hidden] = await evaluateTasks([tnews!], data, scorerOf(), { settings: { set: 'test' }, ablate: true });
  assert.equal(hidden!.result.accuracy, undefined);
  assert.equal(hidden!.result.majority, undefined);
  assert.deepEqual(hidden!.ablation, []);
  assert.equal(hidden!.result.runs[0]!.predictions.length, hidden!.examples.length);
});

test('what cannot be evaluated is said before anything is scored', async () => {
  const [tnews] = named('tnews') as [Task];
  const rejects = (settings: object, code: string, task = tnews) =>
    assert.rejects(evaluateTasks([task], data, scorerOf(), { settings }), { code });
  await rejects({ template: 'none' }, 'EVALUATION_BAD_SETTING');
  await rejects({ shots: -1 }, 'EVALUATION_BAD_SETTING');
  await rejects({ limit: 0 }, 'EVALUATION_BAD_SETTING');
  await rejects({ orders: 2 }, 'EVALUATION_BAD_SETTING');
  await rejects({ set: 'nothing' }, 'EVALUATION_MISSING_DATA');
  await rejects({ shots: 1, splits: [9] }, 'EVALUATION_MISSING_DATA');
  await rejects({ calibrate: 'diagonal' }, 'EVALUATION_BAD_TASK', { ...tnews, contentFree: [] });
  await rejects({}, 'EVALUATION_BAD_TASK', { ...tnews, words: { ...tnews.words, 100: [] } });
  using short = LanguageModel.create({ ...model.config, contextLength: 6 }, { seed: 1 });
  const scorer = new LocalScorer(short, tokenizer, { identity: 'short' });
  await assert.rejects(evaluateTasks([tnews], data, scorer), { code: 'EVALUATION_CONTEXT_TOO_SHORT' });
});

test('calibration and expansion by hand', () => {
  // Two words for the first label, one for the second; means of -1, -2 and -1.5 nats a token.
  const scores = [
    { logprob: -2, tokens: 2 },
    { logprob: -2, tokens: 1 },
    { logprob: -4.5, tokens: 3 },
  ];
  const texts = ['两字', '字', '三个字'];
  const p = probabilities(scores, texts, 'token');
  const sum = Math.exp(-1) + Math.exp(-2) + Math.exp(-1.5);
  assert.deepEqual(calibrate([0.5, 0.3, 0.2], [], 'none'), [0.5, 0.3, 0.2]);
  const close = (actual: readonly number[], expected: readonly number[]) => {
    for (const [i, value] of actual.entries()) assert.ok(Math.abs(value - expected[i]!) < 1e-12, `${actual}`);
  };
  close(
    p,
    [-1, -2, -1.5].map((mean) => Math.exp(mean) / sum),
  );
  const normalised = (kind: 'character' | 'none', logprobs: readonly number[]) => {
    const whole = logprobs.reduce((total, logprob) => total + Math.exp(logprob), 0);
    close(
      probabilities(scores, texts, kind),
      logprobs.map((logprob) => Math.exp(logprob) / whole),
    );
  };
  normalised('character', [-1, -2, -1.5]);
  normalised('none', [-2, -2, -4.5]);
  // p_cf is the mean of (0.6, 0.2, 0.2) and (0.2, 0.6, 0.2): (0.4, 0.4, 0.2).
  const contentFree = [
    [0.6, 0.2, 0.2],
    [0.2, 0.6, 0.2],
  ];
  close(calibrate([0.5, 0.3, 0.2], contentFree, 'diagonal'), [1.25, 0.75, 1]);
  close(calibrate([0.5, 0.3, 0.2], contentFree, 'identity'), [0.1, -0.1, 0]);
  close(joinWords([1.25, 0.75, 1.1], [2, 1], 'mean'), [1, 1.1]);
  close(joinWords([1.25, 0.75, 1.1], [2, 1], 'max'), [1.25, 1.1]);
  close(joinWords([1.25, 1.1], [1, 1], 'none'), [1.25, 1.1]);
});

test('a decision takes the calibrated label, with its words joined', () => {
  const task = {
    name: 'toy',
    title: 'Toy',
    labels: ['甲', '乙'],
    words: { 甲: ['a', 'b'], 乙: ['c', 'd'] },
  } as unknown as Task;
  const even = [0, 1, 2, 3].map(() => ({ logprob: -1, tokens: 1 }));
  const asked = [-1, -3, -1.2, -1.3].map((logprob) => ({ logprob, tokens: 1 }));
  // Without content the first word of 甲 is likely anyway.
  const empty = [-0.5, -2, -2, -2].map((logprob) => ({ logprob, tokens: 1 }));
  const plan = {
    task,
    template: { name: 'x', version: 3, text: '[{label}]' },
    settings: completeSettings(),
    examples: [{ id: 1, fields: {}, gold: '乙' }],
    requests: [0, 1].map(() => ({
      context: [],
      candidates: ['a', 'b', 'c', 'd'].map((scored) => ({ given: '', scored })),
    })),
    runs: [
      {
        split: undefined,
        order: 0,
        questions: [{ counts: [2, 2], request: 0, contentFree: [1], truncated: true, solved: [] }],
      },
    ],
  };
  const decide = (calibration: 'none' | 'diagonal' | 'identity', expand: 'none' | 'mean' | 'max', cf = empty) =>
    decideTask(plan, [asked, cf], { normalise: 'token', calibrate: calibration, expand }).runs[0]!.predictions[0]!
      .predicted;
  assert.equal(decide('none', 'none'), '甲');
  assert.equal(decide('none', 'max'), '甲');
  assert.equal(decide('none', 'mean'), '乙');
  assert.equal(decide('diagonal', 'none'), '乙');
  assert.equal(decide('identity', 'none'), '乙');
  assert.equal(decide('diagonal', 'none', even), '甲');
  const result = decideTask(plan, [asked, empty], { normalise: 'token', calibrate: 'none', expand: 'mean' });
  assert.deepEqual([result.accuracy, result.majority, result.runs[0]!.truncatedShare], [1, 1, 1]);
  assert.equal(result.runs[0]!.template, 'x@3');
});

test('ties are counted and broken by lot, the same for the same seed', async () => {
  const [eprstmt] = named('eprstmt') as [Task];
  // Every token is as likely as any other, so that words of one token and of three tie, but for rounding.
  const even: Scorer = {
    identity: 'even',
    contextLength: 10_000,
    countTokens: (text) => text.length,
    score: async (requests) =>
      requests.map(({ candidates }) =>
        candidates.map((_, i) => ({ logprob: [-12.3, -12.3 - 12.3 - 12.3][i]!, tokens: [1, 3][i]! })),
      ),
  };
  const run = async (seed: number) => {
    const [evaluated] = await evaluateTasks([eprstmt], data, even, { settings: { seed } });
    return evaluated!.result.runs[0]!.predictions;
  };
  const first = await run(1);
  assert.ok(first.every(({ tied }) => tied === 2));
  const positive = first.filter(({ predicted }) => predicted === 'Positive').length;
  assert.ok(positive > 4 && positive < 20, `${positive} of 24`);
  const answers = (list: typeof first) => list.map(({ predicted }) => predicted).join();
  assert.equal(answers(first), answers(await run(1)));
  assert.notEqual(answers(first), answers(await run(2)));
});

test('samples hold what was sent and what came back; shots are those that fitted', async () => {
  const settings = { shots: 3, limit: 4, splits: [0, 'few_all'], calibrate: 'diagonal' } as const;
  const [csl] = await evaluateTasks(named('csl'), data, scorerOf(), { settings, keepSamples: true });
  const samples = [...csl!.samples()];
  const questions = samples.flatMap((sample) => (sample.kind === 'question' ? [sample] : []));
  const empty = samples.flatMap((sample) => (sample.kind === 'content-free' ? [sample] : []));
  assert.deepEqual(
    questions.map(({ split, example }) => [split, example]),
    [0, 'few_all'].flatMap((split) => [0, 1, 2, 3].map((example) => [split, example])),
  );
  for (const { prompt, candidates, shots, contentFree, run, example, id } of questions) {
    const prediction = csl!.result.runs[run]!.predictions[example]!;
    assert.deepEqual([shots.length, id], [prediction.shots, prediction.id]);
    assert.equal(prompt.split('\n').length - 1, shots.length);
    assert.deepEqual(
      candidates.map(({ label }) => label),
      csl!.result.labels,
    );
    assert.ok(candidates.every(({ logprob, tokens, scored }) => logprob < 0 && tokens > 0 && scored !== ''));
    assert.ok(contentFree.length === 3 && contentFree.every((one) => empty.some(({ request }) => request === one)));
  }
  const [again] = await scorerOf().score([
    {
      context: [questions[0]!.prompt],
      candidates: questions[0]!.candidates.map(({ given, scored }) => ({ given, scored })),
    },
  ]);
  assert.equal(again!.length, 2);
  assert.equal(csl!.prompts.length, 2);
  assert.ok(questions.every(({ prompt }) => csl!.prompts.some((one) => one.prompt.length > 0) && prompt.length > 0));
});

test('examples without a label are predicted, and count neither as right nor as wrong', async () => {
  const [eprstmt] = named('eprstmt') as [Task];
  const partly: TaskData = {
    has: data.has,
    read: (task, set) => data.read(task, set).map((one, i) => (i % 6 === 0 ? { ...one, gold: undefined } : one)),
  };
  const [evaluated] = await evaluateTasks([eprstmt], partly, scorerOf());
  const { result } = evaluated!;
  assert.deepEqual([result.examples, result.labelled, result.runs[0]!.predictions.length], [24, 20, 24]);
  assert.equal(result.accuracy, result.runs[0]!.correct / 20);
  const { tasks, mean } = summariseEvaluation([result]);
  assert.ok(Math.abs(mean!.accuracy - result.accuracy!) < 1e-12);
  assert.deepEqual(tasks[0]!.interval, wilsonInterval(result.runs[0]!.correct, 20));
  await assert.rejects(evaluateTasks([eprstmt], partly, scorerOf(), { settings: { shots: 1 } }), {
    code: 'EVALUATION_BAD_DATA',
    message: /has no label/,
  });
});

test('a file that a later task lacks shows before the first is scored', async () => {
  const tasks = named('eprstmt', 'csl');
  let scored = 0;
  const counting = Object.assign(Object.create(scorerOf()), { score: async () => scored++ }) as Scorer;
  const lacking: TaskData = {
    has: data.has,
    read: (task, set) => (task.name === 'csl' ? folderData('/nowhere').read(task, set) : data.read(task, set)),
  };
  await assert.rejects(evaluateTasks(tasks, lacking, counting), { code: 'EVALUATION_MISSING_DATA', message: /csl/ });
  assert.equal(scored, 0);
});

// Tuning: what is read and learnt, rows whose examples do not see each other, adapters that a stopped run goes on with to the last bit.
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { LanguageModel, LoraLayers, loadAdapter, readModelConfig } from '@tunan/model';
import { noGrad, scope, setThreads, tensor } from '@tunan/torch';
import { batchOf } from '../data/batch.ts';
import { straightWay } from '../parallel/passage.ts';
import { readRunLog } from '../run/run-log.ts';
import { temporaryDirectory } from '../testing/tiny-corpus.ts';
import { rejects } from '../testing/training-error.ts';
import { type EncodedExample, type ExampleCoder, encodeExample, showExample } from './encode-example.ts';
import { ExampleRows } from './example-rows.ts';
import { prepareExamples } from './example-sets.ts';
import { readExamples } from './examples.ts';
import { mixedRow } from './replay.ts';
import { tune } from './tune.ts';
import type { Trial, TuneOptions } from './tune-options.ts';

setThreads(1);
const CONTEXT = 48;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz ?!:';
const [END, USER, ASSISTANT] = [0, 1, 2];
const NAMES = ['<end>', '<user>', '<assistant>'];

/** One token a letter. */
const coder: ExampleCoder = {
  sha256: 'letters',
  vocabularySize: LETTERS.length + NAMES.length,
  begin: END,
  end: END,
  ends: new Set([END]),
  text: (text) => [...text].map((letter) => NAMES.length + LETTERS.indexOf(letter)),
  conversation: (messages) => {
    const ids: number[] = [];
    const answers: { start: number; end: number }[] = [];
    for (const { role, content } of messages) {
      ids.push(role === 'assistant' ? ASSISTANT : USER);
      const start = ids.length;
      ids.push(...coder.text(content));
      if (role !== 'assistant') continue;
      ids.push(END, USER); // and what a template writes behind an answer
      answers.push({ start, end: ids.length });
    }
    return { ids, answers };
  },
  decode: (ids) => [...ids].map((id) => NAMES[id] ?? LETTERS[id - NAMES.length]).join(''),
};

function writeLines(t: TestContext, rows: readonly unknown[]): string {
  const file = path.join(temporaryDirectory(t), 'data.jsonl');
  writeFileSync(file, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));
  return file;
}

const letter = (i: number) => LETTERS[i % 26]!;
/** What can be learnt: the letter that follows. */
const pairs = Array.from({ length: 80 }, (_, i) => ({
  prompt: `after ${letter(i)}${letter(3 * i)}?`,
  completion: `${letter(i + 1)}${letter(3 * i + 1)}${'!'.repeat(i % 5)}`,
}));

function baseModel(t: TestContext): string {
  const directory = path.join(temporaryDirectory(t), 'base');
  const sizes = {
    vocabularySize: 64,
    contextLength: CONTEXT,
    layers: 2,
    width: 32,
    heads: 4,
    kvHeads: 2,
    initStd: 0.2,
  };
  using model = LanguageModel.create({ family: 'llama', ...sizes, outputInit: 'normal' }, { seed: 1 });
  model.save(directory);
  return directory;
}

test('what is learnt of each kind of example', () => {
  const show = (content: Parameters<typeof encodeExample>[0]['content']) =>
    showExample(encodeExample({ content, line: 1, key: 0 }, coder), coder);
  assert.equal(show({ kind: 'completion', prompt: 'hi?', completion: 'yes' }), '<end>hi?⟦yes<end>⟧');
  assert.equal(show({ kind: 'text', text: 'a text' }), '<end>⟦a text<end>⟧');
  const turns = ['a?', 'b', 'c?', 'd'].map((content, i) => ({
    role: i % 2 === 0 ? ('user' as const) : ('assistant' as const),
    content,
  }));
  const shown = '<user>a?<assistant>⟦b<end>⟧<user><user>c?<assistant>⟦d<end>⟧<user>';
  assert.equal(show({ kind: 'messages', messages: turns }), shown);
});

test('rows that cannot be used are told with file and line', async (t) => {
  const good = { prompt: 'a', completion: 'b' };
  const user = { role: 'user', content: 'a' };
  const cases: readonly [unknown, RegExp][] = [
    ['{"prompt": "a", ', /data\.jsonl:2: not a JSON object/],
    [{ prompt: 'a', completion: ' ' }, /:2: completion is empty/],
    [{ completion: 'b' }, /:2: prompt is not a text/],
    [{ question: 'a', answer: 'b' }, /:2: neither .* its fields are: question, answer/],
    [{ text: 'a', messages: [] }, /:2: it has messages and text/],
    [{ messages: [user, user] }, /:2: messages\.1 is of user, where assistant has the turn/],
    [{ messages: [user] }, /:2: the last message is not an answer/],
    [{ messages: [{ role: 'tool', content: 'a' }] }, /:2: messages\.0\.role is "tool"/],
    [{ messages: [user, { role: 'assistant', content: '' }] }, /:2: messages\.1 is an empty answer/],
  ];
  for (const [row, message] of cases)
    await rejects('TRAINING_BAD_EXAMPLES', message, readExamples(writeLines(t, [good, row])));
  await rejects('TRAINING_BAD_EXAMPLES', /no examples in it/, readExamples(writeLines(t, ['', ''])));
  await rejects('TRAINING_BAD_EXAMPLES', /no such file/, readExamples('nowhere.jsonl'));
});

test('no example is on both sides, a seed decides the split, and what the context does not hold is listed', async (t) => {
  const long = { prompt: 'z', completion: 'z'.repeat(CONTEXT - 1) };
  const data = writeLines(t, [...pairs, ...pairs.slice(0, 10), long]);
  const options = { data, validationShare: 0.1, contextLength: CONTEXT, seed: 2 };
  const sets = await prepareExamples(options, coder);
  assert.deepEqual(sets.tooLong, [{ place: `${data}:91`, tokens: CONTEXT + 2 }]);
  assert.equal(sets.counts.repeated, 90 - new Set(pairs.map((pair) => JSON.stringify(pair))).size);
  const textOf = ({ ids }: EncodedExample) => coder.decode(ids);
  const held = new Set([...sets.validation].map(textOf));
  assert.ok(held.size > 0 && [...sets.train].every((one) => !held.has(textOf(one))));
  assert.equal((await prepareExamples(options, coder)).sha256, sets.sha256);
  assert.notEqual((await prepareExamples({ ...options, seed: 3 }, coder)).sha256, sets.sha256);

  const validation = writeLines(t, pairs.slice(0, 4));
  const given = await prepareExamples({ ...options, data: writeLines(t, pairs), validation }, coder);
  assert.deepEqual([given.counts.validation.examples, given.counts.shared >= 4], [4, true]);
  const nearTo = async (heldOut: Iterable<string>) => {
    const [some] = heldOut;
    return { has: (text: string) => text.startsWith(some!.slice(0, 7)) };
  };
  const without = await prepareExamples({ ...options, data: writeLines(t, pairs), validation, nearTo }, coder);
  assert.equal(without.counts.near, given.train.length - without.train.length);
  assert.ok(without.counts.near > 0 && [...without.train].every((one) => !textOf(one).includes('after aa')));
  const everything = prepareExamples({ ...options, data: writeLines(t, [long]) }, coder);
  await rejects(
    'TRAINING_BAD_EXAMPLES',
    /none of 1 examples is left.* 1 are longer than the context of 48/,
    everything,
  );
});

test('a text that the context does not hold is learnt in pieces that go on from each other', async (t) => {
  const text = [...'abcdefghij'.repeat(12)].join('');
  const options = { data: writeLines(t, [{ text }]), validationShare: 0.5, contextLength: CONTEXT, seed: 1 };
  const { train, counts } = await prepareExamples(options, coder);
  assert.deepEqual([train.length, counts.repeated, counts.validation.examples], [3, 0, 0]);
  const learnt = [...train].flatMap(({ ids }) => [...ids].slice(1));
  assert.equal(coder.decode(learnt), `${text}<end>`);
  assert.deepEqual(
    [...train].map(({ content }) => content.kind === 'text' && content.text.length),
    [48, 48, 24],
  );
});

test('examples packed in a row are read as each alone', async (t) => {
  const base = baseModel(t);
  const data = writeLines(t, pairs);
  const sets = await prepareExamples({ data, validationShare: 0, contextLength: CONTEXT, seed: 1 }, coder);
  const plan = { seed: 1, sequenceLength: CONTEXT, microBatch: 4 } as never;
  const rows = new ExampleRows(sets, plan, data);
  const [{ rows: perEpoch, documents } = { rows: 0, documents: 0 }] = rows.counts;
  assert.ok(perEpoch < documents / 2, 'rows hold several examples');
  using model = LanguageModel.load(base);
  noGrad(() =>
    scope(() => {
      let [packed, learnt] = [0, 0];
      for (const row of rows.rows(0, perEpoch)) {
        const { ids, targets, options } = batchOf([row], 'cpu');
        packed += row.counted * model.loss(ids, targets, options).item();
        learnt += row.counted;
      }
      let alone = 0;
      for (const { ids, learnt: marks } of sets.train) {
        const one = (values: number[]) => tensor([values], { dtype: 'int64' });
        const targets = [...ids].slice(1).map((id, at) => (marks[at + 1] === 1 ? id : -100));
        const count = marks.reduce((sum, mark) => sum + mark, 0);
        alone += count * model.loss(one([...ids].slice(0, -1)), one(targets)).item();
      }
      assert.equal(learnt, sets.counts.train.learnt);
      assert.ok(Math.abs(packed - alone) / learnt < 1e-6, `${packed}, ${alone}`);
    }),
  );
});

test('an adapter learns, a stopped run goes on to the last bit, and the base stays what it was', async (t) => {
  const base = baseModel(t);
  const weights = readFileSync(path.join(base, 'model.safetensors'));
  const directory = temporaryDirectory(t);
  const data = writeLines(t, pairs);
  const sets = await prepareExamples({ data, validationShare: 0.1, contextLength: CONTEXT, seed: 1 }, coder);
  const options = (name: string, more: Partial<TuneOptions> = {}): TuneOptions => ({
    ...{ model: base, sets, data, coder, way: 'lora', lora: { rank: 4, targets: ['all'] }, batch: 2, epochs: 4 },
    ...{ directory: path.join(directory, name), learningRate: 0.01, seed: 1, resume: 'never' },
    precision: 'float32',
    ...more,
  });
  const whole = await tune(options('whole'));
  assert.equal(whole.status, 'finished');
  assert.ok(whole.after! < 0.8 * whole.before!, `${whole.before} → ${whole.after}`);
  assert.equal(whole.output, path.join(directory, 'whole', 'adapter'));

  const controller = new AbortController();
  const stopAt = Math.floor(whole.step / 2);
  const stopped = await tune(
    options('stopped', {
      signal: controller.signal,
      onProgress: ({ line }) => line.step === stopAt && controller.abort(),
    }),
  );
  assert.deepEqual([stopped.status, stopped.step, stopped.output], ['stopped', stopAt, undefined]);
  const resumed = await tune(options('stopped', { resume: 'always' }));
  const file = (output: string) => readFileSync(path.join(output, 'adapter_model.safetensors'));
  assert.ok(file(resumed.output!).equals(file(whole.output!)));
  assert.deepEqual([resumed.before, resumed.after], [whole.before, whole.after]);
  assert.deepEqual(readFileSync(path.join(base, 'model.safetensors')), weights);
  assert.ok(!existsSync(path.join(whole.output!, 'optimizer.safetensors')));
  using layers = loadAdapter(whole.output!, readModelConfig(base));
  assert.ok(layers instanceof LoraLayers && layers.pairs.size === 14);

  const other = await prepareExamples({ data, validationShare: 0.1, contextLength: CONTEXT, seed: 9 }, coder);
  await rejects(
    'TRAINING_OTHER_RECIPE',
    /is not the data that/,
    tune(options('stopped', { resume: 'always', sets: other })),
  );
  {
    using model = LanguageModel.create(readModelConfig(base), { seed: 99 });
    cpSync(base, `${base}-kept`, { recursive: true });
    model.save(base);
  }
  await rejects(
    'TRAINING_OTHER_MODEL',
    /does not hold the weights that this run began with/,
    tune(options('stopped', { resume: 'always' })),
  );
});

test('all weights are tuned as well, and come out as a model directory', async (t) => {
  const base = baseModel(t);
  const data = writeLines(t, pairs);
  const sets = await prepareExamples({ data, validationShare: 0.1, contextLength: CONTEXT, seed: 1 }, coder);
  const directory = temporaryDirectory(t);
  const { before, after, output } = await tune({
    ...{ model: base, sets, data, coder, way: 'full', directory, batch: 2, epochs: 4 },
    ...{ learningRate: 0.003, seed: 1, resume: 'never', precision: 'float32' },
  });
  assert.ok(after! < 0.8 * before!, `${before} → ${after}`);
  assert.equal(readModelConfig(output!).width, 32);
});

test('general text is learnt beside the examples in the share that was asked for, and a stopped run goes on to the last bit', async (t) => {
  const base = baseModel(t);
  const data = writeLines(t, pairs);
  const sets = await prepareExamples({ data, validationShare: 0.1, contextLength: CONTEXT, seed: 1 }, coder);
  const directory = temporaryDirectory(t);
  const texts = Array.from({ length: 30 }, (_, i) => 'general text '.repeat(1 + (i % 9)));
  const options = (name: string, more: Partial<TuneOptions> = {}): TuneOptions => ({
    ...{ model: base, sets, data, coder, way: 'full', batch: 2, epochs: 2, learningRate: 0.003, seed: 1 },
    ...{ directory: path.join(directory, name), resume: 'never', precision: 'float32' },
    replay: { texts, place: 'texts', share: 0.25 },
    ...more,
  });
  const whole = await tune(options('whole'));
  const log = readRunLog(path.join(directory, 'whole', 'log.jsonl'));
  const withReplay = log.filter(({ lossBySource }) => lossBySource.replay !== undefined).length;
  // Every fourth row, two rows a step.
  assert.ok(Math.abs(withReplay / log.length - 0.5) < 0.1, `${withReplay} of ${log.length}`);

  const controller = new AbortController();
  const stopAt = Math.floor(whole.step / 2);
  const onProgress = ({ line }: { line: { step: number } }) => line.step === stopAt && controller.abort();
  await tune(options('stopped', { signal: controller.signal, onProgress }));
  const resumed = await tune(options('stopped', { resume: 'always' }));
  const weights = (output: string) => readFileSync(path.join(output, 'model.safetensors'));
  assert.ok(weights(resumed.output!).equals(weights(whole.output!)));
});

test('a share of rows is spread evenly, and every row of both kinds comes once', () => {
  for (const share of [0.1, 0.25, 0.9]) {
    const seen = { true: [] as number[], false: [] as number[] };
    for (let n = 0; n < 1000; n++) {
      const { replay, index } = mixedRow(n, share);
      seen[`${replay}`].push(index);
    }
    assert.ok(Math.abs(seen.true.length - 1000 * share) <= 1);
    for (const kind of [seen.true, seen.false]) assert.ok(kind.every((index, place) => index === place));
  }
});

test('minutes become steps and a rank, which a run that goes on keeps', async (t) => {
  const base = baseModel(t);
  const data = writeLines(t, pairs);
  const sets = await prepareExamples({ data, validationShare: 0.1, contextLength: CONTEXT, seed: 1 }, coder);
  const trials: Trial[] = [];
  const controller = new AbortController();
  const options: TuneOptions = {
    ...{ model: base, sets, data, coder, way: 'lora', batch: 2, learningRate: 0.01, seed: 1, precision: 'float32' },
    ...{ directory: path.join(temporaryDirectory(t), 'run'), resume: 'never', minutes: 0.05, epochs: 2 },
    onTrial: (trial) => trials.push(trial),
  };
  const onProgress = ({ line }: { line: { step: number } }) => line.step === 1 && controller.abort();
  const stopped = await tune({ ...options, signal: controller.signal, onProgress });
  const [trial] = trials;
  assert.ok(trial !== undefined && trial.epochs <= 2 && trial.tokensPerSecond > 0, JSON.stringify(trial));
  assert.deepEqual([stopped.plan.steps, stopped.plan.lora?.rank], [trial.steps, trial.rank]);
  const resumed = await tune({ ...options, resume: 'always' });
  assert.deepEqual([resumed.status, resumed.plan.steps, trials.length], ['finished', trial.steps, 1]);
});

test('what had the lowest loss on what is held out is kept where the loss rises again', async (t) => {
  const base = baseModel(t);
  const data = writeLines(t, pairs.slice(0, 8));
  const validation = writeLines(t, pairs.slice(40, 60));
  const sets = await prepareExamples({ data, validation, validationShare: 0, contextLength: CONTEXT, seed: 1 }, coder);
  const directory = path.join(temporaryDirectory(t), 'run');
  const { best, after } = await tune({
    ...{ model: base, sets, data, coder, way: 'full', directory, batch: 1, epochs: 60, learningRate: 0.02, seed: 1 },
    ...{ resume: 'never', precision: 'float32' },
  });
  assert.ok(best !== undefined && best.loss < after!);
  assert.equal(best.directory, path.join(directory, 'best'));
  using model = LanguageModel.load(best.directory);
  const rows = new ExampleRows(sets, { seed: 1, sequenceLength: CONTEXT, microBatch: 4 } as never, data);
  const again = await rows.evaluate(straightWay(model));
  assert.ok(Math.abs(again!.loss - best.loss) < 1e-4, `${again!.loss}, ${best.loss}`);
});

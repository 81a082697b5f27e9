// Preferences: TRL's loss and its gradients (tests/golden/dpo.py), pairs packed in rows as each alone, a run that learns what is preferred
// and goes on to the last bit, and rows that are no preferences.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LanguageModel, loadAdapter, readModelConfig } from '@tunan/model';
import { scope, setThreads } from '@tunan/torch';
import { batchOf } from '../data/batch.ts';
import type { RunPlan } from '../recipe/plan.ts';
import { readRunLog } from '../run/run-log.ts';
import { temporaryDirectory } from '../testing/tiny-corpus.ts';
import { rejects } from '../testing/training-error.ts';
import type { EncodedExample, ExampleCoder } from './encode-example.ts';
import { type ExampleSets, prepareExamples } from './example-sets.ts';
import { preferenceLoss } from './preference-loss.ts';
import { PreferenceRows } from './preference-rows.ts';
import { tune } from './tune.ts';

setThreads(1);
const golden = fileURLToPath(new URL('../../../../tests/golden/', import.meta.url));
const base = path.join(golden, 'model-qwen3');

interface Golden {
  readonly pairs: readonly (readonly [number[], number[], number[]])[];
  readonly cases: readonly {
    readonly beta: number;
    readonly labelSmoothing: number;
    readonly losses: readonly number[];
    readonly chosenReward: number;
    readonly rejectedReward: number;
    readonly accuracy: number;
    readonly gradients: Readonly<Record<string, readonly number[]>>;
  }[];
}

const { pairs, cases }: Golden = JSON.parse(readFileSync(path.join(golden, 'dpo.json'), 'utf8'));
const answer = (prompt: number[], ids: number[]) => ({
  ids: Int32Array.from([...prompt, ...ids]),
  learnt: Uint8Array.from([...prompt.map(() => 0), ...ids.map(() => 1)]),
});
const examples = pairs.map(
  ([prompt, chosen, rejected], line): EncodedExample => ({
    ...answer(prompt, chosen),
    rejected: answer(prompt, rejected),
    line,
    content: { kind: 'text', text: '' },
  }),
);
const none = { examples: 0, tokens: 0, learnt: 0 };
const sets = {
  ...{ train: examples, validation: [], tooLong: [], sha256: 'golden' },
  counts: { train: { ...none, examples: pairs.length }, validation: none, shared: 0, near: 0, repeated: 0 },
} as ExampleSets;

const near = (found: number, wanted: number, what: string, within = 1e-4) =>
  assert.ok(Math.abs(found - wanted) < within, `${what}: ${found}, not ${wanted}`);

for (const { beta, labelSmoothing, losses, gradients, ...wanted } of cases) {
  test(`the loss of TRL at beta ${beta} and smoothing ${labelSmoothing}, with its gradients, pairs packed in a row`, async (t) => {
    const plan = {
      ...{ sequenceLength: 48, microBatch: 2, seed: 1, device: 'cpu', precision: 'float32' },
      from: { directory: base, sha256: 'base' },
      model: readModelConfig(base),
      parallel: { tensor: 1, pipeline: 1, chunks: 1, sequenceParallel: false },
      preference: { beta, labelSmoothing },
    } as unknown as RunPlan;
    const rows = new PreferenceRows(sets, plan, 'golden');
    await rows.prepare(temporaryDirectory(t));
    const [{ rows: count } = { rows: 0 }] = rows.counts;
    assert.equal(count, 1, 'all pairs share a row');
    using model = LanguageModel.load(base);
    using layers = loadAdapter(path.join(golden, 'lora-qwen3'), model.config);
    using adapted = LanguageModel.load(base, { makers: layers });
    scope(() => {
      const row = rows.rows(0, 1);
      const { ids, options } = batchOf(row, 'cpu');
      const { loss, measures, gradient } = rows.objective(adapted, adapted.hidden(ids, options), row);
      gradient.backward();
      near(loss, losses.reduce((sum, one) => sum + one, 0) / losses.length, 'loss');
      for (const name of ['chosenReward', 'rejectedReward', 'accuracy'] as const)
        near(measures[name]!, wanted[name], name);
    });
    for (const [name, values] of Object.entries(gradients)) {
      const found = layers.namedParameters().get(name)!.grad!.toArray();
      for (const [at, value] of values.entries()) near(Number(found[at]), value, `${name} ${at}`);
    }
  });
}

test('the loss and its slope stay finite however far the margin', () => {
  const options = { beta: 1, labelSmoothing: 0 };
  const at = (margin: number) => preferenceLoss({ chosen: margin, rejected: 0 }, { chosen: 0, rejected: 0 }, options);
  assert.deepEqual([at(-1000).loss, at(-1000).slope], [1000, -1]);
  assert.equal(at(1000).loss, 0);
  assert.equal(at(0).loss, Math.log(2));
});

const LETTERS = 'abcdefghijklmnopqrstuvwxyz?';
/** One token a letter, behind the end of a text. */
const coder: ExampleCoder = {
  ...{ sha256: 'letters', vocabularySize: 1 + LETTERS.length, begin: 0, end: 0, ends: new Set([0]) },
  text: (text) => [...text].map((letter) => 1 + LETTERS.indexOf(letter)),
  conversation: (messages) => {
    const ids = messages.flatMap(({ content }) => [...coder.text(content), 0]);
    const last = [...coder.text(messages.at(-1)!.content)].length + 1;
    return { ids, answers: [{ start: ids.length - last, end: ids.length }] };
  },
  decode: (ids) => [...ids].map((id) => LETTERS[id - 1] ?? '<end>').join(''),
};

function writeLines(t: TestContext, rows: readonly unknown[]): string {
  const file = path.join(temporaryDirectory(t), 'pairs.jsonl');
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  return file;
}

test('what is preferred is learnt, and a stopped run goes on to the last bit with what the base said at its beginning', async (t) => {
  const directory = temporaryDirectory(t);
  const model = path.join(directory, 'base');
  const sizes = { vocabularySize: 32, contextLength: 24, layers: 2, width: 32, heads: 4, initStd: 0.2 };
  {
    using made = LanguageModel.create(sizes, { seed: 1 }); // with positions that are learnt
    made.save(model);
  }
  // The one that begins as the prompt does.
  const rows = Array.from({ length: 48 }, (_, i) => {
    const [own, other] = [LETTERS[i % 26]!, LETTERS[(i + 7) % 26]!];
    return {
      prompt: `${own}${LETTERS[(3 * i) % 26]}?`,
      chosen: own.repeat(1 + (i % 3)),
      rejected: [{ role: 'assistant', content: other }],
    };
  });
  const data = writeLines(t, rows);
  const sets = await prepareExamples({ data, validationShare: 0.2, contextLength: 24, seed: 1 }, coder);
  const options = (name: string) => ({
    ...{ model, sets, data, coder, way: 'lora' as const, lora: { rank: 4, targets: ['all'] }, batch: 2, epochs: 6 },
    ...{ directory: path.join(directory, name), learningRate: 0.01, seed: 1, precision: 'float32' as const },
    preference: { beta: 0.5 },
  });
  const whole = await tune({ ...options('whole'), resume: 'never' });
  near(whole.before!, Math.log(2), 'before the first step nothing is preferred', 1e-6);
  assert.ok(whole.after! < 0.8 * whole.before!, `${whole.before} → ${whole.after}`);
  const log = readRunLog(path.join(directory, 'whole', 'log.jsonl'));
  assert.ok(log.at(-1)!.measures!.accuracy! > 0.9 && log.at(-1)!.measures!.margin! > 0, JSON.stringify(log.at(-1)));
  assert.ok(log.at(-1)!.evaluation!.measures!.accuracy! > 0.7);

  const controller = new AbortController();
  const onProgress = ({ line }: { line: { step: number } }) => line.step === 3 && controller.abort();
  const stopped = await tune({ ...options('stopped'), resume: 'never', signal: controller.signal, onProgress });
  assert.equal(stopped.status, 'stopped');
  const resumed = await tune({ ...options('stopped'), resume: 'always' });
  const weights = (output: string) => readFileSync(path.join(output, 'adapter_model.safetensors'));
  assert.ok(weights(resumed.output!).equals(weights(whole.output!)));

  const replay = { texts: ['a text'], place: 'texts', share: 0.1 };
  await rejects('TRAINING_BAD_EXAMPLES', /take no replay/, tune({ ...options('none'), resume: 'never', replay }));
});

test('rows that are no preferences are told with file and line', async (t) => {
  const good = { prompt: 'a', chosen: 'b', rejected: 'c' };
  const prepared = (row: unknown) =>
    prepareExamples({ data: writeLines(t, [good, row]), validationShare: 0, contextLength: 24, seed: 1 }, coder);
  const refused: readonly [unknown, RegExp][] = [
    [{ ...good, rejected: 'b' }, /:2: chosen and rejected say the same/],
    [{ prompt: 'a', chosen: 'b' }, /:2: rejected is no answer/],
    [{ ...good, chosen: ' ' }, /:2: chosen is an empty answer/],
    [{ chosen: 'b', rejected: 'c' }, /:2: neither prompt nor messages beside chosen/],
    [
      { messages: [{ role: 'assistant', content: 'a' }], chosen: 'b', rejected: 'c' },
      /:2: messages\.0 is of assistant/,
    ],
  ];
  for (const [row, message] of refused) await rejects('TRAINING_BAD_EXAMPLES', message, prepared(row));
  const { train } = await prepared({ prompt: 'a', completion: 'b' });
  const mixed = { ...sets, train };
  const rowsOf = () => new PreferenceRows(mixed, { sequenceLength: 24 } as RunPlan, 'pairs.jsonl');
  assert.throws(rowsOf, /pairs\.jsonl:2: no chosen and rejected, which other examples have/);
});

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseModelConfig, sizesOf } from '@tunan/model';
import { TrainingError } from '../errors.ts';
import { planHash, planRun } from './plan.ts';
import { readRunRecipe } from './read.ts';
import { batchAt } from './schedule.ts';
import type { RunRecipe } from './schema.ts';

const recipes = fileURLToPath(new URL('../../../../recipes', import.meta.url));
const tokenizer = { vocabularySize: 8000, eod: 4 };

const small: RunRecipe = {
  model: { contextLength: 64, layers: 2, width: 32, heads: 2 },
  data: [{ corpus: 'tokens' }],
  sequenceLength: 64,
  microBatch: 4,
  globalBatch: 8,
  steps: 10,
  optimizer: { learningRate: 1e-3, warmupSteps: 2 },
};

function rejects(change: Partial<RunRecipe>, message: RegExp): void {
  assert.throws(
    () => planRun({ ...small, ...change }, { recipes, tokenizer }),
    (error) => error instanceof TrainingError && error.code === 'TRAINING_BAD_RECIPE' && message.test(error.message),
  );
}

test('every named run can be planned', () => {
  const names = readdirSync(path.join(recipes, 'run')).map((name) => path.basename(name, '.json'));
  assert.ok(names.length >= 4);
  for (const name of names) {
    const plan = planRun(readRunRecipe(name, recipes), { recipes, tokenizer });
    assert.ok(plan.samples > 0 && sizesOf(plan.model).parameters.total > 0, name);
  }
});

test('the Yuan runs have the published facts', () => {
  const of = (name: string) => planRun(readRunRecipe(name, recipes), { recipes });
  const small = of('yuan-13b');
  assert.equal((sizesOf(small.model).parameters.total / 1e9).toFixed(2), '12.87');
  assert.ok(small.samples >= 146_484_375 && small.samples - 146_484_375 < 2688);
  assert.equal(small.learningRate.decaySamples, 131_835_937);
  assert.equal(batchAt(small.batch, 0), 448);
  const large = of('yuan-245b');
  assert.equal((sizesOf(large.model).parameters.total / 1e9).toFixed(2), '245.74');
  assert.ok(large.batch.globalBatch * large.sequenceLength < 10e6);
  assert.ok(large.samples * 2048 >= 180e9);
});

test('recomputation cannot draw dropout masks again on a GPU', () => {
  rejects(
    { recomputation: true, dropout: 0.1, device: 'cuda' },
    /^run recipe: recomputation: the dropout masks cannot/,
  );
  assert.equal(planRun({ ...small, recomputation: true, device: 'cuda' }, { tokenizer }).recomputation, 'full');
});

test('a plan leaves nothing open', () => {
  const plan = planRun(small, { tokenizer });
  assert.equal(plan.model.vocabularySize, 8064); // 8000 padded to a multiple of 128
  assert.equal(plan.model.endOfDocumentId, 4);
  assert.equal(plan.samples, 80);
  assert.deepEqual(plan.learningRate, {
    peak: 1e-3,
    minimum: 1e-4,
    warmupSamples: 16,
    decaySamples: 80,
    shape: 'cosine',
    cooldownSamples: undefined,
  });
  assert.ok(path.isAbsolute(plan.data[0]!.corpus));
  assert.equal(planRun({ ...small, steps: undefined, tokens: 64 * 73 }, { tokenizer }).steps, 10);
});

test('Muon, cautious decay and a trapezoid; and what stands idle beside the others', () => {
  const optimizer = { kind: 'muon', learningRate: 1e-3, decay: 'trapezoid', warmupSteps: 2 } as const;
  const plan = planRun({ ...small, optimizer: { ...optimizer, cautious: true, cooldown: 0.25 } }, { tokenizer });
  assert.deepEqual(plan.optimizer.muon, { learningRate: 0.02, momentum: 0.95 });
  assert.equal(plan.optimizer.cautious, true);
  assert.deepEqual([plan.learningRate.shape, plan.learningRate.cooldownSamples], ['trapezoid', 20]);
  rejects(
    { optimizer: { learningRate: 1e-3, matrixLearningRate: 0.02 } },
    /matrixLearningRate: is Muon's: write "kind": "muon"/,
  );
  rejects({ optimizer: { learningRate: 1e-3, cooldown: 0.5 } }, /optimizer\.cooldown: is a trapezoid's/);
  rejects(
    { optimizer: { ...optimizer, cooldown: 0.9 } },
    /cooldown: 72 samples, behind a warm-up of 16, are longer than the decay of 80/,
  );
  rejects({ optimizer: { ...optimizer, kind: 'moun' as 'muon' } }, /optimizer\.kind/);
});

test('a plan of before there was a choice of optimizer keeps its hash', () => {
  assert.equal(
    planHash(planRun(small, { tokenizer })),
    '8e882bdad8c5d8fa0773f1184338c65d0ece0fef6ef972dc1fba9f06a74cc40d',
  );
});

test('the hash is of what decides the numbers', () => {
  const hash = (change: Partial<RunRecipe>) => planHash(planRun({ ...small, ...change }, { tokenizer }));
  const same: Partial<RunRecipe>[] = [
    { threads: 1 },
    { checkpoint: { every: 3 } },
    { data: [{ corpus: 'elsewhere' }] },
    { microBatch: 2 },
  ];
  for (const change of same) assert.equal(hash(change), hash({}), JSON.stringify(change));
  const other: Partial<RunRecipe>[] = [
    { seed: 2 },
    { steps: 11 },
    { dropout: 0.1 },
    { precision: 'bfloat16' },
    { data: [{ corpus: 'tokens', maxEpochs: 3 }] },
  ];
  for (const change of other) assert.notEqual(hash(change), hash({}), JSON.stringify(change));
});

test('an adapter is planned for the weights that it adds to, and is part of what decides the numbers', () => {
  const config = parseModelConfig({ vocabularySize: 64, contextLength: 64, layers: 2, width: 32, heads: 2 });
  const from = { directory: 'base', sha256: 'weights', config };
  const planned = (change: Partial<RunRecipe>) => planRun({ ...small, ...change }, { tokenizer, from });
  const targets = ['c_attn', 'attn.c_proj', 'c_fc', 'mlp.c_proj'];
  const plan = planned({ lora: {} });
  assert.deepEqual(plan.lora, { rank: 16, alpha: 32, rankStabilized: false, targets });
  assert.notEqual(planHash(plan), planHash(planned({})));
  assert.notEqual(planHash(plan), planHash(planned({ lora: { rank: 8, alpha: 32 } })));
  rejects({ lora: {} }, /an adapter adds to weights: give them by --from/);
  assert.notEqual(planHash(plan), planHash(planned({ lora: { dropout: 0.1 } })));
  const onGpu = () => planned({ lora: { dropout: 0.1 }, recomputation: true, device: 'cuda' });
  assert.throws(onGpu, /lora\.dropout: cannot be drawn again on a GPU/);
  assert.throws(() => planned({ lora: { targets: ['q_proj'] } }), /no maps named q_proj; it has c_attn/);
});

test('mistakes are named', () => {
  rejects({ steps: undefined }, /give either steps or tokens/);
  rejects({ tokens: 5 }, /give either steps or tokens/);
  rejects({ globalBatch: 6 }, /globalBatch: 6 is not a multiple of microBatch 4/);
  rejects({ batchRamp: { start: 4, increment: 3, samples: 9 } }, /8 is not reached from 4 in steps of 3/);
  rejects({ sequenceLength: 65 }, /sequenceLength: 65 is longer than the model's context of 64/);
  rejects({ data: [] }, /data/);
  rejects({ data: [{ corpus: 'tokens', weight: 0 }] }, /data\.0\.weight/);
  rejects({ model: { contextLength: 64, layers: 2, width: 30, heads: 4 } }, /width 30 is not divisible by 4 heads/);
  rejects(
    { model: { contextLength: 64, layers: 2, width: 32, heads: 4, vocabularySize: 100 } },
    /model\.vocabularySize: 100 is smaller than the tokenizer's 8000/,
  );
  rejects({ model: 'giant' }, /no model recipe giant; there are config-g-qwen3, config-g, /);
  rejects(
    { optimizer: { learningRate: 1e-3, warmupSteps: 11 } },
    /warm-up of 88 samples is longer than the decay of 80/,
  );
  rejects({ device: 'tpu' as 'cpu' }, /device/);
  rejects({ stepz: 5 } as Partial<RunRecipe>, /stepz.*did you mean "steps"/);
  // Every mistake at once, in both languages.
  const several = { globalBatch: 6, sequenceLength: 65, threads: 100_000 };
  rejects(several, /3 mistakes\n {2}sequenceLength: .*\n {2}globalBatch: .*\n {2}threads: /);
  assert.throws(
    () => planRun({ ...small, ...several }, { tokenizer, place: 'my.json' }),
    (error: TrainingError) => /^my\.json：有 3 处错误\n {2}sequenceLength：65 超过/.test(error.chinese!),
  );
  assert.throws(
    () => readRunRecipe('nothing', recipes),
    /no run recipe nothing; there are config-g, gpt2-124m, tiny-poet, tunan-tiny, yuan-13b, yuan-245b, or give/,
  );
});

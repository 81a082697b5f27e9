/** Checkpoints in parts: from any layout to any other, to the last bit; and those whose writing ends halfway. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { mountSmallDisk } from '@tunan/files/testing/small-disk';
import { LanguageModel } from '@tunan/model';
import { runRanks } from '@tunan/torch/testing/run-ranks';
import type { RunRecipe } from '../recipe/schema.ts';
import { newestGoodCheckpoint } from '../run/checkpoint.ts';
import { listCheckpoints, stepOf } from '../run/checkpoint-files.ts';
import { assertSameCurve, type Layout, trainInLayout } from '../testing/layout-runs.ts';
import { numbersIn, reshard } from '../testing/resharding.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { train } from '../train.ts';

const PROGRAM = fileURLToPath(import.meta.resolve('../testing/train-rank.ts'));

/** One behind the other. */
const CHAIN: Layout[] = [
  { tensor: 2 },
  { tensor: 4 },
  { pipeline: 3 },
  { tensor: 3, pipeline: 2 },
  { data: 3 },
  { tensor: 2, data: 2, sequenceParallel: true },
  { pipeline: 2, chunks: 2, data: 2 },
  { tensor: 2, pipeline: 2, data: 2 },
  { tensor: 2, data: 2, replicateOptimizer: true },
  { pipeline: 4, data: 2 },
  {},
];

const sizes = { contextLength: 32, layers: 5, width: 32, heads: 4 };
const cases: Record<string, Partial<RunRecipe>> = {
  gpt2: { model: sizes },
  'qwen3, by Muon': {
    model: { ...sizes, family: 'llama', kvHeads: 2 },
    optimizer: { kind: 'muon', learningRate: 1e-2, warmupSteps: 1 },
  },
  'qwen2, untied': { model: { ...sizes, family: 'llama', variant: 'qwen2', kvHeads: 2, tiedHead: false } },
};

for (const [name, change] of Object.entries(cases)) {
  test(`${name}: from layout to layout, every weight and moment to the last bit`, async (t) => {
    const directory = temporaryDirectory(t);
    const run = path.join(directory, 'run');
    const corpus = writeTinyCorpus(path.join(directory, 'poems'), 1);
    const { checkpoint } = await train({
      recipe: tinyRecipe([corpus], { steps: 2, threads: 1, ...change }),
      directory: run,
    });
    const expected = numbersIn(checkpoint);
    let from = path.join(run, 'checkpoints');
    for (const [at, layout] of CHAIN.entries()) {
      const to = path.join(directory, `${at}`);
      assert.deepEqual(numbersIn(await reshard(run, [from, to], layout)), expected, JSON.stringify(layout));
      from = to;
    }
  });
}

test("an adapter's weights stay one file, the state of its optimizer is in parts", async (t) => {
  const directory = temporaryDirectory(t);
  const [base, run, to] = ['base', 'run', 'to'].map((name) => path.join(directory, name)) as [string, string, string];
  {
    using model = LanguageModel.create({ ...sizes, vocabularySize: 64 }, { seed: 3 });
    model.save(base);
  }
  const corpus = writeTinyCorpus(path.join(directory, 'poems'), 1);
  const { model: _, ...recipe } = tinyRecipe([corpus], { steps: 2, threads: 1, lora: { rank: 4 } });
  const { checkpoint } = await train({ recipe: { ...recipe, model: sizes }, directory: run, from: base });
  const parts = await reshard(run, [path.join(run, 'checkpoints'), to], { tensor: 2, pipeline: 2 });
  const adapter = 'adapter_model.safetensors';
  assert.deepEqual(readFileSync(path.join(parts, adapter)), readFileSync(path.join(checkpoint, adapter)));
  const states = readdirSync(parts).filter((name) => name.startsWith('optimizer'));
  assert.equal(states.length, 4);
  const back = await reshard(run, [to, path.join(directory, 'back')], {});
  const state = 'optimizer.safetensors';
  assert.deepEqual(readFileSync(path.join(back, state)), readFileSync(path.join(checkpoint, state)));
});

const layout = { tensor: 2, pipeline: 2 };

test('all ranks killed while they write their parts: the checkpoint before stays, and other layouts go on with it', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    model: { contextLength: 32, layers: 4, width: 128, heads: 4 },
    ...{ microBatch: 2, steps: 24, threads: 1, precision: 'float32', optimizer: { learningRate: 1e-3 } },
    checkpoint: { every: 2, keep: 2 },
  });
  const [one, parts] = ['one', 'parts'].map((name) => path.join(directory, name)) as [string, string];
  await train({ recipe, directory: one });
  const checkpoints = path.join(parts, 'checkpoints');
  const partial = () =>
    existsSync(checkpoints) ? readdirSync(checkpoints).filter((name) => name.endsWith('.partial')) : [];
  const args = (resume: string) => [
    JSON.stringify({ recipe: { ...recipe, parallel: layout }, directory: parts, resume }),
  ];
  let torn = 0;
  for (let kill = 0; kill < 4; kill++) {
    await runRanks(PROGRAM, args('if-present'), {
      size: 4,
      started: (ranks) => {
        const before = listCheckpoints(checkpoints).length === 0 ? 0 : stepOf(listCheckpoints(checkpoints)[0]!);
        // The second checkpoint of each start, as soon as some part of it is being written.
        const look = setInterval(() => {
          const name = partial().find((one) => Number(one.match(/\d+/)![0]) >= before + 4);
          const begun = name !== undefined && readdirSync(path.join(checkpoints, name)).length > kill % 2;
          if (!begun && ranks.some(({ exitCode }) => exitCode === null)) return;
          clearInterval(look);
          for (const rank of ranks) rank.kill('SIGKILL');
        }, 1);
      },
    });
    if (partial().length > 0) torn++;
    const found = newestGoodCheckpoint(checkpoints)!;
    assert.deepEqual(found.damaged, []);
  }
  assert.ok(torn > 0, 'no kill came while a checkpoint was written');
  await trainInLayout(recipe, parts, { tensor: 4 }, { resume: 'always' });
  assertSameCurve(parts, one);
});

test('a full disk under parts: the rank is named, the last good checkpoint stays; then one part is corrupt, then missing', async (t) => {
  const disk = mountSmallDisk(t, '600k'); // a checkpoint of this model takes 360 kB
  if (disk === undefined) return;
  const recipe = tinyRecipe([writeTinyCorpus(path.join(temporaryDirectory(t), 'poems'), 1)], {
    ...{ microBatch: 2, steps: 9, threads: 1 },
    checkpoint: { every: 3, keep: 2 },
  });
  const directory = path.join(disk.directory, 'run');
  const checkpoints = path.join(directory, 'checkpoints');
  const allSay = async (parallel: Layout, resume: string) => {
    const size = (parallel.tensor ?? 1) * (parallel.pipeline ?? 1);
    const ends = await runRanks(PROGRAM, [JSON.stringify({ recipe: { ...recipe, parallel }, directory, resume })], {
      size,
    });
    for (const { code, stderr } of ends) assert.deepEqual({ code, stderr }, { code: 1, stderr: ends[0]!.stderr });
    return ends[0]!.stderr;
  };
  assert.match(
    await allSay(layout, 'never'),
    /^rank [0-3]: .*step-6: the disk is full: free some space.*; the last good checkpoint is .*step-3\n$/,
  );
  assert.deepEqual(readdirSync(checkpoints), ['step-3']);
  disk.remount('size=4m');
  const part = path.join(checkpoints, 'step-3', 'model-00004-of-00004.safetensors');
  const bytes = readFileSync(part);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(part, bytes);
  assert.match(
    await allSay({ tensor: 2 }, 'always'),
    /model-00004-of-00004\.safetensors does not have the checksum it was written with; no other checkpoint is good/,
  );
  rmSync(part);
  assert.match(await allSay({ pipeline: 2 }, 'always'), /model-00004-of-00004\.safetensors is missing; no other/);
});

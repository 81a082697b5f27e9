/** Runs of one recipe in several layouts of processes, whose curves are to be one. */
import assert from 'node:assert/strict';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LanguageModel } from '@tunan/model';
import { runRanks } from '@tunan/torch/testing/run-ranks';
import type { RunRecipe } from '../recipe/schema.ts';
import { type LogLine, readRunLog } from '../run/run-log.ts';
import { train } from '../train.ts';
import { playInOrder } from './message-order.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './tiny-corpus.ts';

const PROGRAM = fileURLToPath(import.meta.resolve('./train-rank.ts'));

export interface Layout {
  readonly tensor?: number;
  readonly data?: number;
  readonly pipeline?: number;
  readonly chunks?: number;
  readonly sequenceParallel?: boolean;
  /** Whether every copy keeps the whole state of the optimizer. */
  readonly replicateOptimizer?: boolean;
}

interface LayoutRun {
  readonly cudaGraphs?: boolean;
  /** The step to stop behind. */
  readonly until?: number;
  readonly resume?: 'never' | 'always';
  /** The model directory to begin with. */
  readonly from?: string;
}

/** Trains in as many processes as the layout has, whose messages come to their end also where they go one behind the other. */
export async function trainInLayout(
  recipe: RunRecipe,
  directory: string,
  { data = 1, replicateOptimizer = false, ...parallel }: Layout,
  { until, resume = 'never', from, cudaGraphs }: LayoutRun = {},
): Promise<void> {
  const size = data * (parallel.tensor ?? 1) * (parallel.pipeline ?? 1);
  const options = {
    recipe: { ...recipe, parallel },
    directory,
    resume,
    until,
    from,
    replicateOptimizer,
    cudaGraphs,
    record: true,
  };
  const ranks = await runRanks(PROGRAM, [JSON.stringify(options)], { size });
  for (const { code, stderr } of ranks) assert.equal(code, 0, stderr);
  const stuck = playInOrder(ranks.map(({ stdout }) => JSON.parse(stdout).messages));
  assert.deepEqual(stuck, [], JSON.stringify(parallel));
}

const sizes = { contextLength: 32, layers: 2, width: 32, heads: 4 };
const qwen3 = { ...sizes, family: 'llama', kvHeads: 2, vocabularySize: 64 } as const;
const muon = { kind: 'muon', learningRate: 1e-2, weightDecay: 0.1, cautious: true, warmupSteps: 1 } as const;

/** What a recipe may ask for beside the plain run. */
export const asked = {
  'a prefix language model, by Muon': {
    model: sizes,
    objective: 'plm',
    prefix: { least: 0.1, most: 0.6 },
    packing: 'documents',
    recomputation: 'selective',
    optimizer: muon,
  },
  'an adapter with dropout, by Muon, recomputed': {
    model: qwen3,
    lora: { rank: 4, dropout: 0.2 },
    recomputation: true,
    optimizer: muon,
  },
  'an adapter, recomputed': { model: qwen3, lora: { rank: 4 }, recomputation: true },
} satisfies Record<string, Partial<RunRecipe>>;

/** Runs of five steps, three of them in the layout and the rest in one process, have the curve of one process. */
export async function checkLayouts(
  t: TestContext,
  change: Partial<RunRecipe>,
  layouts: readonly Layout[],
): Promise<void> {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    steps: 5,
    microBatch: 2,
    evaluation: { every: 3, windows: 5 },
    checkpoint: { every: 5, keep: 1 },
    threads: 1,
    ...change,
  });
  const from = change.lora && path.join(directory, 'base');
  if (from !== undefined) {
    using base = LanguageModel.create(qwen3, { seed: 3 });
    base.save(from);
  }
  const one = path.join(directory, 'one');
  await train({ recipe, directory: one, from });
  for (const [at, layout] of layouts.entries()) {
    const run = path.join(directory, `layout ${at}`);
    await trainInLayout(recipe, run, layout, { until: 3, ...(from !== undefined && { from }) });
    await train({ recipe, directory: run, resume: 'always' });
    assertSameCurve(run, one, JSON.stringify(layout));
  }
}

/** Relative, over all steps: sums of float32 in another order. Norms show more of what Adam makes of it where a gradient is next to nothing. */
const TOLERANCE = { loss: 1e-5, norm: 1e-4 };

export function assertSameCurve(directory: string, expected: string, what = ''): void {
  const [found, wanted] = [directory, expected].map((run) => readRunLog(path.join(run, 'log.jsonl'))) as [
    LogLine[],
    LogLine[],
  ];
  assert.equal(found.length, wanted.length);
  const near = (one: number, other: number, name: string, tolerance = TOLERANCE.loss) =>
    assert.ok(Math.abs(one - other) <= tolerance * Math.abs(other), `${what} ${name}: ${one}, in one process ${other}`);
  wanted.forEach((line, index) => {
    near(found[index]!.loss, line.loss, `loss of step ${line.step}`);
    assert.equal(found[index]!.lossScale, line.lossScale);
    near(found[index]!.gradientNorm ?? 0, line.gradientNorm ?? 0, `gradient norm of step ${line.step}`, TOLERANCE.norm);
    if (line.evaluation !== undefined) near(found[index]!.evaluation!.loss, line.evaluation.loss, 'validation');
  });
}

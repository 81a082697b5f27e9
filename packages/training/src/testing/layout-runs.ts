/** Runs of one recipe in several layouts of processes, whose curves are to be one. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runRanks } from '@tunan/torch/testing/run-ranks';
import type { RunRecipe } from '../recipe/schema.ts';
import { type LogLine, readRunLog } from '../run/run-log.ts';

const PROGRAM = fileURLToPath(import.meta.resolve('./train-rank.ts'));

export interface Layout {
  readonly tensor?: number;
  readonly data?: number;
  readonly pipeline?: number;
  readonly chunks?: number;
  readonly sequenceParallel?: boolean;
}

/** Trains in as many processes as the layout has. @param until the step to stop behind */
export async function trainInLayout(
  recipe: RunRecipe,
  directory: string,
  { data = 1, ...parallel }: Layout,
  { until, resume = 'never' }: { readonly until?: number; readonly resume?: 'never' | 'always' } = {},
): Promise<void> {
  const size = data * (parallel.tensor ?? 1) * (parallel.pipeline ?? 1);
  const options = { recipe: { ...recipe, parallel }, directory, resume, until };
  for (const { code, stderr } of await runRanks(PROGRAM, [JSON.stringify(options)], { size }))
    assert.equal(code, 0, stderr);
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
    near(found[index]!.gradientNorm, line.gradientNorm, `gradient norm of step ${line.step}`, TOLERANCE.norm);
    if (line.evaluation !== undefined) near(found[index]!.evaluation!.loss, line.evaluation.loss, 'validation');
  });
}

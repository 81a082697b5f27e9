/**
 * What bfloat16 products cost in loss: the same run in float32 and in bfloat16, on the same samples in the same order.
 *
 *   node bench/precision.ts [--recipe runs/quickstart/run-6min.json] [--steps 2000] [--json]
 *
 * The recipe is that of a quickstart (`npm run quickstart -- --no-serve` leaves it there, with the tokens). Losses are nats a token:
 * of all validation windows asked for at the end, and the mean of the last hundred steps. Exit code 1 where the validation losses are
 * further apart than half a percent.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type RunRecipe, readRunLog, train } from '@tunan/training';

const { values: options } = parseArgs({
  options: {
    recipe: { type: 'string', default: 'runs/quickstart/run-6min.json' },
    steps: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
  },
});

const LIMIT = 0.005;
const LAST_STEPS = 100;
const VALIDATION_WINDOWS = 512;

const steps = Number(options.steps);
/** A quickstart keeps its recipe beside how it was chosen. */
const file = JSON.parse(readFileSync(options.recipe, 'utf8')) as RunRecipe | { recipe: RunRecipe };
const recipe = 'recipe' in file ? file.recipe : file;
const directory = mkdtempSync(path.join(tmpdir(), 'tunan-precision-'));

async function lossesIn(precision: NonNullable<RunRecipe['precision']>) {
  const run = path.join(directory, precision);
  const { optimizer } = recipe;
  const result = await train({
    recipe: {
      ...recipe,
      precision,
      steps,
      optimizer: { ...optimizer, warmupSteps: Math.min(optimizer.warmupSteps ?? 0, Math.floor(steps / 10)) },
      evaluation: { every: steps, windows: VALIDATION_WINDOWS },
      checkpoint: { every: steps, keep: 1 },
    },
    directory: run,
    onProgress: ({ line }) => {
      if (line.step % 200 === 0) process.stderr.write(`${precision} step ${line.step}: loss ${line.loss.toFixed(4)}\n`);
    },
  });
  const log = readRunLog(path.join(run, 'log.jsonl'));
  const last = log.slice(-LAST_STEPS);
  return {
    training: last.reduce((sum, { loss }) => sum + loss, 0) / last.length,
    validation: result.lastLine!.evaluation!.loss,
    tokensPerSecond: log.reduce((sum, line) => sum + line.tokensPerSecond, 0) / log.length,
  };
}

try {
  const float32 = await lossesIn('float32');
  const bfloat16 = await lossesIn('bfloat16');
  const difference = (key: 'training' | 'validation') => bfloat16[key] / float32[key] - 1;
  const report = {
    steps,
    float32,
    bfloat16,
    difference: { training: difference('training'), validation: difference('validation') },
  };
  for (const key of ['training', 'validation'] as const)
    console.log(
      `${key.padEnd(10)} float32 ${float32[key].toFixed(4)}, bfloat16 ${bfloat16[key].toFixed(4)}: ${(100 * difference(key)).toFixed(3)} %`,
    );
  if (options.json) console.log(JSON.stringify(report));
  if (Math.abs(report.difference.validation) > LIMIT) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true });
}

/**
 * Trains as one of several processes, for tests: node train-rank.ts '{"recipe": …, "directory": …, "resume": …}' under the environment of a
 * launcher. `until` stops there; `poison` {rank, what} makes the loss or the gradient of that rank NaN from the first step on, or the gradient
 * once; `record` has the messages printed too (message-order.ts).
 */
import type { LanguageModel } from '@tunan/model';
import { ProcessGroup, rendezvousOf } from '@tunan/torch';
import { Mesh } from '../parallel/mesh.ts';
import { meshOf } from '../parallel/mesh-shape.ts';
import { train } from '../train.ts';
import type { TrainingRows } from '../training-rows.ts';
import { recordMessages } from './message-order.ts';

const { recipe, directory, from, resume, replicateOptimizer, until, poison, record, cudaGraphs } = JSON.parse(
  process.argv[2]!,
);
const messages = record ? recordMessages() : undefined;
const place = rendezvousOf(process.env);
const world = place === undefined ? ProcessGroup.alone() : ProcessGroup.meet(place);
try {
  using mesh = new Mesh(world, meshOf(world.size, recipe.parallel ?? {}));
  const controller = new AbortController();
  process.once('SIGTERM', () => controller.abort());
  const { status, step, checkpoint } = await train({
    recipe,
    directory,
    from,
    resume,
    replicateOptimizer,
    cudaGraphs,
    mesh,
    tasks: {
      names: ['parameters'],
      open: async () => async (model) => ({ parameters: parametersIn(model) }),
    },
    signal: controller.signal,
    onReady: async (_, data) => {
      if (poison?.rank === world.rank)
        (data as { objective: TrainingRows['objective'] }).objective = notANumber(poison.what);
    },
    onProgress: ({ line }) => line.step === until && controller.abort(),
  });
  process.stdout.write(`${JSON.stringify({ status, step, checkpoint, messages })}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

/** For a task whose score is known. */
function parametersIn(model: LanguageModel): number {
  return [...model.namedParameters().values()].reduce((sum, { size }) => sum + size, 0);
}

/** As a broken device would give it. */
function notANumber(what: 'loss' | 'gradient' | 'gradient once'): NonNullable<TrainingRows['objective']> {
  let calls = 0;
  return (_, hidden) => {
    calls++;
    const isBad = what === 'gradient' || (what === 'gradient once' && calls === 1);
    return {
      gradient: hidden.sum().mul(isBad ? Number.NaN : 0),
      loss: what === 'loss' ? Number.NaN : 1,
      measures: {},
    };
  };
}

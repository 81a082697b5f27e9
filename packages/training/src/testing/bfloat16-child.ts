/**
 * One rank of a model with products in bfloat16, in tensor ranks and stages, each beside the whole model in the same process: the gradients of a step.
 * Writes, for the parameters that are here, how far they are from those in float32, and how far those of the whole model in bfloat16
 * are: squares of the differences, and of the float32 gradients.
 */
import { LanguageModel, type ModelConfigInput, type Precision, parseModelConfig } from '@tunan/model';
import { manualSeed, ProcessGroup, randint, rendezvousOf, scope, type Tensor } from '@tunan/torch';
import { Mesh } from '../parallel/mesh.ts';
import { meshOf } from '../parallel/mesh-shape.ts';
import { ModelShare, type ParallelPlan } from '../parallel/model-share.ts';
import { straightWay, type Way } from '../parallel/passage.ts';

interface Case {
  readonly config: ModelConfigInput;
  readonly parallel: ParallelPlan;
}

const group = ProcessGroup.meet(rendezvousOf(process.env)!);

function step(way: Way, model: LanguageModel, config: { readonly vocabularySize: number }): void {
  scope(() => {
    manualSeed(9);
    const batches = [0, 1].map(() => randint(0, config.vocabularySize, [2, 13]));
    way.take(
      batches.map((batch) => ({
        seed: undefined,
        open: () => ({ ids: batch.narrow(1, 0, 12), options: {} }),
        backward: (hidden: Tensor) => model.hiddenLoss(hidden, batch.narrow(1, 1, 12)).backward(),
      })),
    );
  });
}

function run({ config: input, parallel }: Case) {
  const config = parseModelConfig(input);
  const mesh = new Mesh(group, meshOf(group.size, parallel));
  const plan = {
    model: config,
    device: 'cpu',
    precision: 'bfloat16',
    recomputation: 'none',
    seed: 5,
    parallel,
  } as const;
  using share = ModelShare.fresh(plan, mesh);
  step(share.way, share.head, config);
  share.finishGradients();
  const whole = (dtype: Precision) => {
    const model = LanguageModel.create(config, { seed: 5, dtype });
    step(straightWay(model), model, config);
    return model;
  };
  using half = whole('bfloat16');
  using full = whole('float32');
  const gradientOf = (model: LanguageModel, name: string) => share.cut(name, model.namedParameters().get(name)!.grad!);
  const square = (x: Tensor) => x.pow(2).sum().item();
  return scope(() =>
    [...share.namedParameters()].map(([name, parameter]) => {
      const [inHalf, inFull] = [gradientOf(half, name), gradientOf(full, name)];
      return {
        name,
        laid: square(parameter.grad!.sub(inFull)),
        rounded: square(inHalf.sub(inFull)),
        size: square(inFull),
      };
    }),
  );
}

process.stdout.write(JSON.stringify((JSON.parse(process.argv[2]!) as Case[]).map(run)));
group.leave();

/**
 * One rank of a tensor group: a forward and a backward pass of some models, each beside the whole model in the same process. Writes the
 * largest differences, relative to the largest value, and the collectives of the pass.
 */
import { LanguageModel, type ModelConfigInput, parseModelConfig } from '@tunan/model';
import { manualSeed, ProcessGroup, randint, rendezvousOf, scope, type Tensor } from '@tunan/torch';
import { sumPartialGradients } from '../parallel/partial-gradients.ts';
import { tensorLayers } from '../parallel/tensor-layers.ts';
import { TensorPartition } from '../parallel/tensor-partition.ts';

interface Case {
  readonly config: ModelConfigInput;
  readonly sequenceParallel: boolean;
  readonly recomputation: boolean;
}

const group = ProcessGroup.meet(rendezvousOf(process.env)!);

function difference(one: Tensor, other: Tensor): number {
  return scope(
    () => one.sub(other).abs().reshape(-1).max(0).values.item() / other.abs().reshape(-1).max(0).values.item(),
  );
}

function run({ config: input, sequenceParallel, recomputation }: Case) {
  const config = parseModelConfig(input);
  const partition = new TensorPartition(config, group.size);
  const words = { ...partition.unitsOf('vocabulary', group.rank), all: config.vocabularySize };
  const whole = { first: 0, end: config.layers };
  using model = LanguageModel.create(config, {
    seed: 5,
    makers: tensorLayers({ group, words, sequenceParallel }),
    part: {
      layers: whole,
      isFirst: true,
      isLast: true,
      take: (name, parameter) => partition.cut(name, parameter, group.rank),
    },
  });
  using single = LanguageModel.create(config, { seed: 5 });
  return scope(() => {
    manualSeed(9);
    const ids = randint(0, config.vocabularySize, [2, 12]);
    const targets = randint(0, config.vocabularySize, [2, 12]);
    targets.narrow(1, 0, 2).fill_(-100);
    const before = group.traffic.collectives;
    const lossOf = (one: LanguageModel) => (hidden: Tensor) => {
      const loss = one.hiddenLoss(hidden, targets);
      loss.backward();
      return loss.item();
    };
    const loss = recomputation
      ? model.recompute(ids, lossOf(model))
      : lossOf(model)(model.hidden(ids, { training: true }));
    const collectives = group.traffic.collectives - before;
    sumPartialGradients(model.namedParameters(), { group, partition, sequenceParallel });
    const expected = lossOf(single)(single.hidden(ids, { training: true }));
    const gradients = [...model.namedParameters()].map(([name, parameter]) => {
      const whole = single.namedParameters().get(name)!.grad!;
      return { name, difference: difference(parameter.grad!, partition.cut(name, whole, group.rank)) };
    });
    const worst = gradients.reduce((most, one) => (one.difference > most.difference ? one : most));
    const safe = targets.mul(targets.ge(0));
    const losses = difference(model.tokenLosses(ids, safe), single.tokenLosses(ids, safe));
    const logits = difference(model.logits(model.hidden(ids)), single.logits(single.hidden(ids)));
    return { loss: Math.abs(loss / expected - 1), worst, losses, logits, collectives };
  });
}

const results = (JSON.parse(process.argv[2]!) as Case[]).map(run);
process.stdout.write(JSON.stringify(results));
group.leave();

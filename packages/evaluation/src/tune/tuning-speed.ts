/** How long tuning will take: one real batch is learnt from and answered, and its seconds a token carried over. */

import type { LanguageModel } from '@tunan/model';
import { crossEntropy, noGrad, scope, tensor } from '@tunan/torch';
import type { TuningExample } from './fine-tune.ts';
import { HeadedModel } from './headed-model.ts';

export interface TuningSpeed {
  readonly trainSecondsPerToken: number;
  readonly answerSecondsPerToken: number;
}

/** The weights are not changed. @param examples a batch like those that will be learnt from */
export function measureSpeed(model: LanguageModel, examples: readonly TuningExample[], outputs: number): TuningSpeed {
  using headed = new HeadedModel(model, outputs, { body: 0, head: 0 });
  const sequences = examples.flatMap(({ sequences: all }) => all);
  const tokens = countTokens(examples);
  const answer = () => noGrad(() => scope(() => headed.scores(sequences, false).toArray()));
  const learn = () =>
    scope(() => {
      const scores = headed.scores(sequences, true).reshape(examples.length, -1);
      const golds = tensor(
        BigInt64Array.from(examples, ({ gold }) => BigInt(gold)),
        { device: model.device },
      );
      crossEntropy(scores, golds).backward();
    });
  // The first pass of a size is slower: memory is fetched and kernels are chosen.
  learn();
  const train = seconds(learn);
  const answered = seconds(answer);
  for (const parameter of headed.parameters) parameter.grad = undefined;
  return { trainSecondsPerToken: train / tokens, answerSecondsPerToken: answered / tokens };
}

/** All epochs of all splits, and the test set once a split: an upper bound, for tuning may stop early. */
export function estimateSeconds(
  splits: readonly { readonly train: readonly TuningExample[]; readonly dev: readonly TuningExample[] }[],
  test: readonly TuningExample[],
  epochs: number,
  { trainSecondsPerToken, answerSecondsPerToken }: TuningSpeed,
): number {
  const answered = countTokens(test);
  return splits.reduce(
    (sum, { train, dev }) =>
      sum +
      epochs * (countTokens(train) * trainSecondsPerToken + countTokens(dev) * answerSecondsPerToken) +
      answered * answerSecondsPerToken,
    0,
  );
}

function countTokens(examples: readonly TuningExample[]): number {
  return examples.reduce((sum, { sequences }) => sum + sequences.reduce((total, { length }) => total + length, 0), 0);
}

function seconds(body: () => void): number {
  const start = performance.now();
  body();
  return (performance.now() - start) / 1000;
}

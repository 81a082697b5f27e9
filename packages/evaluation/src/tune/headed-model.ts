/**
 * A Yuan LM with a head in place of its output matrix: one or more scores a sequence, read from the last token.
 *
 * With one output it is the choice head of the original: every choice of an example is a sequence, and the softmax goes over
 * their scores. With one output a label it is a class head: one sequence an example. Attention is as in pre-training: causal, or of a
 * prefix language model in both directions over the whole sequence. Sequences are padded behind their end, where nothing looks.
 */

import type { LanguageModel } from '@tunan/model';
import { AdamW, keep, linear, noGrad, prefixRange, scope, type Tensor, tensor, zeros } from '@tunan/torch';

export interface LearningRates {
  readonly body: number;
  readonly head: number;
}

const PADDING = 0;
const WEIGHT_DECAY = 0.01;

export class HeadedModel implements Disposable {
  readonly #model: LanguageModel;
  /** (K, C), zeros at first: all choices start alike, whatever the width of the model. */
  readonly #weight: Tensor;
  /** (K) */
  readonly #bias: Tensor;
  readonly #body: AdamW;
  readonly #head: AdamW;
  readonly #rates: LearningRates;

  /** @param model trainable; stays the caller's */
  constructor(model: LanguageModel, outputs: number, rates: LearningRates) {
    const { device } = model;
    this.#model = model;
    this.#rates = rates;
    this.#weight = keep(zeros([outputs, model.sizes.width], { device, requiresGrad: true }));
    this.#bias = keep(zeros([outputs], { device, requiresGrad: true }));
    const { decayed, plain } = model.parameterGroups();
    this.#body = new AdamW(
      [
        { parameters: decayed, weightDecay: WEIGHT_DECAY },
        { parameters: plain, weightDecay: 0 },
      ],
      { learningRate: rates.body },
    );
    this.#head = new AdamW(
      [
        { parameters: { weight: this.#weight }, weightDecay: WEIGHT_DECAY },
        { parameters: { bias: this.#bias }, weightDecay: 0 },
      ],
      { learningRate: rates.head },
    );
  }

  get device() {
    return this.#model.device;
  }

  get parameters(): Tensor[] {
    return [...this.#model.namedParameters().values(), this.#weight, this.#bias];
  }

  /** (N, K) float32 scores of N sequences. */
  scores(sequences: readonly Uint32Array[], training: boolean): Tensor {
    return scope(() => {
      const { device } = this;
      const time = Math.max(...sequences.map(({ length }) => length));
      const ids = new BigInt64Array(sequences.length * time).fill(BigInt(PADDING));
      const last = new BigInt64Array(sequences.length);
      sequences.forEach((sequence, row) => {
        sequence.forEach((id, i) => {
          ids[row * time + i] = BigInt(id);
        });
        last[row] = BigInt(row * time + sequence.length - 1);
      });
      const lengths = () =>
        tensor(
          BigInt64Array.from(sequences, ({ length }) => BigInt(length)),
          { device },
        );
      const range = this.#model.promptAttention === 'prefix' ? prefixRange(lengths(), time) : {};
      const hidden = this.#model.hidden(tensor(ids, { shape: [sequences.length, time], device }), { training, range }); // (N, T, C)
      const pooled = hidden.view(-1, this.#model.sizes.width).indexSelect(0, tensor(last, { device })); // (N, C)
      return linear(pooled.to('float32'), this.#weight, this.#bias);
    });
  }

  /** @param share of the full learning rates, from 0 to 1 */
  step(share: number): void {
    this.#body.learningRate = share * this.#rates.body;
    this.#head.learningRate = share * this.#rates.head;
    for (const optimizer of [this.#body, this.#head]) {
      optimizer.step();
      optimizer.zeroGrad();
    }
  }

  /** Copies of all weights, for `restore`; the caller disposes them. */
  snapshot(): Tensor[] {
    return noGrad(() => scope(() => this.parameters.map((parameter) => keep(parameter.detach().clone()))));
  }

  restore(snapshot: readonly Tensor[]): void {
    noGrad(() => {
      this.parameters.forEach((parameter, i) => {
        parameter.copy_(snapshot[i]!);
      });
    });
  }

  [Symbol.dispose](): void {
    this.#body[Symbol.dispose]();
    this.#head[Symbol.dispose]();
    this.#weight.dispose();
    this.#bias.dispose();
  }
}

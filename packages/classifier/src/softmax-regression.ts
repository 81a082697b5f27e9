/** Softmax regression, one step of AdamW after another; what the features are, the caller knows. */
import { AdamW, crossEntropy, keep, scope, type Tensor, tensor, zeros } from '@tunan/torch';

export interface RegressionOptions {
  readonly learningRate: number;
  /** Of the weights; the bias has none. */
  readonly weightDecay: number;
}

export class SoftmaxRegression implements Disposable {
  /** (F, C) */
  readonly #weight: Tensor;
  /** (C) */
  readonly #bias: Tensor;
  readonly #optimizer: AdamW;

  /** All weights 0 at first. */
  constructor(features: number, labels: number, { learningRate, weightDecay }: RegressionOptions) {
    const weight = keep(zeros([features, labels], { requiresGrad: true }));
    const bias = keep(zeros([labels], { requiresGrad: true }));
    const groups = [
      { parameters: { weight }, weightDecay },
      { parameters: { bias }, weightDecay: 0 },
    ];
    this.#weight = weight;
    this.#bias = bias;
    this.#optimizer = new AdamW(groups, { learningRate });
  }

  set learningRate(rate: number) {
    this.#optimizer.learningRate = rate;
  }

  /**
   * Learns from one batch.
   * @param product features times weights, (B, F) · (F, C) → (B, C); all tensors that it makes are freed
   * @param targets places of the right labels, (B)
   * @returns the mean loss before the step, nats
   */
  step(product: (weight: Tensor) => Tensor, targets: readonly number[]): number {
    return scope(() => {
      this.#optimizer.zeroGrad();
      const logits = product(this.#weight).add(this.#bias);
      const loss = crossEntropy(logits, tensor(BigInt64Array.from(targets, BigInt)));
      loss.backward();
      this.#optimizer.step();
      return loss.item();
    });
  }

  /** Row by row, (F, C). */
  get weight(): Float32Array {
    return this.#weight.toArray() as Float32Array;
  }

  get bias(): Float32Array {
    return this.#bias.toArray() as Float32Array;
  }

  [Symbol.dispose](): void {
    for (const held of [this.#weight, this.#bias, this.#optimizer]) held[Symbol.dispose]();
  }
}

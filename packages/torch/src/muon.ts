/**
 * Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/): stochastic gradient descent with Nesterov momentum whose update
 * of a matrix is replaced by the nearest one with singular values of about 1. For the matrices of linear maps between hidden states;
 * embeddings, output matrix, norms and biases belong to AdamW.
 *
 * The update of a matrix is scaled by sqrt(max(1, outputs / inputs)), Jordan's rule: a rate means the same change of a hidden state at
 * every width. On the CPU one call of our kernel does all matrices, on other devices matrices of a shape are multiplied together.
 */
import { zeros } from './creation.ts';
import { TorchError } from './errors.ts';
import { noGrad } from './functions.ts';
import { loadMoments, type OptimizerState } from './optimizer-state.ts';
import { keep, scope } from './scope.ts';
import { type MuonUpdate, updateStacked } from './stacked-muon.ts';
import { others, type Tensor } from './tensor.ts';

/** The matrix of a linear map, or of several side by side. */
export interface MuonMatrix {
  readonly parameter: Tensor;
  /** What its two dimensions are. */
  readonly layout: 'in-out' | 'out-in';
  /** Outputs of each map, where several stand side by side: every one is a matrix of its own to Muon. One map when absent. */
  readonly parts?: readonly number[] | undefined;
}

export interface MuonOptions {
  readonly learningRate: number;
  /** 0.95 when absent. */
  readonly momentum?: number;
  /** 0 when absent; times the learning rate, as AdamW's. */
  readonly weightDecay?: number;
  /** Whether weights decay only where the update goes towards zero too (Chen et al. 2025, arXiv 2510.12402). */
  readonly cautious?: boolean;
  /** Of the products of the iteration; float32 when absent. bfloat16 only pays where the device has instructions for it. */
  readonly dtype?: 'float32' | 'bfloat16';
}

export class Muon implements Disposable {
  /** Read at each step; schedules set it. */
  learningRate: number;
  /** Of the weight decay, what is applied; likewise. */
  decayShare = 1;
  readonly #weightDecay: number;
  readonly #options: Required<Pick<MuonOptions, 'momentum' | 'cautious' | 'dtype'>>;
  readonly #matrices: readonly (MuonMatrix & { readonly name: string; readonly momentum: Tensor })[];
  #step = 0;

  /** @param matrices by name, as parameters of AdamW. */
  constructor(matrices: Readonly<Record<string, MuonMatrix>>, options: MuonOptions) {
    const { learningRate, weightDecay = 0, momentum = 0.95, cautious = false, dtype = 'float32' } = options;
    this.learningRate = learningRate;
    this.#weightDecay = weightDecay;
    this.#options = { momentum, cautious, dtype };
    this.#matrices = Object.entries(matrices).map(([name, matrix]) => {
      requireMatrix(name, matrix);
      const { shape, dtype, device } = matrix.parameter;
      return { ...matrix, name, momentum: keep(zeros(shape, { dtype, device })) };
    });
  }

  /** One update of every matrix that has a gradient. */
  step(): void {
    this.#step++;
    noGrad(() => {
      scope(() => {
        const update = this.#gather();
        const { parameters, gradients, momenta, rates, momentum, decay, cautious, dtype } = update;
        if (parameters.length === 0) return;
        if (parameters[0]!.device !== 'cpu') updateStacked(update);
        else others.muon_(parameters, gradients, momenta, rates, momentum, decay, cautious, dtype === 'bfloat16');
      });
    });
  }

  #gather(): MuonUpdate {
    const views: { parameter: Tensor; gradient: Tensor; momentum: Tensor; rate: number }[] = [];
    for (const { parameter, momentum, layout, parts } of this.#matrices) {
      const { grad } = parameter;
      if (grad === undefined) continue;
      const outputs = outputDim(layout);
      const inputs = parameter.shape[1 - outputs]!;
      let start = 0;
      for (const length of parts ?? [parameter.shape[outputs]!]) {
        const view = (whole: Tensor) => whole.narrow(outputs, start, length);
        const rate = this.learningRate * Math.sqrt(Math.max(1, length / inputs));
        views.push({ parameter: view(parameter), gradient: view(grad), momentum: view(momentum), rate });
        start += length;
      }
    }
    return {
      parameters: views.map(({ parameter }) => parameter),
      gradients: views.map(({ gradient }) => gradient),
      momenta: views.map(({ momentum }) => momentum),
      rates: views.map(({ rate }) => rate),
      decay: 1 - this.learningRate * this.#weightDecay * this.decayShare,
      ...this.#options,
    };
  }

  zeroGrad(): void {
    for (const { parameter } of this.#matrices) parameter.grad = undefined;
  }

  #named(): Map<string, Tensor> {
    return new Map(this.#matrices.map(({ name, momentum }) => [`momentum.${name}`, momentum]));
  }

  /** The optimizer's own tensors, not copies. */
  state(): OptimizerState {
    return { step: this.#step, tensors: this.#named() };
  }

  /** @throws TorchError where a momentum is missing or of another shape. */
  loadState(state: OptimizerState): void {
    loadMoments(this.#named(), state);
    this.#step = state.step;
  }

  [Symbol.dispose](): void {
    for (const { momentum } of this.#matrices) momentum.dispose();
  }
}

function outputDim(layout: MuonMatrix['layout']): 0 | 1 {
  return layout === 'out-in' ? 0 : 1;
}

function requireMatrix(name: string, { parameter: { shape, dtype }, layout, parts }: MuonMatrix): void {
  const refuse = (why: string) => {
    throw new TorchError('TORCH_OPERATION', `Muon: ${name} of shape (${shape.join(', ')}) ${why}`);
  };
  if (shape.length !== 2) refuse('is no matrix');
  if (dtype !== 'float32' && dtype !== 'float64') refuse(`cannot be trained in ${dtype}`);
  const sum = parts?.reduce((total, length) => total + length, 0);
  if (sum !== undefined && sum !== shape[outputDim(layout)]) refuse(`has not the ${sum} outputs of its parts`);
}

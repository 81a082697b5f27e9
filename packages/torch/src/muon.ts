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
import { decayOf, lookAhead, type MuonUpdate, updateStacked } from './stacked-muon.ts';
import { others, type Tensor } from './tensor.ts';

/** The matrix of a linear map, or of several side by side. */
export interface MuonMatrix {
  readonly parameter: Tensor;
  /** What its two dimensions are. */
  readonly layout: 'in-out' | 'out-in';
  /** Outputs of each map, where several stand side by side: every one is a matrix of its own to Muon. One map when absent. */
  readonly parts?: readonly number[] | undefined;
}

/** Matrices of which each of several processes holds a part; all of them step together. */
export interface MatrixExchange {
  /** Whether a matrix is held in parts; a matrix that is not is stepped by every process alike. */
  divides(name: string): boolean;
  /**
   * Has `change` work on matrices put together of the parts that are given, each matrix at one of the processes.
   * @param change gives of the same names tensors of the same shapes
   * @returns of every matrix the own part of what became of it
   */
  changeWhole(
    parts: ReadonlyMap<string, Tensor>,
    change: (wholes: ReadonlyMap<string, Tensor>) => ReadonlyMap<string, Tensor>,
  ): ReadonlyMap<string, Tensor>;
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
  /** Where parameters are parts of matrices; their `parts` are then those of the whole. */
  readonly exchange?: MatrixExchange | undefined;
}

type HeldMatrix = MuonMatrix & { readonly name: string; readonly momentum: Tensor };

export class Muon implements Disposable {
  /** Read at each step; schedules set it. */
  learningRate: number;
  /** Of the weight decay, what is applied; likewise. */
  decayShare = 1;
  readonly #weightDecay: number;
  readonly #options: Required<Pick<MuonOptions, 'momentum' | 'cautious' | 'dtype'>>;
  readonly #matrices: readonly HeldMatrix[];
  readonly #exchange: MatrixExchange | undefined;
  #step = 0;

  /** @param matrices by name, as parameters of AdamW. */
  constructor(matrices: Readonly<Record<string, MuonMatrix>>, options: MuonOptions) {
    const { learningRate, weightDecay = 0, momentum = 0.95, cautious = false, dtype = 'float32', exchange } = options;
    this.learningRate = learningRate;
    this.#weightDecay = weightDecay;
    this.#exchange = exchange;
    this.#options = { momentum, cautious, dtype };
    this.#matrices = Object.entries(matrices).map(([name, matrix]) => {
      requireMatrix(name, matrix, exchange?.divides(name));
      const { shape, dtype, device } = matrix.parameter;
      return { ...matrix, name, momentum: keep(zeros(shape, { dtype, device })) };
    });
  }

  /** One update of every matrix that has a gradient. */
  step(): void {
    this.#step++;
    const isDivided = ({ name }: HeldMatrix) => this.#exchange?.divides(name) === true;
    noGrad(() => {
      scope(() => {
        const here = this.#matrices.filter((one) => !isDivided(one));
        update(
          this.#gather(here.flatMap((one) => this.#viewsOf(one, one.parameter, one.parameter.grad, one.momentum))),
        );
        this.#stepDivided(this.#matrices.filter(isDivided));
      });
    });
  }

  /** Momentum and weights are stepped where their parts are; in between the update of each matrix is made of the whole of it. */
  #stepDivided(matrices: readonly HeldMatrix[]): void {
    const { momentum: beta } = this.#options;
    const stepped = matrices.filter(({ parameter }) => parameter.grad !== undefined);
    if (stepped.length === 0) return;
    const aheads = new Map(stepped.map((one) => [one.name, lookAhead(one.momentum, one.parameter.grad!, beta)]));
    const steps = this.#exchange!.changeWhole(aheads, (wholes) => {
      const made = new Map(
        [...wholes].map(([name, { shape, dtype, device }]) => [name, zeros(shape, { dtype, device })]),
      );
      const views = stepped.flatMap((one) => {
        const [whole, step] = [wholes.get(one.name), made.get(one.name)];
        return whole === undefined ? [] : this.#viewsOf(one, step!, whole, zeros(whole.shape, whole));
      });
      // From zeros, and without memory, the step is all that is left.
      update({ ...this.#gather(views), momentum: 0, decay: 1 });
      return made;
    });
    const rule = { decay: this.#decay, cautious: this.#options.cautious };
    for (const { name, parameter } of stepped) {
      const step = steps.get(name)!;
      parameter.mul_(decayOf(parameter, step.neg(), rule)).add_(step);
    }
  }

  /** The maps of a matrix, each by itself. */
  #viewsOf(
    { layout, parts }: MuonMatrix,
    parameter: Tensor,
    gradient: Tensor | undefined,
    momentum: Tensor,
  ): MatrixViews[] {
    if (gradient === undefined) return [];
    const outputs = outputDim(layout);
    const inputs = parameter.shape[1 - outputs]!;
    let start = 0;
    return (parts ?? [parameter.shape[outputs]!]).map((length) => {
      const view = (whole: Tensor) => whole.narrow(outputs, start, length);
      const rate = this.learningRate * Math.sqrt(Math.max(1, length / inputs));
      const views = { parameter: view(parameter), gradient: view(gradient), momentum: view(momentum), rate };
      start += length;
      return views;
    });
  }

  /** What a weight that decays is multiplied by. */
  get #decay(): number {
    return 1 - this.learningRate * this.#weightDecay * this.decayShare;
  }

  #gather(views: readonly MatrixViews[]): MuonUpdate {
    return {
      parameters: views.map(({ parameter }) => parameter),
      gradients: views.map(({ gradient }) => gradient),
      momenta: views.map(({ momentum }) => momentum),
      rates: views.map(({ rate }) => rate),
      decay: this.#decay,
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

interface MatrixViews {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly momentum: Tensor;
  /** The learning rate times the scale of the shape. */
  readonly rate: number;
}

function update(all: MuonUpdate): void {
  const { parameters, gradients, momenta, rates, momentum, decay, cautious, dtype } = all;
  if (parameters.length === 0) return;
  if (parameters[0]!.device !== 'cpu') updateStacked(all);
  else others.muon_(parameters, gradients, momenta, rates, momentum, decay, cautious, dtype === 'bfloat16');
}

function outputDim(layout: MuonMatrix['layout']): 0 | 1 {
  return layout === 'out-in' ? 0 : 1;
}

function requireMatrix(
  name: string,
  { parameter: { shape, dtype }, layout, parts }: MuonMatrix,
  isPart: boolean | undefined,
): void {
  const refuse = (why: string) => {
    throw new TorchError('TORCH_OPERATION', `Muon: ${name} of shape (${shape.join(', ')}) ${why}`);
  };
  if (shape.length !== 2) refuse('is no matrix');
  if (dtype !== 'float32' && dtype !== 'float64') refuse(`cannot be trained in ${dtype}`);
  const sum = parts?.reduce((total, length) => total + length, 0);
  if (!isPart && sum !== undefined && sum !== shape[outputDim(layout)])
    refuse(`has not the ${sum} outputs of its parts`);
}

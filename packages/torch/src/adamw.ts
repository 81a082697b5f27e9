/**
 * AdamW (Loshchilov & Hutter 2019) with PyTorch's order of operations. On the CPU one call of our multi-tensor kernel a group, on
 * CUDA libtorch's fused one.
 */
import { ones, tensor, zeros } from './creation.ts';
import { dtypes } from './dtype.ts';
import { TorchError } from './errors.ts';
import { noGrad, where } from './functions.ts';
import { loadMoments, type OptimizerState } from './optimizer-state.ts';
import { keep, scope } from './scope.ts';
import { others, type Tensor } from './tensor.ts';

/** Parameters by name, unlike those of every other group: by their names the optimizer's state goes to disk and between processes. */
export type NamedParameters = Readonly<Record<string, Tensor>>;

export interface ParameterGroup {
  readonly parameters: NamedParameters;
  readonly weightDecay: number;
}

export interface AdamWOptions {
  readonly learningRate: number;
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
  /** Whether weights decay only where the update goes towards zero too (Chen et al. 2025, arXiv 2510.12402). */
  readonly cautious?: boolean;
}

interface Group {
  readonly weightDecay: number;
  readonly names: readonly string[];
  readonly parameters: readonly Tensor[];
  readonly means: readonly Tensor[];
  readonly squares: readonly Tensor[];
}

export class AdamW implements Disposable {
  /** Read at each step; schedules set it. */
  learningRate: number;
  /** Of the weight decay of the groups, what is applied; likewise. */
  decayShare = 1;
  readonly #betas: readonly [number, number];
  readonly #epsilon: number;
  readonly #cautious: boolean;
  readonly #groups: readonly Group[];
  #step = 0;

  constructor(groups: readonly ParameterGroup[], options: AdamWOptions) {
    this.learningRate = options.learningRate;
    this.#betas = options.betas ?? [0.9, 0.999];
    this.#epsilon = options.epsilon ?? 1e-8;
    this.#cautious = options.cautious ?? false;
    requireDistinct(groups.flatMap(({ parameters }) => Object.keys(parameters)));
    this.#groups = groups.map(({ parameters: named, weightDecay }) => {
      const parameters = Object.values(named);
      const names = Object.keys(named);
      return { weightDecay, names, parameters, means: parameters.map(momentLike), squares: parameters.map(momentLike) };
    });
  }

  /** One update of every parameter that has a gradient. */
  step(): void {
    this.#step++;
    noGrad(() => {
      scope(() => {
        for (const group of this.#groups) this.#update(group);
      });
    });
  }

  #update(group: Group): void {
    const parameters: Tensor[] = [];
    const gradients: Tensor[] = [];
    const means: Tensor[] = [];
    const squares: Tensor[] = [];
    group.parameters.forEach((parameter, i) => {
      const { grad } = parameter;
      if (grad === undefined) return;
      parameters.push(parameter);
      gradients.push(grad);
      means.push(group.means[i]!);
      squares.push(group.squares[i]!);
    });
    if (parameters.length === 0) return;
    const [beta1, beta2] = this.#betas;
    const weightDecay = group.weightDecay * this.decayShare;
    if (parameters[0]!.device === 'cpu') {
      others.adamw_(
        parameters,
        gradients,
        means,
        squares,
        this.learningRate,
        beta1,
        beta2,
        this.#epsilon,
        weightDecay,
        this.#step,
        this.#cautious,
      );
    } else {
      const { device } = parameters[0]!;
      if (this.#cautious) {
        parameters.forEach((parameter, i) => {
          const mean = means[i]!.mul(beta1).add(gradients[i]!.mul(1 - beta1));
          decayCautiously(parameter, mean, this.learningRate * weightDecay);
        });
      }
      const step = tensor([this.#step], { device }).select(0, 0);
      const steps = parameters.map(() => step);
      others.fusedAdamW_(
        parameters,
        gradients,
        means,
        squares,
        [],
        steps,
        this.learningRate,
        beta1,
        beta2,
        this.#cautious ? 0 : weightDecay,
        this.#epsilon,
        false,
        false,
      );
    }
  }

  zeroGrad(): void {
    for (const { parameters } of this.#groups) for (const parameter of parameters) parameter.grad = undefined;
  }

  #named(): Map<string, Tensor> {
    const moments = (prefix: string, pick: (group: Group) => readonly Tensor[]) =>
      this.#groups.flatMap((group) => pick(group).map((moment, i) => [`${prefix}.${group.names[i]}`, moment] as const));
    return new Map([...moments('exp_avg', ({ means }) => means), ...moments('exp_avg_sq', ({ squares }) => squares)]);
  }

  /** The optimizer's own tensors, not copies. */
  state(): OptimizerState {
    return { step: this.#step, tensors: this.#named() };
  }

  /** @throws TorchError where a moment is missing or of another shape. */
  loadState(state: OptimizerState): void {
    loadMoments(this.#named(), state);
    this.#step = state.step;
  }

  [Symbol.dispose](): void {
    for (const moment of this.#named().values()) moment.dispose();
  }
}

/** What our kernel does in its one pass. @param direction of the sign of the update that follows */
function decayCautiously(parameter: Tensor, direction: Tensor, share: number): void {
  const against = direction.mul(parameter).lt(0);
  const one = ones([1], { device: parameter.device });
  parameter.mul_(where(against, one, one.mul(1 - share)));
}

function requireDistinct(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new TorchError('TORCH_OPERATION', `AdamW: two parameters are named ${name}`);
    seen.add(name);
  }
}

function momentLike(parameter: Tensor): Tensor {
  const { dtype } = parameter;
  if (!dtypes[dtype].floating)
    throw new TorchError('TORCH_OPERATION', `AdamW: a parameter of dtype ${dtype} cannot be trained`);
  return keep(zeros(parameter.shape, { dtype, device: parameter.device }));
}

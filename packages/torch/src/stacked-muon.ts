/**
 * The step of Muon by operations of the library, the matrices of one shape multiplied together: for devices that our kernel does not
 * run on.
 */
import { stack, where } from './functions.ts';
import type { Tensor } from './tensor.ts';

/** As in native/kernels/muon.cc. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const STEPS = 5;
const SMALLEST_NORM = 1e-7;

/** What the update of one step needs: views of parameters, gradients and momenta, a matrix each. */
export interface MuonUpdate {
  readonly parameters: readonly Tensor[];
  readonly gradients: readonly Tensor[];
  readonly momenta: readonly Tensor[];
  /** Of each: the learning rate times the scale of its shape. */
  readonly rates: readonly number[];
  readonly momentum: number;
  /** What a weight that decays is multiplied by. */
  readonly decay: number;
  readonly cautious: boolean;
  readonly dtype: 'float32' | 'bfloat16';
}

/** Without gradients, in a scope. */
export function updateStacked(update: MuonUpdate): void {
  const { parameters, gradients, momenta, rates, momentum: beta, dtype } = update;
  const aheads = momenta.map((momentum, i) => oriented(lookAhead(momentum, gradients[i]!, beta)));
  for (const members of Map.groupBy(aheads.keys(), (i) => aheads[i]!.shape.join()).values()) {
    const orthogonal = orthogonalized(stack(members.map((i) => aheads[i]!)), dtype); // (matrices, M, N)
    members.forEach((i, place) => {
      const parameter = parameters[i]!;
      const direction = orthogonal.select(0, place);
      const towards = isTall(parameter) ? direction.transpose(0, 1) : direction;
      parameter.mul_(decayOf(parameter, towards, update)).add_(towards, -rates[i]!);
    });
  }
}

/** Nesterov's: the gradient's mean with the momentum, which takes it in before. */
export function lookAhead(momentum: Tensor, gradient: Tensor, beta: number): Tensor {
  momentum.mul_(beta).add_(gradient, 1 - beta);
  return gradient.mul(1 - beta).add(momentum.mul(beta));
}

function isTall({ shape: [rows = 0, columns = 0] }: Tensor): boolean {
  return rows > columns;
}

/** With no more rows than columns. */
function oriented(matrix: Tensor): Tensor {
  return isTall(matrix) ? matrix.transpose(0, 1) : matrix;
}

/** x (matrices, M, N), M <= N. */
function orthogonalized(stacked: Tensor, dtype: 'float32' | 'bfloat16'): Tensor {
  const norm = stacked.pow(2).sum([1, 2], true).sqrt().add(SMALLEST_NORM); // (matrices, 1, 1)
  const unit = stacked.div(norm);
  let x = dtype === 'bfloat16' ? unit.to(dtype) : unit;
  for (let step = 0; step < STEPS; step++) {
    const gram = x.matmul(x.transpose(1, 2)); // (matrices, M, M)
    const polynomial = gram.mul(B).add(gram.matmul(gram).mul(C));
    x = x.mul(A).add(polynomial.matmul(x));
  }
  return x.to(stacked.dtype);
}

/** What each weight is multiplied by; `direction` is what will be taken from it. */
export function decayOf(
  parameter: Tensor,
  direction: Tensor,
  { decay, cautious }: Pick<MuonUpdate, 'decay' | 'cautious'>,
): Tensor | number {
  if (!cautious) return decay;
  const factor = direction.mul(0).add(decay);
  return where(direction.mul(parameter).lt(0), factor.mul(0).add(1), factor);
}

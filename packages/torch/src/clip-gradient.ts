/** Clipping by the global norm (Pascanu et al. 2013). */
import { noGrad } from './functions.ts';
import { scope } from './scope.ts';
import { others, type Tensor } from './tensor.ts';

/**
 * Scales all gradients so that their joint Euclidean norm is at most `maximum`.
 * @returns the norm before clipping. Reading it is the one host synchronisation.
 */
export function clipGradNorm(parameters: readonly Tensor[], maximum: number): number {
  return noGrad(() =>
    scope(() => {
      const gradients = parameters.map((parameter) => parameter.grad).filter((grad) => grad !== undefined);
      if (gradients.length === 0) return 0;
      const norm = others.gradientNorm(gradients).item();
      // The small number is torch.nn.utils.clip_grad_norm_'s; a norm that is not finite is the caller's to judge.
      const factor = maximum / (norm + 1e-6);
      if (factor < 1) for (const gradient of gradients) gradient.mul_(factor);
      return norm;
    }),
  );
}

/** Clipping by the global norm (Pascanu et al. 2013). */
import { noGrad } from './functions.ts';
import { scope } from './scope.ts';
import { others, type Tensor } from './tensor.ts';

/**
 * Scales all gradients so that their joint Euclidean norm is at most `maximum`.
 * @param joined the norm over all processes from that of the gradients here, where others have other gradients
 * @returns the norm before clipping. Reading it is the one host synchronisation.
 */
export function clipGradNorm(
  parameters: readonly Tensor[],
  maximum: number,
  joined: (own: number) => number = (own) => own,
): number {
  return noGrad(() =>
    scope(() => {
      const gradients = parameters.map((parameter) => parameter.grad).filter((grad) => grad !== undefined);
      const norm = joined(gradients.length === 0 ? 0 : others.gradientNorm(gradients).item());
      // The small number is torch.nn.utils.clip_grad_norm_'s; a norm that is not finite is the caller's to judge.
      const factor = maximum / (norm + 1e-6);
      if (factor < 1) for (const gradient of gradients) gradient.mul_(factor);
      return norm;
    }),
  );
}

/** Clipping by the global norm (Pascanu et al. 2013). */
import { noGrad } from './functions.ts';
import { scope } from './scope.ts';
import { others, type Tensor } from './tensor.ts';

/** The joint Euclidean norm of all gradients. Reading it is a host synchronisation. */
export function gradientNorm(parameters: readonly Tensor[]): number {
  return noGrad(() =>
    scope(() => {
      const gradients = gradientsOf(parameters);
      return gradients.length === 0 ? 0 : others.gradientNorm(gradients).item();
    }),
  );
}

/**
 * Scales all gradients so that their joint Euclidean norm is at most `maximum`.
 * @param norm theirs, or that over all processes where others have other gradients
 * @param scale what they have been multiplied by, which is taken away; the norms are those without it
 * @returns the norm before clipping
 */
export function clipGradNorm(
  parameters: readonly Tensor[],
  maximum: number,
  norm = gradientNorm(parameters),
  scale = 1,
): number {
  // The small number is torch.nn.utils.clip_grad_norm_'s; a norm that is not finite is the caller's to judge.
  const factor = Math.min(1, maximum / (norm + 1e-6)) / scale;
  if (factor !== 1 && Number.isFinite(factor))
    noGrad(() =>
      scope(() => {
        for (const gradient of gradientsOf(parameters)) gradient.mul_(factor);
      }),
    );
  return norm;
}

function gradientsOf(parameters: readonly Tensor[]): Tensor[] {
  return parameters.map((parameter) => parameter.grad).filter((grad) => grad !== undefined);
}

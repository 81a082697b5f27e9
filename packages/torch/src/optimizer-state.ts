/** What an optimizer keeps between steps, by the names of the parameters: so it goes to disk and between processes. */
import { TorchError } from './errors.ts';
import { noGrad } from './functions.ts';
import type { Tensor } from './tensor.ts';

/** What a checkpoint keeps: the step, and tensors named MOMENT.PARAMETER. */
export interface OptimizerState {
  readonly step: number;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/**
 * Copies the tensors of a state into an optimizer's own.
 * @throws TorchError where one is missing or of another shape
 */
export function loadMoments(own: ReadonlyMap<string, Tensor>, state: OptimizerState): void {
  noGrad(() => {
    for (const [name, target] of own) {
      const source = state.tensors.get(name);
      if (source === undefined || source.shape.join() !== target.shape.join()) {
        throw new TorchError(
          'TORCH_OPERATION',
          `the optimizer state has no ${name} of shape (${target.shape.join(', ')}); it belongs to another model`,
        );
      }
      target.copy_(source);
    }
  });
}

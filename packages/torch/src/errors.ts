/**
 * Errors of the engine. `TorchError` is what every operation throws for wrong shapes, dtypes, devices or disposed tensors.
 */
import { UserMistake } from '@tunan/files';

export type TorchErrorCode =
  | 'TORCH_ADDON_MISSING'
  | 'TORCH_BAD_SETTING'
  | 'TORCH_BUILD_FAILED'
  | 'TORCH_LIBTORCH_MISSING'
  | 'TORCH_NO_GROUPS'
  | 'TORCH_OPERATION'
  | 'TORCH_RANK_LOST'
  | 'TORCH_SAFETENSORS';

/** An error of the engine; `operation` names the operation and its operands where one was running. */
export class TorchError extends UserMistake<TorchErrorCode> {}

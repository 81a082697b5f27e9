/** Mistakes a user of models can make or meet: a model directory that is damaged or of another kind, an impossible size. */
import { UserMistake } from '@tunan/files';

export type ModelErrorCode =
  | 'MODEL_BAD_ADAPTER'
  | 'MODEL_BAD_CONFIG'
  | 'MODEL_NOT_A_MODEL'
  | 'MODEL_OTHER_FORMAT'
  | 'MODEL_DAMAGED_WEIGHTS'
  | 'MODEL_NO_MEMORY'
  | 'MODEL_INPUT_TOO_LONG'
  | 'MODEL_CACHE_FULL';

export class ModelError extends UserMistake<ModelErrorCode> {}

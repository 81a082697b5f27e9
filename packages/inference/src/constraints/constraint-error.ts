/** What can be wrong with a constraint: said to whoever asks for it, before anything is computed. */
import type { Said } from '@tunan/files';
import { InferenceError } from '../errors.ts';

/** @param what is wrong, behind the words «the constraint cannot be used» */
export function constraintError(what: Said): InferenceError {
  const message = { en: `the constraint cannot be used: ${what.en}`, zh: `无法使用该约束：${what.zh}` };
  return new InferenceError('INFERENCE_BAD_OPTION', message, { option: 'constraint' });
}

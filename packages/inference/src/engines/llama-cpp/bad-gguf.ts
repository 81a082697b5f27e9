import type { Said } from '@tunan/files';
import { InferenceError } from '../../errors.ts';

export function badGguf(file: string, reason: Said, cause?: unknown): InferenceError {
  const message = { en: `${file}: ${reason.en}`, zh: `${file}：${reason.zh}` };
  return new InferenceError('INFERENCE_BAD_GGUF', message, { cause });
}

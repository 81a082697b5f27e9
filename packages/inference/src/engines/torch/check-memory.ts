/**
 * Whether the weights of a model fit the memory that is free, said before any of them is read: a machine that runs out of memory in the
 * middle of loading says nothing to its user.
 */
import { totalmem } from 'node:os';
import { type Precision, readModelConfig, sizesOf } from '@tunan/model';
import { InferenceError } from '../../errors.ts';

/**
 * @param directory of a model; its config alone is read
 * @throws InferenceError INFERENCE_NO_MEMORY with both sizes; ModelError where there is no model
 */
export function checkMemory(directory: string, dtype: Precision, freeBytes = memoryForModels()): void {
  const { parameters } = sizesOf(readModelConfig(directory));
  const needed = parameters.total * (dtype === 'bfloat16' ? 2 : 4);
  if (needed <= freeBytes) return;
  const smaller = dtype === 'bfloat16' ? { en: '', zh: '' } : { en: '--dtype bfloat16, ', zh: ' --dtype bfloat16、' };
  throw new InferenceError('INFERENCE_NO_MEMORY', {
    en: `${directory}: the weights take ${size(needed)} in ${dtype}, and ${size(freeBytes)} of memory are free: take ${smaller.en}a smaller model or more memory`,
    zh: `${directory}：权重以 ${dtype} 占 ${size(needed)}，而可用内存为 ${size(freeBytes)}：请改用${smaller.zh}较小的模型或更多内存`,
  });
}

/** macOS calls little of its memory free, because it fills it with files. */
function memoryForModels(): number {
  return process.platform === 'darwin' ? totalmem() : process.availableMemory();
}

const size = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;

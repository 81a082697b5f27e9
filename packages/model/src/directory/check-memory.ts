/**
 * Whether the weights of a model fit the memory that is free, said before any of them is read: a machine that runs out of memory in the
 * middle of loading says nothing to its user.
 */

import { totalmem } from 'node:os';
import { ModelError } from '../errors.ts';
import type { Precision } from '../layers/linear.ts';
import { sizesOf } from '../model-config.ts';
import { readModelConfig } from './model-files.ts';

/**
 * @param directory of a model; its config alone is read
 * @param dtype in which the weights will be held
 * @throws ModelError MODEL_NO_MEMORY with both sizes; others where there is no model
 */
export function checkMemory(directory: string, dtype: Precision): void {
  const { parameters } = sizesOf(readModelConfig(directory));
  const needed = parameters.total * (dtype === 'bfloat16' ? 2 : 4);
  const free = memoryForModels();
  if (needed <= free) return;
  const [smaller, smallerChinese] = dtype === 'bfloat16' ? ['', ''] : ['--dtype bfloat16, ', ' --dtype bfloat16、'];
  throw new ModelError('MODEL_NO_MEMORY', {
    en: `${directory}: the weights take ${size(needed)} in ${dtype}, and ${size(free)} of memory are free: take ${smaller}a smaller model or more memory`,
    zh: `${directory}：权重以 ${dtype} 占 ${size(needed)}，而可用内存为 ${size(free)}：请改用${smallerChinese}较小的模型或更多内存`,
  });
}

/** macOS calls little of its memory free, because it fills it with files. */
function memoryForModels(): number {
  return process.platform === 'darwin' ? totalmem() : process.availableMemory();
}

const size = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;

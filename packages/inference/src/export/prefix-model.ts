import type { ModelConfig } from '@tunan/model';
import { unfit } from './errors.ts';

/** @throws ExportError EXPORT_UNFIT for a prefix language model: no other program reads its prompts as it has learnt to. */
export function refusePrefixModel(config: ModelConfig): void {
  if (config.objective !== 'plm') return;
  throw unfit(
    'this is a prefix language model (objective plm): it reads a prompt in both directions, which no other program does; serve it with tunan',
    '这是前缀语言模型（objective 为 plm）：它双向读取提示，其他程序都不支持；请用图南提供服务',
  );
}

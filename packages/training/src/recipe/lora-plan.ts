/** The part of a plan that says which adapter is trained beside frozen weights. */
import { type AdapterConfig, type ModelConfig, ModelError, targetsOf } from '@tunan/model';
import type { Mistake } from '@tunan/protocol/mistakes';
import type { ParsedRecipe } from './schema.ts';

/** @param base config of the weights that the adapter adds to */
export function planLora(
  { lora, recomputation, device }: ParsedRecipe,
  base: ModelConfig | undefined,
  mistakes: Mistake[],
): AdapterConfig | undefined {
  if (lora === undefined) return undefined;
  const refuse = (path: string, en: string, zh: string) => mistakes.push({ path, en, zh });
  if (base === undefined) {
    refuse('lora', 'an adapter adds to weights: give them by --from', '适配器须有所附的权重：请用 --from 给出');
    return undefined;
  }
  const { rank, alpha = 2 * rank, rankStabilized, dropout } = lora;
  if (dropout > 0 && recomputation === 'full' && device !== 'cpu') {
    const en = 'cannot be drawn again on a GPU: leave it out, or full recomputation';
    refuse('lora.dropout', en, '在 GPU 上无法重新抽取：请去掉此项或完整重算（recomputation）');
  }
  try {
    const targets = targetsOf(lora.targets, base, 'lora.targets');
    return { rank, alpha, rankStabilized, targets, ...(dropout > 0 && { dropout }) };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    mistakes.push({ path: '', en: error.message, zh: error.chinese ?? error.message });
    return undefined;
  }
}

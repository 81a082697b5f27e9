/** The part of a plan that says which adapter is trained beside frozen weights. */
import { type AdapterConfig, type ModelConfig, ModelError, targetsOf } from '@tunan/model';
import type { Mistake } from '@tunan/protocol/mistakes';
import type { ParsedRecipe } from './schema.ts';

/** @param base config of the weights that the adapter adds to */
export function planLora(
  { lora, recomputation, optimizer }: ParsedRecipe,
  base: ModelConfig | undefined,
  mistakes: Mistake[],
): AdapterConfig | undefined {
  if (lora === undefined) return undefined;
  const refuse = (path: string, en: string, zh: string) => mistakes.push({ path, en, zh });
  if (recomputation)
    refuse('recomputation', 'is for training all weights: leave it out', '仅用于训练全部权重：请去掉此项');
  if (optimizer.kind === 'muon')
    refuse('optimizer.kind', 'adapters are trained by adamw: leave muon out', '适配器以 adamw 训练：请去掉 muon');
  if (base === undefined) {
    refuse('lora', 'an adapter adds to weights: give them by --from', '适配器须有所附的权重：请用 --from 给出');
    return undefined;
  }
  const { rank, alpha = 2 * rank, rankStabilized } = lora;
  try {
    return { rank, alpha, rankStabilized, targets: targetsOf(lora.targets, base, 'lora.targets') };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    mistakes.push({ path: '', en: error.message, zh: error.chinese ?? error.message });
    return undefined;
  }
}

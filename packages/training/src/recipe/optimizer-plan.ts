/** The part of a plan that says how weights are stepped: optimizer, its learning rate over the run, and what contradicts itself in them. */
import type { Mistake } from '@tunan/protocol/mistakes';
import { type BatchSchedule, type LearningRateSchedule, samplesAfter } from './schedule.ts';
import type { ParsedRecipe } from './schema.ts';

/** What is absent is as it was before there was a choice, so that plans of then keep their hashes. */
export interface OptimizerPlan {
  /** Of AdamW. */
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Absent: constant. 'linear': down to 0 at the end of the run. */
  readonly weightDecayShape?: 'linear' | undefined;
  readonly cautious?: true | undefined;
  readonly clip: number;
  /** For the matrices of the blocks; absent: they are AdamW's too. */
  readonly muon?: { readonly learningRate: number; readonly momentum: number } | undefined;
}

/** Of Muon, where a recipe says nothing: Jordan's. */
const MATRIX_LEARNING_RATE = 0.02;
const MOMENTUM = 0.95;
/** Share of the run over which a trapezoid falls. */
const COOLDOWN = 0.5;

export function planOptimizer(optimizer: ParsedRecipe['optimizer']): OptimizerPlan {
  const { betas, epsilon, weightDecay, clip, kind, matrixLearningRate, momentum = MOMENTUM } = optimizer;
  return {
    betas,
    epsilon,
    weightDecay,
    weightDecayShape: optimizer.weightDecayShape === 'linear' ? 'linear' : undefined,
    cautious: optimizer.cautious || undefined,
    clip,
    muon: kind === 'muon' ? { learningRate: matrixLearningRate ?? MATRIX_LEARNING_RATE, momentum } : undefined,
  };
}

/** Fields that say nothing beside the others. */
export function optimizerMistakes(optimizer: ParsedRecipe['optimizer']): Mistake[] {
  const { kind, decay, matrixLearningRate, momentum, cooldown } = optimizer;
  const idle = (field: string, en: string, zh: string): Mistake => ({ path: `optimizer.${field}`, en, zh });
  const mistakes: Mistake[] = [];
  for (const [field, value] of Object.entries({ matrixLearningRate, momentum })) {
    if (value === undefined || kind === 'muon') continue;
    mistakes.push(
      idle(field, 'is Muon\'s: write "kind": "muon", or leave it out', '属于 Muon：请写 "kind": "muon"，或去掉此项'),
    );
  }
  if (cooldown !== undefined && decay !== 'trapezoid') {
    const en = 'is a trapezoid\'s: write "decay": "trapezoid", or leave it out';
    mistakes.push(idle('cooldown', en, '属于梯形：请写 "decay": "trapezoid"，或去掉此项'));
  }
  return mistakes;
}

export function planLearningRate(
  optimizer: ParsedRecipe['optimizer'],
  batch: BatchSchedule,
  samples: number,
  mistakes: Mistake[],
): LearningRateSchedule {
  if (optimizer.warmupSamples !== undefined && optimizer.warmupSteps !== undefined) {
    mistakes.push({
      path: 'optimizer',
      en: 'give warmupSamples or warmupSteps, not both',
      zh: 'warmupSamples 与 warmupSteps 只能给一个',
    });
  }
  const peak = optimizer.learningRate;
  const minimum = optimizer.minLearningRate ?? peak / 10;
  if (minimum > peak) {
    mistakes.push({
      path: 'optimizer.minLearningRate',
      en: `${minimum} is above learningRate ${peak}`,
      zh: `${minimum} 大于 learningRate ${peak}`,
    });
  }
  const warmupSamples = optimizer.warmupSamples ?? samplesAfter(batch, optimizer.warmupSteps ?? 0);
  const decaySamples = optimizer.decaySamples ?? samples;
  if (warmupSamples > decaySamples) {
    mistakes.push({
      path: 'optimizer',
      en: `a warm-up of ${warmupSamples} samples is longer than the decay of ${decaySamples}`,
      zh: `预热的 ${warmupSamples} 个样本多于衰减的 ${decaySamples} 个`,
    });
  }
  const cooldownSamples =
    optimizer.decay === 'trapezoid' ? Math.round((optimizer.cooldown ?? COOLDOWN) * decaySamples) : undefined;
  if (warmupSamples + (cooldownSamples ?? 0) > decaySamples && warmupSamples <= decaySamples) {
    mistakes.push({
      path: 'optimizer.cooldown',
      en: `${cooldownSamples} samples, behind a warm-up of ${warmupSamples}, are longer than the decay of ${decaySamples}`,
      zh: `下降段的 ${cooldownSamples} 个样本与预热的 ${warmupSamples} 个合计，多于衰减的 ${decaySamples} 个`,
    });
  }
  return { peak, minimum, warmupSamples, decaySamples, shape: optimizer.decay, cooldownSamples };
}

// The models of the bench, the work in one of their steps, and the tokens that every engine is given.
import { type ModelConfigInput, parseModelConfig, trainingFlopsPerToken } from '@tunan/model';

export interface Shape {
  readonly family: 'gpt2' | 'qwen3';
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly context: number;
  readonly vocabulary: number;
  readonly batch: number;
}

export const shapes: Readonly<Record<string, Shape>> = {
  G: { family: 'gpt2', layers: 6, width: 384, heads: 6, context: 256, vocabulary: 8192, batch: 8 },
  'G-qwen3': { family: 'qwen3', layers: 6, width: 384, heads: 6, context: 256, vocabulary: 8192, batch: 8 },
  'gpt2-124m': { family: 'gpt2', layers: 12, width: 768, heads: 12, context: 1024, vocabulary: 50257, batch: 1 },
};

export function configOf({ family, layers, width, heads, context, vocabulary }: Shape): ModelConfigInput {
  const sizes = { layers, width, heads, contextLength: context, vocabularySize: vocabulary };
  return family === 'gpt2' ? sizes : { family: 'llama', ...sizes };
}

/** For engines that are told their sizes: the width between the maps of a Qwen3's MLP too. */
export function shapeJson(shape: Shape): string {
  const config = parseModelConfig(configOf(shape));
  return JSON.stringify({ ...shape, ...(config.family === 'llama' && { mlpWidth: config.mlpWidth }) });
}

export function tokensPerStep({ batch, context }: Shape): number {
  return batch * context;
}

/** 6 x (parameters without positions) + 6 L T C for each token: what model FLOPs are counted by, whoever computes. */
export function flopsPerToken(shape: Shape): number {
  return trainingFlopsPerToken(parseModelConfig(configOf(shape)), shape.context);
}

/** B rows of T + 1 ids, the same in every process. */
export function tokensOf({ batch, context, vocabulary }: Shape): Int32Array {
  let state = 1;
  return Int32Array.from({ length: batch * (context + 1) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator
    return Math.floor((state / 2 ** 32) * vocabulary);
  });
}

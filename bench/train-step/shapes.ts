// The two models of the bench, the work in one of their steps, and the tokens that every engine is given.
import { type ModelConfigInput, parseModelConfig, trainingFlopsPerToken } from '@tunan/model';

export interface Shape {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly context: number;
  readonly vocabulary: number;
  readonly batch: number;
}

export const shapes: Readonly<Record<string, Shape>> = {
  G: { layers: 6, width: 384, heads: 6, context: 256, vocabulary: 8192, batch: 8 },
  'gpt2-124m': { layers: 12, width: 768, heads: 12, context: 1024, vocabulary: 50257, batch: 1 },
};

export function configOf({ layers, width, heads, context, vocabulary }: Shape): ModelConfigInput {
  return { layers, width, heads, contextLength: context, vocabularySize: vocabulary };
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

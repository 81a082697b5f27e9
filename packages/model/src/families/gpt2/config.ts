/**
 * The sizes of a Yuan LM and what follows from them by arithmetic: padded vocabulary, number of parameters, FLOPs a token.
 * Knows no tensors and no files.
 */

import { z } from 'zod';
import { ModelError } from '../../errors.ts';

const positive = z.int().positive();

const yuanConfigSchema = z
  .strictObject({
    /** V: rows of the embedding, padding of the vocabulary included. */
    vocabularySize: positive,
    /** The most positions the model has. */
    contextLength: positive,
    /** L */
    layers: positive,
    /** C: width of the residual stream. */
    width: positive,
    /** H */
    heads: positive,
    /** Probability of dropping an element of the embedding sum and of each branch's output while training. */
    dropout: z.number().min(0).lt(1).default(0),
    /** Standard deviation of the normal distribution that matrices and embeddings start from. */
    initStd: z.number().positive().default(0.02),
    /** Whether the two projections into the residual stream start from initStd / sqrt(2 L) (GPT-2, section 2.3). */
    scaledResidualInit: z.boolean().default(true),
    layerNormEpsilon: z.number().positive().default(1e-5),
    /** Id of `<eod>`, written as bos and eos for other programs; absent when no tokenizer is known yet. */
    endOfDocumentId: z.int().nonnegative().optional(),
  })
  .check(({ value, issues }) => {
    if (value.width % value.heads !== 0) {
      const message = `width ${value.width} is not divisible by ${value.heads} heads`;
      issues.push({ code: 'custom', message, input: value, path: ['heads'] });
    }
    if (value.endOfDocumentId !== undefined && value.endOfDocumentId >= value.vocabularySize) {
      const message = `id ${value.endOfDocumentId} is outside a vocabulary of ${value.vocabularySize}`;
      issues.push({ code: 'custom', message, input: value, path: ['endOfDocumentId'] });
    }
  });

export type YuanConfig = z.output<typeof yuanConfigSchema>;
/** A YuanConfig in which the fields that have a default may be left out. */
export type YuanConfigInput = z.input<typeof yuanConfigSchema>;

/**
 * Checks a config and fills in its defaults.
 * @param place said in the error, such as the file it came from
 * @throws ModelError MODEL_BAD_CONFIG
 */
export function parseYuanConfig(value: unknown, place = 'model config'): YuanConfig {
  const result = yuanConfigSchema.safeParse(value);
  if (result.success) return result.data;
  const reasons = result.error.issues.map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`);
  throw new ModelError('MODEL_BAD_CONFIG', `${place}: ${reasons.join('; ')}`, { cause: result.error });
}

/** The next multiple that holds `size` entries: 128 x tensor-parallel size in Megatron and Yuan 1.0. */
export function padVocabulary(size: number, multiple = 128): number {
  return Math.ceil(size / multiple) * multiple;
}

/** Number of parameters; the tied output matrix counts once. */
export function countParameters(config: YuanConfig): { total: number; positions: number } {
  const { vocabularySize: V, contextLength, layers: L, width: C } = config;
  const positions = contextLength * C;
  return { total: V * C + positions + L * (12 * C * C + 13 * C) + 2 * C, positions };
}

/**
 * Floating-point operations of forward and backward for one token of a window of `time` tokens, no recomputation:
 * 6 x (parameters without positions) + 6 L T C, the attention counted as causal (half of the full square).
 */
export function trainingFlopsPerToken(config: YuanConfig, time: number): number {
  const { total, positions } = countParameters(config);
  return 6 * (total - positions) + 6 * config.layers * time * config.width;
}

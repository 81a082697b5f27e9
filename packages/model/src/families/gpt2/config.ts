/** The config of a GPT-2, and the sizes that follow from it by arithmetic. Knows no tensors and no files. */

import { z } from 'zod';
import { addIssue, addVocabularyIssue, checkedConfig } from '../../config-mistakes.ts';
import type { Sizes } from '../../family.ts';

const positive = z.int().positive();

const schema = z
  .strictObject({
    /** Absent in configs of before there were families. */
    family: z.literal('gpt2').optional(),
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
    /** 'zeros' for these two projections, so that a fresh block changes nothing; absent: as scaledResidualInit says. */
    outputInit: z.literal('zeros').optional(),
    layerNormEpsilon: z.number().positive().default(1e-5),
    /** Id of `<eod>`, written as bos and eos for other programs; absent when no tokenizer is known yet. */
    endOfDocumentId: z.int().nonnegative().optional(),
  })
  .check(({ value, issues }) => {
    const { width, heads } = value;
    if (width % heads !== 0) {
      addIssue(
        issues,
        'heads',
        `width ${width} is not divisible by ${heads} heads`,
        `宽度 ${width} 不能被 ${heads} 个头整除`,
      );
    }
    addVocabularyIssue(issues, value);
  });

export type Gpt2Config = z.output<typeof schema>;
/** A config in which the fields that have a default may be left out. */
export type Gpt2ConfigInput = z.input<typeof schema>;

export function parseConfig(value: unknown, place: string): Gpt2Config {
  return checkedConfig(schema, value, place);
}

export function sizes(config: Gpt2Config): Sizes {
  const { vocabularySize: V, contextLength, layers: L, width: C, heads } = config;
  const positions = contextLength * C;
  const multiplied = V * C + L * (12 * C * C + 13 * C) + 2 * C;
  return {
    vocabularySize: V,
    contextLength,
    layers: L,
    width: C,
    heads,
    kvHeads: heads,
    headDim: C / heads,
    parameters: { total: multiplied + positions, multiplied, blockMatrices: L * 12 * C * C },
  };
}

/** The config of a model of the llama family, and the sizes that follow from it by arithmetic. Knows no tensors and no files. */

import { z } from 'zod';
import { addIssue, addVocabularyIssue, checkedConfig } from '../../config-mistakes.ts';
import type { Sizes } from '../../family.ts';
import { ropeScaling } from './rope.ts';

const positive = z.int().positive();

const schema = z
  .strictObject({
    family: z.literal('llama'),
    /** What the family's members differ in: qwen3 norms its queries and keys, qwen2 has biases for queries, keys and values, llama neither. */
    variant: z.enum(['qwen3', 'qwen2', 'llama']).default('qwen3'),
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
    /** Hkv: H / Hkv heads of queries share one of keys and values; H when absent. */
    kvHeads: positive.optional(),
    /** D: width of a head; C / H when absent. */
    headDim: positive.optional(),
    /** F: what the MLP widens to; when absent the multiple of 32 nearest to 8 C / 3, which takes as many products as GPT-2's 4 C. */
    mlpWidth: positive.optional(),
    /** Probability of dropping an element of the embedding and of each branch's output while training. */
    dropout: z.number().min(0).lt(1).default(0),
    /** Standard deviation of the normal distribution that matrices and embeddings start from. */
    initStd: z.number().positive().default(0.02),
    /** What the two projections into the residual stream start from: zeros, so that a fresh block changes nothing; initStd; initStd / sqrt(2 L). */
    outputInit: z.enum(['zeros', 'normal', 'scaled']).default('zeros'),
    normEpsilon: z.number().positive().default(1e-6),
    /** Base of the rotary frequencies. */
    ropeTheta: z.number().positive().default(10_000),
    /** How the frequencies were stretched for a longer context than the model was first trained with. */
    ropeScaling: ropeScaling.optional(),
    /** Whether the embedding is the output matrix too. */
    tiedHead: z.boolean().default(true),
    /** Id of `<eod>`, written as bos and eos for other programs; absent when no tokenizer is known yet. */
    endOfDocumentId: z.int().nonnegative().optional(),
    /** What a model that was read says of both, where that is more than one id: it is written as it was. */
    fileIds: z.object({ bos: z.int().nullable(), eos: z.union([z.int(), z.array(z.int())]).nullable() }).optional(),
  })
  .check(({ value, issues }) => {
    const { width, heads, kvHeads = heads, variant } = value;
    // transformers refuses a Llama of such heads even where their width is given.
    if (width % heads !== 0 && (value.headDim === undefined || variant === 'llama')) {
      const mend = variant === 'llama' ? ['', ''] : [': give headDim', '：请给出 headDim'];
      const en = `width ${width} is not divisible by ${heads} heads${mend[0]}`;
      addIssue(issues, 'heads', en, `宽度 ${width} 不能被 ${heads} 个头整除${mend[1]}`);
    }
    const headDim = value.headDim ?? width / heads;
    if (Number.isInteger(headDim) && headDim % 2 !== 0) {
      const en = `heads of ${headDim} have no halves to rotate: their width must be even`;
      addIssue(issues, 'headDim', en, `头的宽度 ${headDim} 无法分成两半来旋转：应为偶数`);
    }
    if (heads % kvHeads !== 0) {
      const en = `${heads} heads of queries cannot share ${kvHeads} of keys and values: it must divide ${heads}`;
      addIssue(issues, 'kvHeads', en, `${heads} 个查询头无法共用 ${kvHeads} 个键值头：后者应能整除 ${heads}`);
    }
    addVocabularyIssue(issues, value);
  })
  .transform((value) => {
    const { width, heads, kvHeads = heads, headDim = width / heads } = value;
    const mlpWidth = value.mlpWidth ?? 32 * Math.max(1, Math.round(width / 12));
    return { ...value, kvHeads, headDim, mlpWidth };
  });

export type LlamaConfig = z.output<typeof schema>;
/** A config in which the fields that have a default may be left out. */
export type LlamaConfigInput = z.input<typeof schema>;

export function parseConfig(value: unknown, place: string): LlamaConfig {
  return checkedConfig(schema, value, place);
}

export function sizes(config: LlamaConfig): Sizes {
  const {
    vocabularySize: V,
    contextLength,
    layers: L,
    width: C,
    heads,
    kvHeads,
    headDim: D,
    mlpWidth,
    variant,
  } = config;
  const matrices = 2 * C * D * (heads + kvHeads) + 3 * C * mlpWidth;
  const heading = { qwen3: 2 * D, qwen2: D * (heads + 2 * kvHeads), llama: 0 }[variant];
  const blockMatrices = L * matrices;
  const multiplied = V * C + blockMatrices + L * (heading + 2 * C) + C;
  return {
    vocabularySize: V,
    contextLength,
    layers: L,
    width: C,
    heads,
    kvHeads,
    headDim: D,
    parameters: { total: multiplied + (config.tiedHead ? 0 : V * C), multiplied, blockMatrices },
  };
}

/**
 * A model under another vocabulary: its embeddings, and the rows of its head where it has one of its own, are taken over token by token, each
 * the mean of the rows of the old tokens that spell it (as Hewitt 2021 and Gee et al. 2022 begin new tokens). Nothing else changes.
 */

import { cat, type LazyTensor, noGrad, scope, type Tensor, tensor } from '@tunan/torch';
import { ModelError } from '../errors.ts';
import { type ModelConfig, padVocabulary, parameterShapesOf, parseModelConfig } from '../model-config.ts';
import { saveModelDirectory } from './model-directory.ts';
import { StoredWeights } from './stored-weights.ts';

export interface ExchangeOptions {
  /** Of each new id the old ids that it is made of; none: the mean of all old rows. */
  readonly pieces: readonly (readonly number[])[];
  /** Of the old vocabulary; rows behind them are padding. */
  readonly oldSize: number;
  /** Of the new vocabulary; what stands beside it goes along. */
  readonly tokenizerFile: string;
  /** Of the new vocabulary. */
  readonly endOfDocumentId: number;
}

/** Rows that are put together at a time. */
const ROWS = 4096;

/** @returns the config that was written. @throws ModelError naming the file of the base at fault */
export function exchangeVocabulary(base: string, output: string, options: ExchangeOptions): ModelConfig {
  using weights = StoredWeights.open(base);
  const { config } = weights;
  const { pieces, oldSize, tokenizerFile, endOfDocumentId } = options;
  if (oldSize > config.vocabularySize) {
    throw new ModelError('MODEL_BAD_CONFIG', {
      en: `${base}: its tokenizer has ${oldSize} entries, its weights ${config.vocabularySize}: they do not belong together`,
      zh: `${base}：分词器有 ${oldSize} 项，权重只有 ${config.vocabularySize} 项：二者不是一套`,
    });
  }
  const vocabularySize =
    pieces.length <= config.vocabularySize && pieces.length >= oldSize
      ? config.vocabularySize
      : padVocabulary(pieces.length);
  const { fileIds: _, ...plain } = config as ModelConfig & { fileIds?: unknown };
  const kept = endOfDocumentId === config.endOfDocumentId ? config : plain;
  const written = parseModelConfig({ ...kept, vocabularySize, endOfDocumentId }, base);
  const shapes = parameterShapesOf(parseModelConfig({ ...config, vocabularySize: config.vocabularySize + 1 }, base));
  const dtype = dtypeOf(weights);
  const parameters = new Map(
    weights.names().map((name): [string, LazyTensor] => {
      const shape = weights.shape(name);
      const isVocabulary = shapes.get(name)!.join() !== shape.join();
      if (!isVocabulary) return [name, { dtype, shape, make: () => weights.get(name) }];
      const make = () => noGrad(() => scope(() => exchangedRows(weights.get(name), options, vocabularySize)));
      return [name, { dtype, shape: [vocabularySize, ...shape.slice(1)], make }];
    }),
  );
  saveModelDirectory(output, written, parameters, {
    dtype,
    tokenizerFile,
    card: '## Vocabulary\n\nThe vocabulary was exchanged; new embeddings are means of old ones.\n',
  });
  return written;
}

function dtypeOf(weights: StoredWeights): 'float32' | 'float16' | 'bfloat16' {
  const [name] = weights.names();
  return weights.get(name!).dtype as 'float32' | 'float16' | 'bfloat16';
}

/** @param old (V, C) → (rows, C) in the dtype of the file */
function exchangedRows(old: Tensor, { pieces, oldSize }: ExchangeOptions, rows: number): Tensor {
  const mean = old.narrow(0, 0, oldSize).to('float32').mean(0, true); // (1, C)
  const parts: Tensor[] = [];
  for (let first = 0; first < rows; first += ROWS) {
    const made: Tensor[] = [];
    for (let id = first; id < Math.min(rows, first + ROWS); id++) {
      const from = pieces[id] ?? (id < old.shape[0]! && id >= oldSize ? [id] : []);
      const index = tensor(BigInt64Array.from(from, BigInt));
      made.push(from.length === 0 ? mean : old.indexSelect(0, index).to('float32').mean(0, true));
    }
    parts.push(scope(() => cat(made, 0).to(old.dtype)));
  }
  return cat(parts, 0).contiguous();
}

/**
 * Bits per character of a Yuan LM: the language model's side of the comparison with the baselines.
 *
 * Every document is scored alone, between two `<eod>`: the first is given, the last is predicted and is the end that
 * the baselines predict too. Encoding is deterministic, so the sum over tokens is the cost of one way to write the
 * document: an upper bound of what the model needs for the text.
 */

import type { LanguageModel } from '@tunan/model';
import type { Tokenizer } from '@tunan/tokenizer';
import { EvaluationError } from '../errors.ts';
import { type BitsPerCharacter, BitsTally, characterBits } from './bits-per-character.ts';
import { type TokenLossOptions, tokenLosses } from './token-losses.ts';

export interface ModelBits extends BitsPerCharacter {
  /** Predicted tokens, one `<eod>` a document included. */
  readonly tokens: number;
  readonly natsPerToken: number;
  /** exp(natsPerToken): a number of this vocabulary, not to be compared with other vocabularies'. */
  readonly perplexity: number;
  /** 2^bitsPerCharacter: the same for every vocabulary, as is the one by bytes. */
  readonly characterPerplexity: number;
  /** Of the documents in UTF-8, their ends not counted. */
  readonly bytes: number;
  /** All bits, those of the ends included, over the bytes. */
  readonly bitsPerByte: number;
  readonly bytePerplexity: number;
}

/** @throws EvaluationError as tokenLosses; EVALUATION_EMPTY_TEXT without documents */
export async function evaluateBitsPerCharacter(
  model: LanguageModel,
  tokenizer: Tokenizer,
  documents: readonly string[],
  options: TokenLossOptions = {},
): Promise<ModelBits> {
  if (documents.every((document) => document === '')) {
    throw new EvaluationError('EVALUATION_EMPTY_TEXT', {
      en: 'no text to evaluate: the documents are empty or there are none; give the validation text',
      zh: '没有可评测的文本：没有文档，或文档都是空的；请给出验证文本',
    });
  }
  const { bod: begin, eod: end } = tokenizer;
  const encoded = documents.map((document) => tokenizer.encode(document, { specials: false }));
  const losses = await tokenLosses(
    model,
    encoded.map((ids) => [begin, ...ids, end]),
    options,
  );
  const tally = new BitsTally();
  let nats = 0;
  let tokens = 0;
  let bytes = 0;
  documents.forEach((document, i) => {
    const pieces = Array.from(encoded[i]!, (id) => tokenizer.tokenBytes(id));
    tally.add(document, characterBits(document, pieces, losses[i]!));
    bytes += pieces.reduce((sum, piece) => sum + piece.length, 0);
    nats += losses[i]!.reduce((sum, loss) => sum + loss, 0);
    tokens += losses[i]!.length;
  });
  const natsPerToken = nats / tokens;
  const result = tally.result();
  const bitsPerByte = nats / Math.LN2 / bytes;
  return {
    ...result,
    tokens,
    natsPerToken,
    perplexity: Math.exp(natsPerToken),
    characterPerplexity: 2 ** result.bitsPerCharacter,
    bytes,
    bitsPerByte,
    bytePerplexity: 2 ** bitsPerByte,
  };
}

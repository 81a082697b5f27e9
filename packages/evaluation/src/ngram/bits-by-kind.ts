/**
 * Bits per character over held-out text of several kinds: what a model knows of statutes says nothing of what it knows of poems. Totals
 * are those of all characters together, not means of the kinds.
 */
import type { LanguageModel } from '@tunan/model';
import type { Tokenizer } from '@tunan/tokenizer';
import { type BitsPerCharacter, bitsPerCharacter } from '../bits/bits-per-character.ts';
import { evaluateBitsPerCharacter, type ModelBits } from '../bits/model-bits.ts';
import type { TokenLossOptions } from '../bits/token-losses.ts';
import type { CharacterNgram } from './character-ngram.ts';

export interface KindedText {
  readonly kind: string;
  readonly text: string;
}

/** As JSON gives them back: what is undefined is not there. */
export type StoredBits = Omit<BitsPerCharacter, 'chineseBitsPerCharacter'> &
  Partial<Pick<BitsPerCharacter, 'chineseBitsPerCharacter'>>;

/** Of each kind, in the order in which kinds first come. */
export type ByKind<Bits> = Map<string, Bits>;

/** @param onProgress documents that are done, of how many */
export function ngramBitsByKind(
  ngram: CharacterNgram,
  texts: readonly KindedText[],
  onProgress: (done: number, total: number) => void = () => {},
): ByKind<BitsPerCharacter> {
  let done = 0;
  const score = (text: string) => {
    onProgress(++done, texts.length);
    return ngram.score(text);
  };
  return mapKinds(texts, (of) => bitsPerCharacter(score, of));
}

/** @throws EvaluationError as evaluateBitsPerCharacter */
export async function modelBitsByKind(
  model: LanguageModel,
  tokenizer: Tokenizer,
  texts: readonly KindedText[],
  options: TokenLossOptions = {},
): Promise<ByKind<ModelBits>> {
  const bits = new Map<string, ModelBits>();
  const length = ({ text }: KindedText) => text.length;
  const total = sum(texts.map(length));
  let before = 0;
  for (const [kind, of] of mapKinds(texts, (found) => found)) {
    const share = sum(of.map((text) => text.length)) / total;
    const onProgress = (done: number, all: number) =>
      options.onProgress?.(Math.round(1000 * (before + (share * done) / all)), 1000);
    bits.set(kind, await evaluateBitsPerCharacter(model, tokenizer, of, { ...options, onProgress }));
    before += share;
  }
  return bits;
}

/** The bits of all texts of several kinds together. */
export function joinedBits(parts: readonly StoredBits[]): BitsPerCharacter {
  const characters = sum(parts.map((part) => part.characters));
  const chineseCharacters = sum(parts.map((part) => part.chineseCharacters));
  const bits = sum(parts.map((part) => part.bitsPerCharacter * part.characters));
  const chinese = sum(parts.map((part) => (part.chineseBitsPerCharacter ?? 0) * part.chineseCharacters));
  return {
    bitsPerCharacter: bits / characters,
    characters,
    chineseBitsPerCharacter: chineseCharacters === 0 ? undefined : chinese / chineseCharacters,
    chineseCharacters,
  };
}

function mapKinds<T>(texts: readonly KindedText[], value: (of: string[]) => T): Map<string, T> {
  const groups = Map.groupBy(texts, ({ kind }) => kind);
  return new Map([...groups].map(([kind, of]) => [kind, value(of.map(({ text }) => text))]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

/**
 * A vocabulary extended by merges of new texts: they go on from the tokens that the old merges make and stand behind them, so that every old
 * token keeps its id and every text is still encoded by the rules of the file. New tokens take the ids behind all old ones.
 */
import { byteCharacters } from './byte-level.ts';
import { TokenizerError } from './errors.ts';
import { MergeTrainer } from './merge-trainer.ts';
import type { Normalize } from './normalizer.ts';
import { readTokenizerFile } from './read-tokenizer-file.ts';
import { TextSampler } from './sampler.ts';
import { SymbolText, writeTokens } from './symbol-text.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { TokenizerFile } from './tokenizer-file.ts';
import { breathe, countWords, type Texts, type TrainingProgress, tooLarge } from './train.ts';

export interface ExtendOptions {
  /** New tokens. */
  readonly tokens: number;
  /** A pair must occur at least this often to become a token. Default 2. */
  readonly minFrequency?: number;
  /** UTF-8 bytes of text at most; more is sampled down by seed. Default 64 MiB. */
  readonly sampleBytes?: number;
  readonly seed?: number;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

const MEBIBYTE = 1 << 20;
const MERGES_PER_BREATH = 256;

/** @throws TokenizerError TOKENIZER_EMPTY_CORPUS, TOKENIZER_VOCABULARY_TOO_LARGE, TOKENIZER_BAD_OPTION */
export async function extendTokenizer(old: Tokenizer, texts: Texts, options: ExtendOptions): Promise<TokenizerFile> {
  const { tokens: more, minFrequency = 2, sampleBytes = 64 * MEBIBYTE, seed = 1, onProgress = () => {} } = options;
  if (!Number.isInteger(more) || more < 1) {
    throw new TokenizerError('TOKENIZER_BAD_OPTION', {
      en: `the number of new tokens must be an integer of at least 1, not ${more}`,
      zh: `新词元的数目须为不小于 1 的整数，而不是 ${more}`,
    });
  }
  const { file, vocabularySize: size } = old;
  const { tokenBytes, addedTokens, preTokenizer, normalize } = readTokenizerFile(file, 'tokenizer.json');
  const words = await countWords(
    normalized(texts, normalize),
    new TextSampler(sampleBytes, seed),
    preTokenizer,
    onProgress,
  );
  const added = new Set(addedTokens.map(({ id }) => id));
  // By id. What is added beside the merges is never joined, so that any text may stand in its place.
  const tokens = Array.from(tokenBytes, (bytes, id) =>
    bytes === undefined || added.has(id) ? `\0${id}` : tokenText(bytes),
  );
  const lengths = Int32Array.from(tokenBytes, (bytes) => bytes?.length ?? 1);
  const encode = (word: string) => old.encode(word, { specials: false });
  const text = new SymbolText(words, writeTokens(encode, lengths, added));
  const trainer = new MergeTrainer(text, tokens, size + more, lengths);
  while (tokens.length < size + more) {
    if (!trainer.step(minFrequency)) throw tooLarge(size + more, tokens.length, minFrequency);
    if (trainer.merges.length % MERGES_PER_BREATH === 0) {
      onProgress({ stage: 'merging', done: tokens.length, total: size + more });
      await breathe();
    }
  }
  const made = tokens.slice(size).map((token, i): [string, number] => [token, size + i]);
  const merges = trainer.merges.map(({ left, right }): [string, string] => [tokens[left]!, tokens[right]!]);
  const { model } = file;
  return {
    ...file,
    model: {
      ...model,
      vocab: { ...model.vocab, ...Object.fromEntries(made) },
      merges: [...model.merges, ...written(merges, model.merges)],
    },
  };
}

/** Older files write a merge as one string. */
function written(merges: [string, string][], beside: readonly unknown[]): [string, string][] {
  if (typeof beside[0] !== 'string') return merges;
  return merges.map((pair) => pair.join(' ')) as unknown as [string, string][];
}

async function* normalized(texts: Texts, normalize: Normalize | undefined): AsyncGenerator<string> {
  for await (const text of texts) yield normalize === undefined ? text : normalize(text.toWellFormed());
}

function tokenText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byteCharacters[byte]!).join('');
}

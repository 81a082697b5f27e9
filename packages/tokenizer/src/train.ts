/**
 * Trains a byte-level BPE vocabulary on an iterable of texts: sample → split into words → count → merge. The result is
 * the content of a tokenizer.json whose vocabulary and merges equal those of Hugging Face's `BpeTrainer` on the same
 * texts with the same split, specials and `initial_alphabet = ByteLevel.alphabet()`.
 *
 * Memory is bounded by `sampleBytes`: about 20 bytes for each sampled byte at the peak. The result depends on the
 * set of texts and the seed, not on their order. It does not clean or normalise text: that is the corpus's work.
 */
import { byteCharacters, bytesInAlphabetOrder } from './byte-level.ts';
import { TokenizerError } from './errors.ts';
import { MergeTrainer } from './merge-trainer.ts';
import {
  createPreTokenizer,
  DEFAULT_PRE_TOKENIZER,
  type PreTokenizer,
  type PreTokenizerName,
} from './pre-tokenizers.ts';
import { TextSampler } from './sampler.ts';
import { SymbolText, writeBytes } from './symbol-text.ts';
import { buildTokenizerFile, type TokenizerFile } from './tokenizer-file.ts';
import { WordCounts } from './word-counts.ts';

/** Ids 0 to 4, in this order. */
const DEFAULT_SPECIALS: readonly string[] = ['<unk>', '<sep>', '<pad>', '<mask>', '<eod>'];

const MAXIMUM_VOCABULARY_SIZE = 100_000;

const MEBIBYTE = 1 << 20;
/** Merges between two calls of `onProgress` and two breaths of the event loop. */
const MERGES_PER_BREATH = 256;
const TEXTS_PER_BREATH = 2048;

export interface TrainingProgress {
  stage: 'sampling' | 'counting' | 'merging';
  /** Sampling: bytes read; counting: bytes counted; merging: tokens in the vocabulary. */
  done: number;
  /** The same unit; undefined where the end is not known. */
  total: number | undefined;
  /** Distinct words found so far, from counting on. */
  distinctWords?: number;
}

export interface TrainingOptions {
  /** Tokens in the finished vocabulary, specials and the 256 bytes included; at most 100 000. */
  vocabularySize: number;
  /** Default: deepseek-v3, the measured choice (docs/decisions). */
  preTokenizer?: PreTokenizerName | { patterns: readonly string[] };
  /** UTF-8 bytes of text to train on at most; more is sampled down by seed. Default 64 MiB. */
  sampleBytes?: number;
  /** Seed of the sample; matters only where the texts exceed `sampleBytes`. Default 1. */
  seed?: number;
  /** A pair must occur at least this often to become a token. Default 2. */
  minFrequency?: number;
  specials?: readonly string[];
  onProgress?: (progress: TrainingProgress) => void;
}

export type Texts = Iterable<string> | AsyncIterable<string>;

/**
 * @throws TokenizerError `TOKENIZER_VOCABULARY_TOO_LARGE` with the size that is possible, `TOKENIZER_EMPTY_CORPUS`,
 * `TOKENIZER_BAD_OPTION`.
 */
export async function trainBpe(texts: Texts, options: TrainingOptions): Promise<TokenizerFile> {
  const { vocabularySize, sampleBytes = 64 * MEBIBYTE, seed = 1, minFrequency = 2 } = options;
  const { specials = DEFAULT_SPECIALS, onProgress = () => {} } = options;
  checkOptions(vocabularySize, sampleBytes, seed, minFrequency, specials);
  const preTokenizer = createPreTokenizer(options.preTokenizer ?? DEFAULT_PRE_TOKENIZER);
  const words = await countWords(texts, new TextSampler(sampleBytes, seed), preTokenizer, onProgress);

  const tokens = [...specials, ...bytesInAlphabetOrder.map((byte) => byteCharacters[byte]!)];
  const idOfByte = new Int32Array(256);
  bytesInAlphabetOrder.forEach((byte, order) => {
    idOfByte[byte] = specials.length + order;
  });
  const trainer = new MergeTrainer(new SymbolText(words, writeBytes(idOfByte)), tokens, vocabularySize);
  while (tokens.length < vocabularySize) {
    if (!trainer.step(minFrequency)) throw tooLarge(vocabularySize, tokens.length, minFrequency);
    if (trainer.merges.length % MERGES_PER_BREATH === 0) {
      onProgress({ stage: 'merging', done: tokens.length, total: vocabularySize });
      await breathe();
    }
  }
  onProgress({ stage: 'merging', done: tokens.length, total: vocabularySize });
  const merges = trainer.merges.map(({ left, right }): [string, string] => [tokens[left]!, tokens[right]!]);
  return buildTokenizerFile(specials, tokens, merges, preTokenizer.patterns);
}

function checkOptions(
  vocabularySize: number,
  sampleBytes: number,
  seed: number,
  minFrequency: number,
  specials: readonly string[],
): void {
  const smallest = specials.length + 256;
  const wrong = (en: string, zh: string): TokenizerError => new TokenizerError('TOKENIZER_BAD_OPTION', { en, zh });
  if (!Number.isInteger(vocabularySize) || vocabularySize < smallest || vocabularySize > MAXIMUM_VOCABULARY_SIZE) {
    throw wrong(
      `the vocabulary size must be an integer from ${smallest} (the 256 bytes and ${specials.length} specials) to ${MAXIMUM_VOCABULARY_SIZE}, not ${vocabularySize}`,
      `词表大小须为从 ${smallest}（256 个字节加 ${specials.length} 个特殊词元）到 ${MAXIMUM_VOCABULARY_SIZE} 的整数，而不是 ${vocabularySize}`,
    );
  }
  if (!Number.isInteger(sampleBytes) || sampleBytes < MEBIBYTE || sampleBytes > 1024 * MEBIBYTE) {
    throw wrong(
      `sampleBytes must be an integer from 1 MiB to 1 GiB (1048576 to 1073741824), not ${sampleBytes}`,
      `sampleBytes 须为从 1 MiB 到 1 GiB（1048576 到 1073741824）的整数，而不是 ${sampleBytes}`,
    );
  }
  if (!Number.isInteger(seed)) throw wrong(`the seed must be an integer, not ${seed}`, `种子须为整数，而不是 ${seed}`);
  if (!Number.isInteger(minFrequency) || minFrequency < 1) {
    throw wrong(
      `minFrequency must be an integer of at least 1, not ${minFrequency}`,
      `minFrequency 须为不小于 1 的整数，而不是 ${minFrequency}`,
    );
  }
  if (new Set(specials).size !== specials.length || specials.some((special) => [...special].length < 2)) {
    throw wrong(
      'specials must be different from each other and at least two characters long',
      '特殊词元须互不相同，且至少两个字符',
    );
  }
}

export async function countWords(
  texts: Texts,
  sampler: TextSampler,
  preTokenizer: PreTokenizer,
  onProgress: (progress: TrainingProgress) => void,
): Promise<WordCounts> {
  let turns = 0;
  for await (const text of texts) {
    sampler.add(text.toWellFormed());
    if (++turns % TEXTS_PER_BREATH === 0) {
      onProgress({ stage: 'sampling', done: sampler.summary().seenBytes, total: undefined });
      await breathe();
    }
  }
  const { seenBytes, keptBytes } = sampler.summary();
  if (keptBytes === 0) {
    throw new TokenizerError(
      'TOKENIZER_EMPTY_CORPUS',
      seenBytes === 0
        ? {
            en: 'there is no text to train on: check that the corpus has documents',
            zh: '没有可供训练的文本：请检查语料中是否有文档',
          }
        : {
            en: `no piece of the ${seenBytes} bytes of text fits into sampleBytes: give a larger sampleBytes, or texts with line ends`,
            zh: `${seenBytes} 字节的文本中没有一段放得进 sampleBytes：请增大 sampleBytes，或给出有换行的文本`,
          },
    );
  }
  const words = new WordCounts();
  let counted = 0;
  turns = 0;
  for (const text of sampler.drain()) {
    preTokenizer.split(text, (start, end) => words.add(text, start, end));
    counted += Buffer.byteLength(text);
    if (++turns % TEXTS_PER_BREATH === 0) {
      onProgress({ stage: 'counting', done: counted, total: keptBytes, distinctWords: words.size });
      await breathe();
    }
  }
  onProgress({ stage: 'counting', done: counted, total: keptBytes, distinctWords: words.size });
  return words;
}

export function tooLarge(asked: number, possible: number, minFrequency: number): TokenizerError {
  return new TokenizerError('TOKENIZER_VOCABULARY_TOO_LARGE', {
    en: `the texts give a vocabulary of at most ${possible} tokens, not ${asked} (every other pair occurs fewer than ${minFrequency} times): ask for ${possible} or less, or give more text`,
    zh: `这些文本至多给出 ${possible} 个词元的词表，而不是 ${asked}（其余的相邻对出现不足 ${minFrequency} 次）：请改为不大于 ${possible}，或给出更多文本`,
  });
}

export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

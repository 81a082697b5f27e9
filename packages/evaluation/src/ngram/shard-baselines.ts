/**
 * The baselines of a training run, from the token shards that it is trained on: what a model that knows nothing needs, the unigram
 * and the n-gram, in bits per character, and what a token of the validation split is worth in characters, so that a loss
 * in nats a token can be read beside them.
 */
import path from 'node:path';
import { readJsonFile } from '@tunan/protocol/mistakes';
import type { Tokenizer } from '@tunan/tokenizer';
import { IndexedDataset, readTokensSchema } from '@tunan/tokenizer/shards';
import { EvaluationError } from '../errors.ts';
import { type BaselineScores, scoreBaselinesInWorker } from './baselines.ts';

/** Characters that are counted at most; more would take minutes and gigabytes. */
const TRAINING_CHARACTERS = 16_000_000;

export interface ShardBaselines extends BaselineScores {
  /** Bits per character where every token of the vocabulary is equally likely. */
  readonly uniform: number;
  /** Characters, an end a document included, for each token of the evaluated text. */
  readonly charactersPerToken: number;
  /** Characters that were counted, and whether they are all of the train splits. */
  readonly counted: number;
  readonly whole: boolean;
  /** Tokens of the train splits, all of them. */
  readonly trainingTokens: number;
}

/** Documents of a split as text. */
export interface ShardTexts {
  readonly texts: readonly string[];
  /** UTF-16 units. */
  readonly characters: number;
  /** Of each document, its end included. */
  readonly lengths: readonly number[];
  /** Whether they are all documents of the split. */
  readonly whole: boolean;
  /** Of the whole split. */
  readonly tokens: number;
}

/**
 * @param directories token shards, whose train splits are counted
 * @param signal aborting it ends the counting with an AbortError
 */
export async function shardBaselines(
  directories: readonly string[],
  evaluated: ShardTexts,
  tokenizer: Tokenizer,
  signal?: AbortSignal,
): Promise<ShardBaselines> {
  const read = readSplit(directories, 'train', tokenizer, TRAINING_CHARACTERS);
  const scores = await scoreBaselinesInWorker({ training: read.texts, evaluated: evaluated.texts }, signal);
  const charactersPerToken = scores.unigram.characters / evaluated.lengths.reduce((sum, length) => sum + length, 0);
  return {
    ...scores,
    uniform: Math.log2(tokenizer.vocabularySize) / charactersPerToken,
    charactersPerToken,
    counted: read.characters,
    whole: read.whole,
    trainingTokens: read.tokens,
  };
}

/** Bits per character of a loss in nats a token. */
export function bitsOfLoss(nats: number, { charactersPerToken }: Pick<ShardBaselines, 'charactersPerToken'>): number {
  return nats / Math.LN2 / charactersPerToken;
}

/**
 * Documents evenly spread over a split of several sources, up to about so many characters; none where there is no such split.
 * @throws EvaluationError EVALUATION_MISSING_DATA where a directory holds no token shards
 */
export function readSplit(
  directories: readonly string[],
  split: 'train' | 'validation',
  tokenizer: Tokenizer,
  limit: number,
): ShardTexts {
  const parts = directories.map((directory) => readShard(directory, split, tokenizer, limit / directories.length));
  return {
    texts: parts.flatMap(({ texts }) => texts),
    lengths: parts.flatMap(({ lengths }) => lengths),
    characters: parts.reduce((sum, { characters }) => sum + characters, 0),
    tokens: parts.reduce((sum, { tokens }) => sum + tokens, 0),
    whole: parts.every(({ whole }) => whole),
  };
}

function readShard(directory: string, split: 'train' | 'validation', tokenizer: Tokenizer, limit: number): ShardTexts {
  const file = path.join(directory, 'tokens.json');
  const read = readJsonFile(file);
  const manifest = 'problem' in read ? undefined : readTokensSchema.safeParse(read.value).data;
  if (manifest === undefined) {
    throw new EvaluationError('EVALUATION_MISSING_DATA', {
      en: `${file} is missing or not that of token shards: give back the shards, or make them with tunan corpus shard`,
      zh: `${file} 缺失，或不是词元分片的 tokens.json：请还原分片，或用 tunan corpus shard 生成`,
    });
  }
  const there = manifest.splits[split];
  if (there === undefined) return { texts: [], lengths: [], characters: 0, tokens: 0, whole: true };
  using shard = new IndexedDataset(path.join(directory, there.prefix));
  const decode = (document: number) => {
    const ids = shard.document(document);
    return tokenizer.decode(ids.at(-1) === tokenizer.eod ? ids.subarray(0, -1) : ids);
  };
  const step = Math.max(1, expectedCharacters(shard, decode) / limit);
  const texts: string[] = [];
  const lengths: number[] = [];
  for (let place = 0; place < shard.documentCount; place += step) {
    texts.push(decode(Math.floor(place)));
    lengths.push(shard.documentLength(Math.floor(place)));
  }
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  return { texts, lengths, characters, tokens: shard.tokenCount, whole: step === 1 };
}

/** Guessed from some of the documents. */
function expectedCharacters({ documentCount }: IndexedDataset, decode: (document: number) => string): number {
  const probe = Math.min(documentCount, 64);
  const lengths = Array.from({ length: probe }, (_, i) => decode(Math.floor((i * documentCount) / probe)).length);
  return (lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, probe)) * documentCount;
}

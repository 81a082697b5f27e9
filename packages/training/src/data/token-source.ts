/**
 * A directory of token shards as training sees it: the documents of the train split, those of the validation split, and
 * which tokenizer made them. Opening checks that the files are there, unchanged, and belong together. Missing or malformed
 * shards are reported by tokenizer/shards itself.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileSha256Sync } from '@tunan/files';
import { readJsonFile, type Said } from '@tunan/protocol/mistakes';
import { IndexedDataset, readTokensSchema } from '@tunan/tokenizer/shards';
import type { z } from 'zod';
import { TrainingError } from '../errors.ts';

const MANIFEST = 'tokens.json';
/** Larger shards are not read whole before the first step; their size and index are still checked. */
const HASHED_BYTES = 4 * 2 ** 30;

type ReadTokens = z.output<typeof readTokensSchema>;

export interface TokenSource {
  /** Name in logs, unlike that of every other source. */
  readonly name: string;
  readonly directory: string;
  readonly tokenizer: SourceTokenizer;
  readonly train: IndexedDataset;
  /** SHA-256 of the train split's tokens, from tokens.json. */
  readonly trainSha256: string;
  /** Absent when the split was not made or holds no tokens. */
  readonly validation: IndexedDataset | undefined;
}

export interface SourceTokenizer {
  readonly sha256: string;
  readonly vocabularySize: number;
  readonly eod: number;
}

/** The sources of a run, closed together. */
export class TokenSources implements Disposable {
  readonly list: readonly TokenSource[];
  /** The one tokenizer of all sources. */
  readonly tokenizer: SourceTokenizer;

  /**
   * @throws TrainingError TRAINING_MISSING_DATA for a directory that holds no tokens, files that are not those of its tokens.json, or
   * sources of different tokenizers; TokenizerError from tokenizer/shards for missing or malformed shards
   */
  constructor(directories: readonly string[]) {
    const opened: TokenSource[] = [];
    this.list = opened;
    const names = sourceNames(directories);
    try {
      directories.forEach((directory, index) => {
        opened.push(openSource(directory, names[index]!));
      });
      this.tokenizer = oneTokenizer(opened);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Throws unless `file` is the tokenizer that the shards were made with. */
  requireTokenizer(file: string): void {
    if (!existsSync(file)) throw missing({ en: `there is no tokenizer ${file}`, zh: `没有分词器 ${file}` });
    if (fileSha256Sync(file) === this.tokenizer.sha256) return;
    const { directory } = this.list[0]!;
    throw missing({
      en: `${file} is not the tokenizer that ${directory} was made with: shard the corpus again`,
      zh: `${file} 不是生成 ${directory} 所用的分词器：请重新生成分片`,
    });
  }

  [Symbol.dispose](): void {
    for (const { train, validation } of this.list) {
      train[Symbol.dispose]();
      validation?.[Symbol.dispose]();
    }
  }
}

/** Id of `<mask>` in a tokenizer.json; undefined where it has none. @throws TrainingError TRAINING_MISSING_DATA */
export function maskId(tokenizerFile: string): number | undefined {
  const read = readJsonFile(tokenizerFile);
  if ('problem' in read) throw missing(read.problem, read.cause);
  const { added_tokens: added = [] } = read.value as { added_tokens?: { id: number; content: string }[] };
  return added.find(({ content }) => content === '<mask>')?.id;
}

function openSource(directory: string, name: string): TokenSource {
  const { tokenizer, splits } = readManifest(directory);
  const train = openSplit(directory, splits.train);
  try {
    const hasValidation = splits.validation !== undefined && splits.validation.tokens > 0;
    const validation = hasValidation ? openSplit(directory, splits.validation!) : undefined;
    return { name, directory, tokenizer, train, trainSha256: splits.train.bin.sha256, validation };
  } catch (error) {
    train[Symbol.dispose]();
    throw error;
  }
}

function readManifest(directory: string): ReadTokens {
  const file = path.join(directory, MANIFEST);
  if (!existsSync(file))
    throw missing({
      en: `${directory} holds no token shards (no ${MANIFEST}): run tunan corpus shard`,
      zh: `${directory} 中没有词元分片（缺少 ${MANIFEST}）：请运行 tunan corpus shard`,
    });
  const read = readJsonFile(file);
  if ('problem' in read) {
    const said = { en: `${read.problem.en}; shard the corpus again`, zh: `${read.problem.zh}；请重新生成分片` };
    throw missing(said, read.cause);
  }
  const parsed = readTokensSchema.safeParse(read.value);
  if (parsed.success) return parsed.data;
  const said = {
    en: `${file} is not the tokens.json of token shards: shard the corpus again`,
    zh: `${file} 不是词元分片的 tokens.json：请重新生成分片`,
  };
  throw missing(said, parsed.error);
}

function openSplit(directory: string, split: ReadTokens['splits']['train']): IndexedDataset {
  const prefix = path.join(directory, split.prefix);
  const dataset = new IndexedDataset(prefix);
  for (const [extension, { bytes, sha256 }] of [
    ['idx', split.idx],
    ['bin', split.bin],
  ] as const) {
    const file = `${prefix}.${extension}`;
    if (bytes > HASHED_BYTES && extension === 'bin') continue;
    if (fileSha256Sync(file) === sha256) continue;
    dataset[Symbol.dispose]();
    throw missing({
      en: `${file} does not have the checksum that ${MANIFEST} says: shard the corpus again`,
      zh: `${file} 的校验和与 ${MANIFEST} 所记不符：请重新生成分片`,
    });
  }
  return dataset;
}

function oneTokenizer(sources: readonly TokenSource[]): SourceTokenizer {
  const [first] = sources;
  if (first === undefined) throw new Error('a run without sources');
  const other = sources.find((source) => source.tokenizer.sha256 !== first.tokenizer.sha256);
  if (other === undefined) return first.tokenizer;
  throw missing({
    en: `${first.directory} and ${other.directory} were made with different tokenizers: shard both with one`,
    zh: `${first.directory} 与 ${other.directory} 所用的分词器不同：请用同一分词器生成两者的分片`,
  });
}

/** The last parts of each path, as many as it takes to tell all apart; 'tokens' alone names nothing. */
function sourceNames(directories: readonly string[]): string[] {
  const parts = directories.map((directory) => {
    const all = path.resolve(directory).split(path.sep).filter(Boolean);
    return all.at(-1) === 'tokens' && all.length > 1 ? all.slice(0, -1) : all;
  });
  for (let depth = 1; ; depth++) {
    const names = parts.map((part) => part.slice(-depth).join('/'));
    if (new Set(names).size === names.length) return names;
    if (depth > Math.max(...parts.map((part) => part.length))) {
      throw new TrainingError('TRAINING_BAD_RECIPE', {
        en: 'run recipe: data lists one directory twice: give it once, with the sum of the weights',
        zh: '训练配方：data 中同一目录列了两次：请只列一次，权重取两者之和',
      });
    }
  }
}

function missing(message: Said, cause?: unknown): TrainingError {
  return new TrainingError('TRAINING_MISSING_DATA', message, { cause });
}

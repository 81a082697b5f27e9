/**
 * `shardCorpus`: corpus directory + tokenizer → Megatron's `.bin`/`.idx` for each split, every document followed by
 * `<eod>`, and tokens.json that says what they were made of. The order is that of the corpus; training shuffles.
 */
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileSha256Sync } from '@tunan/files';
import { EncodePool, Tokenizer } from '@tunan/tokenizer';
import { IndexedDatasetWriter, type TokensManifest, tokensManifestSchema } from '@tunan/tokenizer/shards';
import { SPLITS, type Split } from '../directory/manifest.ts';
import { type Corpus, openCorpus } from '../directory/open-corpus.ts';
import { makeFolder, writeSynced } from '../directory/output-directory.ts';
import type { Document } from '../document.ts';
import { CorpusError, writeProblem } from '../errors.ts';

export interface ShardOptions {
  tokenizerFile: string;
  /** Where the token shards go; `tokens` in the corpus directory where absent. */
  out?: string | undefined;
  workers?: number | undefined;
  /** Documents and bytes (UTF-8 of the texts) so far, over all splits. */
  onProgress?: (progress: { stage: 'encode'; done: number; total: number; documents: number; bytes: number }) => void;
}

/** `resumed`: shards of this corpus and tokenizer stood there complete, and nothing was done. */
export interface ShardResult {
  tokens: TokensManifest;
  directory: string;
  resumed: boolean;
}

/** Stands in the directory from the first shard until tokens.json is whole. */
const UNFINISHED = 'tokens.json.partial';
const BATCH_CHARACTERS = 1 << 20;

/**
 * Makes the token shards of a corpus, or recognises them.
 * @throws CorpusError for a damaged corpus or an output that holds other shards; TokenizerError for a bad tokenizer.
 */
export async function shardCorpus(directory: string, options: ShardOptions): Promise<ShardResult> {
  const corpus = openCorpus(directory);
  const tokenizer = Tokenizer.load(options.tokenizerFile);
  const out = options.out ?? join(directory, 'tokens');
  const made: Pick<TokensManifest, 'corpus' | 'tokenizer'> = {
    corpus: { name: corpus.manifest.name, manifestSha256: fileSha256Sync(join(directory, 'manifest.json')) },
    tokenizer: {
      sha256: fileSha256Sync(options.tokenizerFile),
      vocabularySize: tokenizer.vocabularySize,
      eod: tokenizer.eod,
    },
  };
  const present = readTokens(out, made);
  if (present !== undefined) return { tokens: present, directory: out, resumed: true };
  requireOurs(out);
  makeFolder(out);
  try {
    writeFileSync(join(out, UNFINISHED), '');
  } catch (error) {
    throw writeProblem(out, error);
  }
  const total = corpus.manifest.counts.kept;
  const sum = { documents: 0, bytes: 0 };
  const onBatch = (batch: Document[]) => {
    sum.documents += batch.length;
    for (const { text } of batch) sum.bytes += Buffer.byteLength(text);
    options.onProgress?.({ stage: 'encode', done: sum.documents, total, ...sum });
  };
  await using pool = new EncodePool(tokenizer, { threads: Math.max(1, options.workers ?? 2) });
  const splits = {} as TokensManifest['splits'];
  for (const split of SPLITS) splits[split] = await encodeSplit(corpus, split, out, tokenizer, pool, onBatch);
  const tokens: TokensManifest = { format: 'tunan-tokens', formatVersion: 1, ...made, splits };
  const unfinished = join(out, UNFINISHED);
  writeSynced(unfinished, `${JSON.stringify(tokens, undefined, 2)}\n`);
  renameSync(unfinished, join(out, 'tokens.json'));
  return { tokens, directory: out, resumed: false };
}

async function encodeSplit(
  corpus: Corpus,
  split: Split,
  out: string,
  tokenizer: Tokenizer,
  pool: EncodePool,
  onBatch: (batch: Document[]) => void,
): Promise<TokensManifest['splits'][Split]> {
  using writer = new IndexedDatasetWriter(join(out, split), tokenizer.vocabularySize);
  for await (const batch of batches(corpus.documents(split))) {
    // Text that spells `<eod>` is text: specials stand only where this program puts them.
    const encoded = await pool.encodeBatch(
      batch.map(({ text }) => text),
      { specials: false },
    );
    for (const ids of encoded) {
      const withEnd = new Uint32Array(ids.length + 1);
      withEnd.set(ids);
      withEnd[ids.length] = tokenizer.eod;
      writer.addDocument(withEnd);
    }
    onBatch(batch);
  }
  return { prefix: split, characters: corpus.manifest.splits[split].characters, ...writer.finish() };
}

async function* batches(documents: AsyncIterable<Document>): AsyncGenerator<Document[]> {
  let batch: Document[] = [];
  let characters = 0;
  for await (const document of documents) {
    batch.push(document);
    characters += document.text.length;
    if (characters < BATCH_CHARACTERS) continue;
    yield batch;
    batch = [];
    characters = 0;
  }
  if (batch.length > 0) yield batch;
}

/** tokens.json of a finished directory; undefined where it must be made. @throws CORPUS_OUTPUT where it is another's. */
function readTokens(out: string, made: Pick<TokensManifest, 'corpus' | 'tokenizer'>): TokensManifest | undefined {
  const path = join(out, 'tokens.json');
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR') throw writeProblem(out, cause);
    throw new CorpusError(
      'CORPUS_TOKENS',
      {
        en: `${path} cannot be read: ${(cause as Error).message}; remove it`,
        zh: `${path} 无法读取（${(cause as Error).message}）；请将它移走`,
      },
      { cause },
    );
  }
  const parsed = tokensManifestSchema.safeParse(value);
  if (!parsed.success)
    throw new CorpusError('CORPUS_TOKENS', {
      en: `${path} is no tokens.json of tunan; choose another --out`,
      zh: `${path} 不是 tunan 的 tokens.json；请换一个 --out`,
    });
  const present = parsed.data;
  const same =
    present.corpus.manifestSha256 === made.corpus.manifestSha256 && present.tokenizer.sha256 === made.tokenizer.sha256;
  if (!same) {
    const problem = {
      en: `${out} holds token shards of another corpus or tokenizer; choose another --out or remove it`,
      zh: `${out} 中是另一语料或分词器的词元分片；请换一个 --out，或将它移走`,
    };
    throw new CorpusError('CORPUS_OUTPUT', problem);
  }
  return SPLITS.every((split) => isComplete(out, present.splits[split])) ? present : undefined;
}

/** Shards that another program made are never written over. */
function requireOurs(out: string): void {
  if (existsSync(join(out, 'tokens.json')) || existsSync(join(out, UNFINISHED))) return;
  const strange = SPLITS.flatMap((split) => [`${split}.bin`, `${split}.idx`]).find((name) =>
    existsSync(join(out, name)),
  );
  if (strange === undefined) return;
  throw new CorpusError('CORPUS_OUTPUT', {
    en: `${out} holds a ${strange} that tunan did not make; choose another --out`,
    zh: `${out} 中的 ${strange} 不是 tunan 所写；请换一个 --out`,
  });
}

function isComplete(out: string, { prefix, bin, idx }: TokensManifest['splits'][Split]): boolean {
  const size = (name: string) => statSync(join(out, name), { throwIfNoEntry: false })?.size;
  return size(`${prefix}.bin`) === bin.bytes && size(`${prefix}.idx`) === idx.bytes;
}

/** tokens.json of a token directory. @throws CorpusError CORPUS_TOKENS where there is none. */
export function readTokensManifest(directory: string): TokensManifest {
  const path = join(directory, 'tokens.json');
  try {
    return tokensManifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const problem = {
      en: `${directory} holds no token shards (${path} is missing or damaged); make them with tunan corpus shard`,
      zh: `${directory} 中没有词元分片（${path} 缺失或损坏）；请用 tunan corpus shard 生成`,
    };
    throw new CorpusError('CORPUS_TOKENS', problem, { cause });
  }
}

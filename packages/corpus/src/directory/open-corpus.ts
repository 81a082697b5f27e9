/** Reading a corpus directory: its manifest, and the documents of a split in order, checked as they are read. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSha256 } from '@tunan/files';
import type { Document } from '../document.ts';
import { CorpusError } from '../errors.ts';
import { malformed, readJsonLines } from '../reading/json-lines.ts';
import { type DataFile, type Manifest, readManifest, type Split } from './manifest.ts';

export interface Corpus {
  directory: string;
  manifest: Manifest;
  /**
   * The documents of a split. Each shard's size and SHA-256 are checked before its first document is given.
   * @throws CorpusError for a missing, truncated or changed shard, or a malformed line (with file and line number).
   */
  documents: (split: Split) => AsyncGenerator<Document>;
}

/** Opens a corpus directory. @throws CorpusError where it is none, or holds no document. */
export function openCorpus(directory: string): Corpus {
  const manifest = readManifest(directory);
  if (manifest.counts.kept === 0) {
    throw new CorpusError('CORPUS_EMPTY', {
      en: `the corpus ${directory} holds no document; build it again with other rules`,
      zh: `语料 ${directory} 中没有文档；请换用其他规则重新构建`,
    });
  }
  return { directory, manifest, documents: (split) => documents(directory, manifest.splits[split].shards) };
}

async function* documents(directory: string, shards: DataFile[]): AsyncGenerator<Document> {
  for (const shard of shards) {
    const path = join(directory, shard.file);
    await checkFile(path, shard);
    let count = 0;
    for await (const { value, line } of readJsonLines(path)) {
      yield documentFrom(value, path, line);
      count++;
    }
    if (count !== shard.documents) {
      const problem = {
        en: `${path} holds ${count} documents where the manifest says ${shard.documents}; remove the corpus and build it again`,
        zh: `${path} 有 ${count} 篇文档，而清单写的是 ${shard.documents} 篇；请删除语料后重新构建`,
      };
      throw new CorpusError('CORPUS_CHECKSUM', problem);
    }
  }
}

/** Size first, because it is cheap and tells truncation from change. */
async function checkFile(path: string, expected: DataFile): Promise<void> {
  let size: number;
  try {
    size = (await stat(path)).size;
  } catch (cause) {
    const problem = {
      en: `the shard ${path} is missing (${(cause as Error).message}); restore it, or remove the corpus and build it again`,
      zh: `分片 ${path} 缺失；请恢复它，或删除语料后重新构建`,
    };
    throw new CorpusError('CORPUS_SHARD_MISSING', problem, { cause });
  }
  if (size < expected.bytes) {
    const problem = {
      en: `${path} is truncated: ${size} of ${expected.bytes} bytes; restore it, or remove the corpus and build it again`,
      zh: `${path} 不完整：只有 ${expected.bytes} 字节中的 ${size} 字节；请恢复它，或删除语料后重新构建`,
    };
    throw new CorpusError('CORPUS_TRUNCATED', problem);
  }
  if (size > expected.bytes || (await fileSha256(path)) !== expected.sha256) {
    const problem = {
      en: `${path} is not what the manifest says (SHA-256 differs); restore it, or remove the corpus and build it again`,
      zh: `${path} 与清单不符（SHA-256 不同）；请恢复它，或删除语料后重新构建`,
    };
    throw new CorpusError('CORPUS_CHECKSUM', problem);
  }
}

function documentFrom(value: unknown, path: string, line: number): Document {
  const { id, text, source, meta } = (value ?? {}) as Partial<Document>;
  if (typeof id !== 'string' || typeof text !== 'string' || typeof source !== 'string') {
    throw malformed(path, line, {
      en: 'no document (id, text and source must be strings)',
      zh: '不是文档（id、text、source 应为字符串）',
    });
  }
  return { id, text, source, meta: meta ?? {} };
}

/** manifest.json: what a corpus directory is made of, how it was made, and the SHA-256 of every file of data in it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemProblem } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { CorpusError } from '../errors.ts';
import type { Recipe } from '../recipe/recipe.ts';

/** Raised when the same recipe and input would give other bytes; a directory of another number is refused. */
export const PIPELINE_VERSION = 5;

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const dataFile = z.object({ file: z.string(), documents: count, characters: count, bytes: count, sha256 });

const manifestSchema = z.object({
  format: z.literal('tunan-corpus'),
  formatVersion: z.literal(1),
  pipelineVersion: count,
  name: z.string(),
  licence: z.string(),
  recipe: z.custom<Recipe>((value) => value !== null && typeof value === 'object'),
  recipeSha256: sha256,
  inputsSha256: sha256,
  provenance: z.array(
    z.object({
      source: z.string(),
      type: z.string(),
      licence: z.string(),
      homepage: z.string().optional(),
      files: count,
      bytes: count,
      /** Documents and characters that are kept of it. */
      kept: count.optional(),
      characters: count.optional(),
      /** Of a repository: where it is, and SHA-256 of what was read of each collection. */
      repository: z.string().optional(),
      commit: z.string().optional(),
      contents: z.record(z.string(), z.object({ sha256, collected: z.boolean() })).optional(),
      /** Records that are no documents by intent, by kind: requests, images, blocked addresses. */
      skipped: z.record(z.string(), count).optional(),
    }),
  ),
  /** Files below the folders of the recipe that no source reads, by the ending of their names. */
  unread: z.record(z.string(), count).optional(),
  counts: z.object({
    read: count,
    kept: count,
    dropped: count,
    /** Code points of the kept texts, their JSON lines in bytes, and distinct code points. */
    characters: count,
    contentBytes: count,
    distinctCharacters: count,
    /** Documents and rejects that were taken out after the build. */
    removed: count.optional(),
  }),
  /**
   * The funnel: documents, characters and bytes that came into each stage (of web pages their own bytes until they are
   * extracted), and what it dropped by reason. `read` stands first where a source can be damaged in part.
   */
  stages: z.array(
    z.object({
      stage: z.string(),
      documents: count,
      characters: count,
      bytes: count.optional(),
      reasons: z.record(z.string(), count),
      /** Documents whose text it changed. */
      changed: count.optional(),
    }),
  ),
  /** What stages did to documents that passed them, by field of meta and kind: `masked` in places, the others in documents. */
  marks: z.record(z.string(), z.record(z.string(), count)).optional(),
  nearDuplicates: z.object({
    clusters: count,
    documents: count,
    largest: count,
    comparisons: count,
    file: dataFile.optional(),
  }),
  /** Names of the fields that meta may have. */
  metaFields: z.array(z.string()).optional(),
  /** `nearDuplicates`: how many near duplicates were dropped. */
  collections: z.record(
    z.string(),
    z.object({ read: count, kept: count, characters: count, nearDuplicates: count.optional() }),
  ),
  splits: z.object({
    train: z.object({ documents: count, characters: count, shards: z.array(dataFile) }),
    validation: z.object({ documents: count, characters: count, shards: z.array(dataFile) }),
    test: z.object({ documents: count, characters: count, shards: z.array(dataFile) }),
  }),
  rejects: z.object({ documents: count, shards: z.array(dataFile) }),
  /** What was added after the build, each by its own recipe. */
  updates: z
    .array(
      z.object({
        recipe: z.custom<Recipe>((value) => value !== null && typeof value === 'object'),
        recipeSha256: sha256,
        inputsSha256: sha256,
        read: count,
        kept: count,
        dropped: count,
      }),
    )
    .optional(),
  /** Changes since the build, counted; and the take-down requests, which later updates keep to. */
  revision: count.optional(),
  removals: z
    .array(z.object({ ids: z.array(z.string()), urls: z.array(z.string()), documents: count, rejects: count }))
    .optional(),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type DataFile = z.infer<typeof dataFile>;
export type Split = keyof Manifest['splits'];
export const SPLITS = ['train', 'validation', 'test'] as const satisfies Split[];

/** The manifest of a corpus directory. @throws CorpusError CORPUS_NOT_A_CORPUS when there is none or it is damaged. */
export function readManifest(directory: string): Manifest {
  const path = join(directory, 'manifest.json');
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = systemProblem(cause) ?? { en: (cause as Error).message, zh: (cause as Error).message };
    const problem = {
      en: `${directory} is no corpus directory (manifest.json: ${why.en}); make one with tunan corpus build`,
      zh: `${directory} 不是语料目录（manifest.json：${why.zh}）；请用 tunan corpus build 生成`,
    };
    throw new CorpusError('CORPUS_NOT_A_CORPUS', problem, { cause });
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const problem = {
    en: `${path} is not the manifest of a corpus: ${issue.path.join('.')}: ${issue.message}`,
    zh: `${path} 不是语料的清单：${issue.path.join('.')}（${issue.message}）`,
  };
  throw new CorpusError('CORPUS_NOT_A_CORPUS', problem);
}

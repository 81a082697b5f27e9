/** Corpora as their manifests tell of them. */
import path from 'node:path';
import type { Said } from '@tunan/files';
import type { WorkspaceCorpus, WorkspaceCorpusDetails } from '@tunan/protocol';
import { z } from 'zod';
import { openInside, readJsonInside } from './bounded-file.ts';
import type { Place } from './find-places.ts';

const count = z.int().nonnegative();
const manifest = z.object({
  format: z.literal('tunan-corpus'),
  name: z.string(),
  licence: z.string(),
  counts: z.object({
    read: count,
    kept: count,
    dropped: count,
    characters: count,
    contentBytes: count,
    distinctCharacters: count,
  }),
  stages: z.array(
    z.object({
      stage: z.string(),
      documents: count,
      characters: count,
      reasons: z.record(z.string(), count),
      changed: count.optional(),
    }),
  ),
  marks: z.record(z.string(), z.record(z.string(), count)).default({}),
  splits: z.record(
    z.string(),
    z.object({ documents: count, characters: count, shards: z.array(z.object({ bytes: count })) }),
  ),
  collections: z.record(z.string(), z.object({ read: count, kept: count, characters: count.default(0) })).default({}),
  provenance: z
    .array(
      z.object({
        source: z.string(),
        licence: z.string().optional(),
        homepage: z.string().optional(),
        bytes: count.default(0),
      }),
    )
    .default([]),
});
type Manifest = z.infer<typeof manifest>;

/** @param labelOf names of stages and reasons, which the corpus package knows */
export class Corpora {
  readonly #root: string;
  readonly #labelOf: (name: string) => Said;

  constructor(root: string, labelOf: (name: string) => Said) {
    this.#root = root;
    this.#labelOf = labelOf;
  }

  /** @returns undefined where the folder is none of a corpus */
  async body(place: Place, changedAt: number): Promise<WorkspaceCorpus | undefined> {
    const read = await this.#read(place);
    return read && bodyOf(place, changedAt, read);
  }

  async details(place: Place, changedAt: number): Promise<WorkspaceCorpusDetails | undefined> {
    const read = await this.#read(place);
    if (read === undefined) return undefined;
    const { counts, stages, marks, splits, collections, provenance } = read;
    await using report = await openInside(this.#root, path.join(place.directory, 'report.html'));
    return {
      ...bodyOf(place, changedAt, read),
      ...{ read: counts.read, dropped: counts.dropped, bytes: counts.contentBytes },
      distinct_characters: counts.distinctCharacters,
      stages: stages.map(({ stage, documents, characters, changed, reasons }) => ({
        ...{ name: stage, label: this.#labelOf(stage), documents, characters, changed: changed ?? null },
        reasons: this.#counted(reasons),
      })),
      marks: Object.entries(marks).map(([field, kinds]) => ({ field, kinds: this.#counted(kinds) })),
      splits: Object.entries(splits).map(([name, { documents, characters, shards }]) => ({
        ...{ name, label: this.#labelOf(name), documents, characters },
        bytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
      })),
      collections: Object.entries(collections)
        .map(([name, { read: all, kept, characters }]) => ({ name, read: all, kept, characters }))
        .sort((a, b) => b.characters - a.characters),
      sources: provenance.map(({ source, licence, homepage, bytes }) => ({
        ...{ source, licence: licence ?? null, homepage: homepage ?? null, bytes },
      })),
      has_report: report !== undefined,
    };
  }

  async #read({ directory }: Place): Promise<Manifest | undefined> {
    return await readJsonInside(this.#root, path.join(directory, 'manifest.json'), manifest);
  }

  #counted(counts: Readonly<Record<string, number>>) {
    return Object.entries(counts)
      .map(([name, documents]) => ({ name, label: this.#labelOf(name), documents }))
      .sort((a, b) => b.documents - a.documents);
  }
}

const bodyOf = ({ id, path: place }: Place, changedAt: number, { name, licence, counts }: Manifest) => ({
  ...{ id, path: place, changed_at: changedAt, name, licence },
  ...{ documents: counts.kept, characters: counts.characters },
});

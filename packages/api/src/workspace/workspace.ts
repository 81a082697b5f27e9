/** The folder that an operator lets admins look into: what lies below it, found anew when it is a while ago, and read as it stands. */
import { realpathSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Said } from '@tunan/files';
import { ApiError } from '../errors/errors.ts';
import { readInside } from './bounded-file.ts';
import { Corpora } from './corpora.ts';
import { Evaluations, type PublishedScore } from './evaluations.ts';
import { type Found, findPlaces, isMissing, type Place, type PlaceKind } from './find-places.ts';
import { Runs } from './runs.ts';

export interface WorkspaceOptions {
  /** Names of stages and reasons of a corpus; their own where absent. */
  readonly labelOf?: ((name: string) => Said) | undefined;
  /** What stands beside evaluations. */
  readonly published?: readonly PublishedScore[] | undefined;
}

/** Within which the folder is not looked through again. */
const FRESH_MILLISECONDS = 3_000;
/** The file by whose time a place has changed. */
const CHANGED_FILES = { run: 'log.jsonl', corpus: 'manifest.json', evaluation: 'results.json' } as const;

export class Workspace {
  readonly runs: Runs;
  readonly corpora: Corpora;
  readonly evaluations: Evaluations;
  readonly #root: string;
  #found: { readonly at: number; readonly places: Promise<Found> } | undefined;

  /** @throws ApiError API_WORKSPACE where there is no such folder */
  constructor(folder: string, { labelOf = ownName, published = [] }: WorkspaceOptions = {}) {
    this.#root = realFolder(folder);
    this.runs = new Runs(this.#root);
    this.corpora = new Corpora(this.#root, labelOf);
    this.evaluations = new Evaluations(this.#root, published);
  }

  /** Those of a kind, as `read` tells of them, the last changed first. */
  async list<Body extends { readonly changed_at: number }>(
    kind: PlaceKind,
    read: (place: Place, changedAt: number) => Promise<Body | undefined>,
  ): Promise<{ readonly object: 'list'; readonly data: Body[]; readonly truncated: boolean }> {
    const { places, truncated } = await this.#places();
    const data: Body[] = [];
    for (const place of places) {
      if (place.kind !== kind) continue;
      const body = await read(place, await changedAt(place));
      if (body !== undefined) data.push(body);
    }
    data.sort((a, b) => b.changed_at - a.changed_at);
    return { object: 'list', data, truncated };
  }

  /** What `read` tells of one; undefined where there is none of that id. */
  async one<Body>(
    kind: PlaceKind,
    id: string,
    read: (place: Place, changedAt: number) => Promise<Body | undefined>,
  ): Promise<Body | undefined> {
    const { places } = await this.#places();
    const place = places.find((one) => one.kind === kind && one.id === id);
    return place && (await read(place, await changedAt(place)));
  }

  async report({ directory }: Place): Promise<Buffer | undefined> {
    return await readInside(this.#root, path.join(directory, 'report.html'));
  }

  #places(): Promise<Found> {
    const now = performance.now();
    if (this.#found === undefined || now - this.#found.at > FRESH_MILLISECONDS) {
      this.#found = { at: now, places: findPlaces(this.#root) };
    }
    return this.#found.places;
  }
}

/** Unix time, seconds. */
async function changedAt({ kind, directory }: Place): Promise<number> {
  try {
    return Math.floor((await stat(path.join(directory, CHANGED_FILES[kind]))).mtimeMs / 1000);
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

function realFolder(folder: string): string {
  const real = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? realpathSync(folder) : undefined;
  if (real !== undefined) return real;
  throw new ApiError('API_WORKSPACE', {
    en: `${folder} is no folder: give the one that corpora, runs and evaluations lie below`,
    zh: `${folder} 不是目录：请给出语料、训练与评测结果所在的目录`,
  });
}

const ownName = (name: string): Said => ({ en: name, zh: name });

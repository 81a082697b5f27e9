/** Writes what was decided: shards of each split, rejects, near-duplicate clusters. Returns their part of the manifest. */
import { basename, join } from 'node:path';
import { type DataFile, type Manifest, SPLITS } from '../directory/manifest.ts';
import type { Decisions } from './decide.ts';
import { savedResult } from './finished-tasks.ts';
import type { PassedDocuments } from './spilled-corpus.ts';
import type { WorkerPool } from './worker-pool.ts';
import {
  AS_IT_IS,
  FramedFile,
  type Piece,
  PieceList,
  type Pieces,
  type ShardResult,
  type ShardTask,
  WITHOUT_LINES,
} from './write-shard.ts';

/** Content of a shard before compression. */
const SHARD_BYTES = 16 * 2 ** 20;

export interface Planned {
  group: keyof Manifest['splits'] | 'rejects';
  file: string;
  pieces: Pieces;
}

export interface Written {
  splits: Manifest['splits'];
  rejects: Manifest['rejects'];
  contentBytes: number;
  distinctCharacters: number;
  /** Names of the fields of meta, in order. */
  metaFields: string[];
}

/** The number that the first new shard of each group gets. */
export type ShardNumbers = Record<Planned['group'], number>;

const FROM_ZERO: ShardNumbers = { train: 0, validation: 0, test: 0, rejects: 0 };

/** Writes the shards that are not written yet, of documents that stand in no shard. @param work where finished ones are marked */
export async function writeShards(
  pool: WorkerPool,
  directory: string,
  work: string,
  corpus: PassedDocuments,
  decisions: Decisions,
  onShard: (done: number, of: number, result: ShardResult) => void,
  firstNumbers: ShardNumbers = FROM_ZERO,
): Promise<Written> {
  const plan = planShards(corpus, decisions, firstNumbers);
  const repeated = decisions.repeated?.lines.words;
  const marks = plan.map(({ file }) => join(work, `${basename(file)}.done`));
  const results = marks.map((mark) => savedResult<ShardResult>(mark));
  const missing = plan.flatMap((_, i) => (results[i] === undefined ? [i] : []));
  const tasks = missing.map((i): ShardTask => {
    const { file, pieces } = plan[i]!;
    const task = { task: 'write', path: join(directory, file), mark: marks[i]!, pieces } as const;
    return repeated === undefined ? task : { ...task, repeated };
  });
  let done = 0;
  for (const result of results) if (result !== undefined) onShard(++done, plan.length, result);
  const written = await pool.run<ShardTask, ShardResult>(tasks, (result) => onShard(++done, plan.length, result));
  for (const [k, i] of missing.entries()) results[i] = written[k]!;
  return gather(plan, results as ShardResult[]);
}

export function gather(plan: Planned[], results: ShardResult[]): Written {
  const files = (group: Planned['group']): DataFile[] =>
    plan.flatMap((planned, i) => (planned.group === group ? [dataFile(planned.file, results[i]!)] : []));
  const kept = results.filter((_, i) => plan[i]!.group !== 'rejects');
  const alphabet = new Set(kept.flatMap((result) => [...result.alphabet]));
  return {
    splits: { train: total(files('train')), validation: total(files('validation')), test: total(files('test')) },
    rejects: { documents: total(files('rejects')).documents, shards: files('rejects') },
    contentBytes: kept.reduce((n, result) => n + result.contentBytes, 0),
    distinctCharacters: alphabet.size,
    metaFields: [...new Set(kept.flatMap((result) => result.metaFields))].sort(),
  };
}

/** Clusters of more than one document, a line each: the ids that must stand on one side of any split. */
export function writeClusters(
  directory: string,
  corpus: PassedDocuments,
  cluster: Int32Array,
  name = 'near-duplicates.jsonl.zst',
): Manifest['nearDuplicates'] {
  // The members of a cluster as a chain from its first document, each pointing to the next.
  const next = new Int32Array(cluster.length).fill(-1);
  const last = new Int32Array(cluster.length).map((_, i) => i);
  for (let i = 0; i < cluster.length; i++) {
    const first = cluster[i]!;
    if (first < 0 || first === i) continue;
    next[last[first]!] = i;
    last[first] = i;
  }
  const output = new FramedFile(join(directory, name));
  const count = { clusters: 0, documents: 0, largest: 0 };
  try {
    for (let first = 0; first < cluster.length; first++) {
      if (cluster[first] !== first || next[first]! < 0) continue;
      const ids: string[] = [];
      for (let i = first; i >= 0; i = next[i]!) ids.push(corpus.document(i).id);
      output.write(Buffer.from(`${JSON.stringify({ documents: ids })}\n`));
      count.clusters++;
      count.documents += ids.length;
      count.largest = Math.max(count.largest, ids.length);
    }
    const { bytes, sha256 } = output.finish();
    const file = { file: name, documents: count.documents, characters: 0, bytes, sha256 };
    return { ...count, comparisons: 0, file };
  } finally {
    output.close();
  }
}

/** Documents in recipe order, a new shard when one is full. */
export function planShards(
  corpus: PassedDocuments,
  { dropped, keptFor, split, repeated }: Decisions,
  firstNumbers: ShardNumbers = FROM_ZERO,
): Planned[] {
  const plans = new Map([...SPLITS, 'rejects' as const].map((group) => [group, new Shards()]));
  let document = corpus.existing.documents;
  for (const unit of corpus.units.slice(corpus.existing.units)) {
    for (const piece of corpus.rejects(unit.index)) plans.get('rejects')!.add(piece, AS_IT_IS);
    for (const end = document + unit.lengths.length; document < end; document++) {
      const piece = corpus.piece(document);
      const why = dropped[document]!;
      if (why === 0) {
        plans.get(SPLITS[split[document]!]!)!.add(piece, repeated?.has[document] === 1 ? WITHOUT_LINES : AS_IT_IS);
      } else {
        const copy = keptFor[document]!;
        plans.get('rejects')!.add(piece, WITHOUT_LINES + why, copy === document ? undefined : corpus.piece(copy));
      }
    }
  }
  return [...plans].flatMap(([group, shards]) => {
    const folder = group === 'rejects' ? 'rejects/rejects' : `shards/${group}`;
    const file = (i: number) => `${folder}-${String(firstNumbers[group] + i).padStart(5, '0')}.jsonl.zst`;
    return shards.finish().map((pieces, i) => ({ group, file: file(i), pieces }));
  });
}

/** Cuts a row of lines into shards. */
class Shards {
  readonly #full: Pieces[] = [];
  #list = new PieceList();

  add(piece: Piece, change: number, kept?: Piece): void {
    if (this.#list.bytes >= SHARD_BYTES) this.#cut();
    this.#list.add(piece, change, kept);
  }

  finish(): Pieces[] {
    if (this.#list.bytes > 0) this.#cut();
    return this.#full;
  }

  #cut(): void {
    this.#full.push(this.#list.finish());
    this.#list = new PieceList();
  }
}

function dataFile(file: string, { documents, characters, bytes, sha256 }: ShardResult): DataFile {
  return { file, documents, characters, bytes, sha256 };
}

function total(shards: DataFile[]) {
  const sum = (field: 'documents' | 'characters') => shards.reduce((n, shard) => n + shard[field], 0);
  return { documents: sum('documents'), characters: sum('characters'), shards };
}

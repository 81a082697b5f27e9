/** Writes what was decided: shards of each split, rejects, near-duplicate clusters. Returns their part of the manifest. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Decisions } from './decide.ts';
import { writeProblem } from './errors.ts';
import { savedResult } from './finished-tasks.ts';
import { type DataFile, type Manifest, SPLITS } from './manifest.ts';
import type { SpilledCorpus } from './spilled-corpus.ts';
import type { WorkerPool } from './worker-pool.ts';
import {
  AS_IT_IS,
  type Piece,
  PieceList,
  type Pieces,
  type ShardResult,
  type ShardTask,
  WITHOUT_LINES,
} from './write-shard.ts';
import { zstdFrame } from './zstd-frames.ts';

/** Content of a shard before compression. */
const SHARD_BYTES = 16 * 2 ** 20;

type Planned = { group: keyof Manifest['splits'] | 'rejects'; file: string; pieces: Pieces };

export type Written = {
  splits: Manifest['splits'];
  rejects: Manifest['rejects'];
  contentBytes: number;
  distinctCharacters: number;
};

/** Writes the shards that are not written yet. @param work where finished ones are marked */
export async function writeShards(
  pool: WorkerPool,
  directory: string,
  work: string,
  corpus: SpilledCorpus,
  decisions: Decisions,
  onShard: (done: number, of: number, result: ShardResult) => void,
): Promise<Written> {
  const plan = planShards(corpus, decisions);
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

function gather(plan: Planned[], results: ShardResult[]): Written {
  const files = (group: Planned['group']): DataFile[] =>
    plan.flatMap((planned, i) => (planned.group === group ? [dataFile(planned.file, results[i]!)] : []));
  const kept = results.filter((_, i) => plan[i]!.group !== 'rejects');
  const alphabet = new Set(kept.flatMap((result) => [...result.alphabet]));
  return {
    splits: { train: total(files('train')), validation: total(files('validation')), test: total(files('test')) },
    rejects: { documents: total(files('rejects')).documents, shards: files('rejects') },
    contentBytes: kept.reduce((n, result) => n + result.contentBytes, 0),
    distinctCharacters: alphabet.size,
  };
}

/** Clusters of more than one document, a line each: the ids that must stand on one side of any split. */
export function writeClusters(
  directory: string,
  corpus: SpilledCorpus,
  cluster: Int32Array,
): Manifest['nearDuplicates'] {
  const members = new Map<number, number[]>();
  for (let i = 0; i < cluster.length; i++) {
    if (cluster[i]! < 0 || cluster[i] === i) continue;
    const first = cluster[i]!;
    members.set(first, [...(members.get(first) ?? [first]), i]);
  }
  const groups = [...members.values()].sort((a, b) => a[0]! - b[0]!);
  const documents = groups.reduce((n, group) => n + group.length, 0);
  const largest = groups.reduce((n, group) => Math.max(n, group.length), 0);
  const lines = groups.map((group) => `${JSON.stringify({ documents: group.map((i) => corpus.document(i).id) })}\n`);
  const bytes = zstdFrame(Buffer.from(lines.join('')));
  const path = join(directory, CLUSTERS_FILE);
  try {
    writeFileSync(path, bytes, { flush: true });
  } catch (error) {
    throw writeProblem(path, error);
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = { file: CLUSTERS_FILE, documents, characters: 0, bytes: bytes.length, sha256 };
  return { clusters: groups.length, documents, largest, comparisons: 0, file };
}

const CLUSTERS_FILE = 'near-duplicates.jsonl.zst';

/** Documents in recipe order, a new shard when one is full. */
function planShards(corpus: SpilledCorpus, { dropped, keptFor, split, repeated }: Decisions): Planned[] {
  const plans = new Map([...SPLITS, 'rejects' as const].map((group) => [group, new Shards()]));
  let document = 0;
  for (const unit of corpus.units) {
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
    const file = (i: number) => `${folder}-${String(i).padStart(5, '0')}.jsonl.zst`;
    return shards.finish().map((pieces, i) => ({ group, file: file(i), pieces }));
  });
}

/** Cuts a row of lines into shards. */
class Shards {
  private readonly full: Pieces[] = [];
  private list = new PieceList();

  add(piece: Piece, change: number, kept?: Piece): void {
    if (this.list.bytes >= SHARD_BYTES) this.cut();
    this.list.add(piece, change, kept);
  }

  finish(): Pieces[] {
    if (this.list.bytes > 0) this.cut();
    return this.full;
  }

  private cut(): void {
    this.full.push(this.list.finish());
    this.list = new PieceList();
  }
}

function dataFile(file: string, { documents, characters, bytes, sha256 }: ShardResult): DataFile {
  return { file, documents, characters, bytes, sha256 };
}

function total(shards: DataFile[]) {
  const sum = (field: 'documents' | 'characters') => shards.reduce((n, shard) => n + shard[field], 0);
  return { documents: sum('documents'), characters: sum('characters'), shards };
}

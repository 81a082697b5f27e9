/** Writes what was decided: shards of each split, rejects, near-duplicate clusters. Returns their part of the manifest. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Decisions } from './decide.ts';
import { writeProblem } from './errors.ts';
import { type DataFile, type Manifest, SPLITS } from './manifest.ts';
import type { SpilledCorpus } from './spilled-corpus.ts';
import type { WorkerPool } from './worker-pool.ts';
import type { Piece, ShardResult, ShardTask } from './write-shard.ts';
import { zstdFrame } from './zstd-frames.ts';

/** Content of a shard before compression. */
const SHARD_BYTES = 16 * 2 ** 20;

type Planned = { group: keyof Manifest['splits'] | 'rejects'; file: string; pieces: Piece[] };

export type Written = {
  splits: Manifest['splits'];
  rejects: Manifest['rejects'];
  contentBytes: number;
  distinctCharacters: number;
};

export async function writeShards(
  pool: WorkerPool,
  directory: string,
  corpus: SpilledCorpus,
  decisions: Decisions,
  onShard: (done: number, of: number, result: ShardResult) => void,
): Promise<Written> {
  const plan = planShards(corpus, decisions);
  const tasks = plan.map(({ file, pieces }): ShardTask => ({ task: 'write', path: join(directory, file), pieces }));
  let done = 0;
  const results = await pool.run<ShardTask, ShardResult>(tasks, (result) => onShard(++done, tasks.length, result));
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
function planShards(corpus: SpilledCorpus, { first, split }: Decisions): Planned[] {
  const pieces = new Map<Planned['group'], Piece[]>();
  for (const group of [...SPLITS, 'rejects'] as const) pieces.set(group, []);
  let document = 0;
  for (const unit of corpus.units) {
    pieces.get('rejects')!.push(...corpus.rejects(unit.index));
    for (const end = document + unit.lengths.length; document < end; document++) {
      const piece = corpus.piece(document);
      const copyOf = first[document]!;
      if (copyOf === document) pieces.get(SPLITS[split[document]!]!)!.push(piece);
      else pieces.get('rejects')!.push({ ...piece, kept: corpus.piece(copyOf) });
    }
  }
  return [...pieces].flatMap(([group, all]) => {
    const folder = group === 'rejects' ? 'rejects/rejects' : `shards/${group}`;
    return cut(all).map((part, i) => ({
      group,
      file: `${folder}-${String(i).padStart(5, '0')}.jsonl.zst`,
      pieces: part,
    }));
  });
}

function cut(pieces: Piece[]): Piece[][] {
  const parts: Piece[][] = [];
  let bytes = SHARD_BYTES;
  for (const piece of pieces) {
    if (bytes >= SHARD_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(piece);
    bytes += piece.length;
  }
  return parts;
}

function dataFile(file: string, { documents, characters, bytes, sha256 }: ShardResult): DataFile {
  return { file, documents, characters, bytes, sha256 };
}

function total(shards: DataFile[]) {
  const sum = (field: 'documents' | 'characters') => shards.reduce((n, shard) => n + shard[field], 0);
  return { documents: sum('documents'), characters: sum('characters'), shards };
}

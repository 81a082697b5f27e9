/** Step `read`: a unit goes through the stages on this machine, as in a local build, and its spill files become rows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import type { Document } from '../document.ts';
import { COLUMN, Signatures, signaturePath } from '../duplicates/signatures.ts';
import { LINE_WORDS } from '../duplicates/site-lines.ts';
import { writeProblem } from '../errors.ts';
import { processUnit, spillPath, type UnitResult, type UnitTask } from '../passes/read-unit.ts';
import { SpillReader } from '../reading/spill.ts';
import { documentStages } from '../stages/document-stages.ts';
import type { ReadRow, SparkJob } from './job.ts';

const READ_AHEAD_BYTES = 1 << 20;

export async function* readRows({ recipe, base }: SparkJob, lines: AsyncIterable<string>): AsyncGenerator<ReadRow> {
  const stages = await documentStages(recipe, base);
  const folder = temporaryFolder();
  try {
    for await (const line of lines) {
      const task: UnitTask = { ...(JSON.parse(line) as UnitTask), folder };
      const result = await processUnit(recipe, base, stages, task);
      yield* rowsOf(new Spill({ recipe, folder, result }));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function temporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'tunan-spark-'));
  } catch (error) {
    throw writeProblem(tmpdir(), error);
  }
}

/** The numbers of a unit's documents that the decisions need, 28 bytes each. */
export interface UnitNumbers {
  result: UnitResult;
  digests: Uint32Array;
  quality: Uint32Array;
  content: Uint32Array;
}

function* rowsOf(spill: Spill): Generator<ReadRow> {
  yield* spill.documents();
  yield* spill.rejects();
  yield spill.unit();
}

/** Spill files of one unit. */
class Spill {
  readonly #folder: string;
  readonly #result: UnitResult;
  readonly #signatures: Signatures;

  constructor({ recipe, folder, result }: { recipe: SparkJob['recipe']; folder: string; result: UnitResult }) {
    this.#folder = folder;
    this.#result = result;
    this.#signatures = new Signatures(recipe, folder, [{ index: result.index, documents: result.lengths.length }]);
  }

  *documents(): Generator<ReadRow> {
    const { index: unit, lengths } = this.#result;
    using lines = new RecordStream(spillPath(this.#folder, unit, 'documents'));
    using records = new RecordStream(signaturePath(this.#folder, unit, 'lines'));
    using sets = new RecordStream(signaturePath(this.#folder, unit, 'shingles'));
    let place = 0;
    for (const row of this.#signatures.rows()) {
      const line = lines.next(lengths[place]!).toString().trimEnd();
      yield {
        kind: 'document',
        unit,
        place,
        id: (JSON.parse(line) as Document).id,
        line,
        digest: Buffer.from(row.slice(0, 4).buffer).toString('hex'),
        site: row[COLUMN.site]!,
        keys: [...row.subarray(COLUMN.keys)],
        shingles: sets.next(4 * row[COLUMN.set]!).toString('base64'),
        records: triples(records.next(4 * LINE_WORDS * row[COLUMN.lines]!)),
      };
      place++;
    }
  }

  *rejects(): Generator<ReadRow> {
    const { index: unit, rejectLengths } = this.#result;
    using lines = new RecordStream(spillPath(this.#folder, unit, 'rejects'));
    for (let place = 0; place < rejectLengths.length; place++) {
      yield { kind: 'reject', unit, place, line: lines.next(rejectLengths[place]!).toString().trimEnd() };
    }
  }

  unit(): ReadRow {
    const result = this.#result;
    const signatures = this.#signatures;
    const numbers: UnitNumbers = {
      result,
      digests: signatures.digests(),
      quality: signatures.column('quality'),
      content: signatures.column('content'),
    };
    return {
      kind: 'unit',
      unit: result.index,
      documents: result.lengths.length,
      rejects: result.rejectLengths.length,
      numbers: serialize(numbers).toString('base64'),
    };
  }
}

/** Records of a file one after another; a file that a recipe has no use for is not there, and its records are empty. */
class RecordStream implements Disposable {
  readonly #reader = new SpillReader(READ_AHEAD_BYTES);
  readonly #path: string;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  next(length: number): Buffer {
    if (length === 0) return Buffer.alloc(0);
    const record = this.#reader.read(this.#path, this.#offset, length);
    this.#offset += length;
    return record;
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }
}

function triples(bytes: Buffer): number[][] {
  const list: number[][] = [];
  for (let at = 0; at < bytes.length; at += 4 * LINE_WORDS) {
    list.push(Array.from({ length: LINE_WORDS }, (_, k) => bytes.readUInt32LE(at + 4 * k)));
  }
  return list;
}

/**
 * Records of WARC files (ISO 28500), plain, gzip or zstd: `WARC/1.x`, named fields, an empty line, Content-Length bytes, two
 * line ends. Written by hand because the libraries end in silence where a file is cut and give up where it is damaged:
 * here every record comes whole or is reported as damaged, and reading goes on at the next. Memory: one record, and
 * those above MAX_RECORD_BYTES are passed over and reported.
 */
import { createReadStream } from 'node:fs';
import { CorpusError } from '../errors.ts';
import { readZstd } from '../zstd-frames.ts';
import { compressionOf } from './content.ts';
import { readGzipMembers } from './gzip-members.ts';

export type WarcRecord = {
  /** Names in lower case. */
  fields: Map<string, string>;
  content: Buffer;
  /** In the file: of the gzip member where there are members, else of the record in the content. */
  offset: number;
  /** Records before this one in its member: 0 in every archive as the standard wants it. */
  ordinal: number;
};

/** A place where no whole record can be had. */
export type WarcDamage = { damage: string; offset: number };

const MAX_RECORD_BYTES = 32 * 2 ** 20;
const MAX_HEADER_BYTES = 1 << 16;
const MARK = Buffer.from('WARC/1.');
const HEADER_END = Buffer.from('\r\n\r\n');
const NEXT_RECORD = Buffer.from('\r\n\r\nWARC/1.');

/** `start` says whether a gzip member begins; it is absent where there are no members. */
type Piece = { bytes: Buffer; offset: number; start?: boolean } | { damage: string; offset: number };

/** Bytes of a gzip file: the records that begin between these two places. */
export type WarcPart = { start: number; end: number };

/** @throws CorpusError CORPUS_SOURCE_FORMAT where the file holds no record at all. */
export async function* readWarcRecords(path: string, part?: WarcPart): AsyncGenerator<WarcRecord | WarcDamage> {
  const splitter = new RecordSplitter();
  for await (const piece of pieces(path, part)) yield* splitter.add(piece);
  yield* splitter.end();
  if (splitter.sawRecord || (part !== undefined && part.start > 0)) return; // the first part tells for all
  const problem = splitter.total === 0 && !splitter.sawDamage ? 'is empty' : 'holds no WARC record';
  throw new CorpusError(
    'CORPUS_SOURCE_FORMAT',
    `${path} ${problem}; give a .warc, .warc.gz, .wet.gz or .warc.zst file`,
  );
}

async function* pieces(path: string, part: WarcPart | undefined): AsyncGenerator<Piece> {
  const compression = await compressionOf(path, 'WARC/');
  if (compression === 'gzip') {
    return yield* readGzipMembers(path, part === undefined ? undefined : { ...part, begins: MARK.toString() });
  }
  let offset = 0;
  try {
    const content = compression === 'zstd' ? readZstd(path) : createReadStream(path, { highWaterMark: 1 << 20 });
    for await (const bytes of content) {
      yield { bytes, offset };
      offset += bytes.length;
    }
  } catch (error) {
    // A cut or damaged zstd file loses its rest, which counts as one damaged place.
    if (!(error instanceof CorpusError) || offset === 0) throw error;
    yield { damage: error.code === 'CORPUS_TRUNCATED' ? 'truncated-zstd' : 'damaged-zstd', offset };
  }
}

class RecordSplitter {
  /** False where nothing was a record, so that the file is of another kind. */
  sawRecord = false;
  sawDamage = false;
  /** Bytes that were given. */
  total = 0;
  private rest: Buffer = Buffer.alloc(0);
  /** Where `rest` begins. */
  private offset = 0;
  /** True in a gzip member, whose offset names its records; `ordinal` tells them apart. */
  private inMember = false;
  private ordinal = 0;
  private skip = 0;
  private lost = false;

  *add(piece: Piece): Generator<WarcRecord | WarcDamage> {
    if ('damage' in piece) {
      // What was cut may have been a record; a file that is damaged from end to end is of another kind.
      this.sawRecord ||= piece.damage.startsWith('truncated');
      this.sawDamage = true;
      this.rest = Buffer.alloc(0);
      this.skip = 0;
      this.lost = true; // what follows up to the next record belongs to this damage
      yield piece;
      return;
    }
    this.total += piece.bytes.length;
    let { bytes } = piece;
    if (piece.start === true && startsRecord(bytes)) {
      yield* this.cutShort();
      this.lost = false;
    }
    if (this.skip > 0) {
      const skipped = Math.min(this.skip, bytes.length);
      this.skip -= skipped;
      bytes = bytes.subarray(skipped);
    }
    if (this.rest.length === 0) {
      this.rest = bytes;
      this.inMember = piece.start !== undefined;
      this.offset = this.inMember ? piece.offset : piece.offset + (piece.bytes.length - bytes.length);
      if (piece.start === true) this.ordinal = 0;
    } else {
      this.rest = Buffer.concat([this.rest, bytes]);
    }
    yield* this.split();
  }

  *end(): Generator<WarcDamage> {
    yield* this.cutShort();
  }

  /** A record that was begun and never ended. */
  private *cutShort(): Generator<WarcDamage> {
    const begun = this.skip > 0 || !isBlank(this.rest);
    if (begun && !this.lost) yield { damage: 'truncated-record', offset: this.offset };
    this.rest = Buffer.alloc(0);
    this.skip = 0;
  }

  private *split(): Generator<WarcRecord | WarcDamage> {
    for (;;) {
      this.dropLineEnds();
      if (this.rest.length < MARK.length) return;
      if (!startsRecord(this.rest)) {
        if (!this.lost) yield { damage: 'not-a-record', offset: this.offset };
        this.lost = true;
        const next = this.rest.indexOf(MARK);
        this.drop(next < 0 ? this.rest.length - MARK.length + 1 : next);
        if (next < 0) return;
        continue;
      }
      this.lost = false;
      this.sawRecord = true;
      const headerEnd = this.rest.indexOf(HEADER_END);
      if (headerEnd < 0 && this.rest.length < MAX_HEADER_BYTES) return;
      const item = headerEnd < 0 || headerEnd > MAX_HEADER_BYTES ? undefined : this.record(headerEnd);
      if (item === 'incomplete') return;
      if (item === undefined) {
        yield { damage: 'malformed-header', offset: this.offset };
        this.lost = true;
        this.drop(1);
        continue;
      }
      yield item;
    }
  }

  /** The record at the start of `rest`, or what is wrong with it. */
  private record(headerEnd: number): WarcRecord | WarcDamage | 'incomplete' | undefined {
    const fields = fieldsOf(this.rest.toString('utf8', 0, headerEnd));
    const length = Number(fields.get('content-length') ?? Number.NaN);
    if (!Number.isSafeInteger(length) || length < 0) return undefined;
    const { offset } = this;
    const start = headerEnd + HEADER_END.length;
    if (length > MAX_RECORD_BYTES) {
      const here = Math.min(this.rest.length, start + length);
      this.skip = start + length - here;
      this.drop(here);
      return { damage: 'record-too-large', offset };
    }
    const end = start + length;
    if (this.rest.length < end + HEADER_END.length) {
      // The two line ends after the last record of a file are missing now and then; end() and the next member see to it.
      if (this.inMember && this.rest.length >= end) return this.take(fields, start, end, end);
      return 'incomplete';
    }
    if (this.rest.compare(HEADER_END, 0, 4, end, end + 4) !== 0) {
      // Content-Length is wrong: the next record is found by its mark.
      const next = this.rest.indexOf(NEXT_RECORD, start);
      this.drop(next < 0 ? end : next);
      this.lost = next < 0;
      return { damage: 'wrong-length', offset };
    }
    return this.take(fields, start, end, end + HEADER_END.length);
  }

  private take(fields: Map<string, string>, start: number, end: number, next: number): WarcRecord {
    const record = { fields, content: this.rest.subarray(start, end), offset: this.offset, ordinal: this.ordinal++ };
    this.drop(next);
    return record;
  }

  private drop(bytes: number): void {
    this.rest = this.rest.subarray(bytes);
    if (!this.inMember) this.offset += bytes;
  }

  private dropLineEnds(): void {
    let at = 0;
    while (this.rest[at] === 13 || this.rest[at] === 10) at++;
    if (at > 0) this.drop(at);
  }
}

function startsRecord(bytes: Buffer): boolean {
  return bytes.length >= MARK.length && bytes.compare(MARK, 0, MARK.length, 0, MARK.length) === 0;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 13 || byte === 10);
}

/** Named fields after the version line; a line that begins with white space continues the one before. */
export function fieldsOf(header: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of header
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields;
}

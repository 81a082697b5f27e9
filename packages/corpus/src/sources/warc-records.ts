/**
 * Records of WARC files (ISO 28500), plain, gzip or zstd: `WARC/1.x`, named fields, an empty line, Content-Length bytes, two
 * line ends; of drafts of the standard (WARC/0.18), with bare line feeds, with one line end or none between records; and of ARC, the
 * format before it. Written by hand because the libraries end in silence where a file is cut and give up where it is damaged:
 * here every record comes whole or is reported as damaged, and reading goes on at the next. Memory: one record, and
 * those above MAX_RECORD_BYTES are passed over and reported.
 */
import { createReadStream } from 'node:fs';
import { CorpusError } from '../errors.ts';
import { compressionOf } from '../reading/content.ts';
import { readGzipMembers } from '../reading/gzip-members.ts';
import { readZstd } from '../reading/zstd-frames.ts';

export interface WarcRecord {
  /** Names in lower case. */
  fields: Map<string, string>;
  content: Buffer;
  /** In the file: of the gzip member where there are members, else of the record in the content. */
  offset: number;
  /** Records before this one in its member: 0 in every archive as the standard wants it. */
  ordinal: number;
}

/** A place where no whole record can be had. */
export interface WarcDamage {
  damage: string;
  offset: number;
}

const MAX_RECORD_BYTES = 32 * 2 ** 20;
const MAX_HEADER_BYTES = 1 << 16;
const MARK = 'WARC/';
/** The mark with its version. */
const MARK_BYTES = 8;
const RECORD_END = Buffer.from('\r\n\r\n');
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** `start` says whether a gzip member begins; it is absent where there are no members. */
type Piece = { bytes: Buffer; offset: number; start?: boolean } | { damage: string; offset: number };

/** Bytes of a gzip file: the records that begin between these two places. */
export interface WarcPart {
  start: number;
  end: number;
}

/** @throws CorpusError CORPUS_SOURCE_FORMAT where the file holds no record at all. */
export async function* readWarcRecords(path: string, part?: WarcPart): AsyncGenerator<WarcRecord | WarcDamage> {
  const splitter = new RecordSplitter();
  for await (const piece of pieces(path, part)) yield* splitter.add(piece);
  yield* splitter.end();
  if (splitter.sawRecord || (part !== undefined && part.start > 0)) return; // the first part tells for all
  const isEmpty = splitter.total === 0 && !splitter.sawDamage;
  const kinds = '.warc, .warc.gz, .wet.gz, .warc.zst or .arc.gz';
  throw new CorpusError('CORPUS_SOURCE_FORMAT', {
    en: `${path} ${isEmpty ? 'is empty' : 'holds no WARC record'}; give a ${kinds} file`,
    zh: `${path} ${isEmpty ? '为空' : '中没有 WARC 记录'}；请给出 ${kinds.replace(' or ', ', ')} 文件`,
  });
}

async function* pieces(path: string, part: WarcPart | undefined): AsyncGenerator<Piece> {
  const compression = await compressionOf(path, 'WARC/');
  if (compression === 'gzip') {
    return yield* readGzipMembers(path, part === undefined ? undefined : { ...part, begins: MARK });
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
  #rest: Buffer = Buffer.alloc(0);
  /** Where `rest` begins. */
  #offset = 0;
  /** True in a gzip member, whose offset names its records; `ordinal` tells them apart. */
  #inMember = false;
  #ordinal = 0;
  #skip = 0;
  #lost = false;

  *add(piece: Piece): Generator<WarcRecord | WarcDamage> {
    if ('damage' in piece) {
      // What was cut may have been a record; a file that is damaged from end to end is of another kind.
      this.sawRecord ||= piece.damage.startsWith('truncated');
      this.sawDamage = true;
      this.#rest = Buffer.alloc(0);
      this.#skip = 0;
      this.#lost = true; // what follows up to the next record belongs to this damage
      yield piece;
      return;
    }
    this.total += piece.bytes.length;
    let { bytes } = piece;
    if (piece.start === true && headOf(bytes) !== undefined) {
      yield* this.#cutShort();
      this.#lost = false;
    }
    if (this.#skip > 0) {
      const skipped = Math.min(this.#skip, bytes.length);
      this.#skip -= skipped;
      bytes = bytes.subarray(skipped);
    }
    if (this.#rest.length === 0) {
      this.#rest = bytes;
      this.#inMember = piece.start !== undefined;
      this.#offset = this.#inMember ? piece.offset : piece.offset + (piece.bytes.length - bytes.length);
      if (piece.start === true) this.#ordinal = 0;
    } else {
      this.#rest = Buffer.concat([this.#rest, bytes]);
    }
    yield* this.#split();
  }

  *end(): Generator<WarcRecord | WarcDamage> {
    yield* this.#split(true);
    yield* this.#cutShort();
  }

  /** A record that was begun and never ended. */
  *#cutShort(): Generator<WarcDamage> {
    const begun = this.#skip > 0 || !isBlank(this.#rest);
    if (begun && !this.#lost) yield { damage: 'truncated-record', offset: this.#offset };
    this.#rest = Buffer.alloc(0);
    this.#skip = 0;
  }

  /** @param atEnd no more bytes will come */
  *#split(atEnd = false): Generator<WarcRecord | WarcDamage> {
    for (;;) {
      this.#dropLineEnds();
      if (this.#offset === 0 && this.#rest.indexOf(BYTE_ORDER_MARK) === 0) this.#drop(BYTE_ORDER_MARK.length);
      if (this.#rest.length < MARK_BYTES) return;
      const head = headOf(this.#rest);
      if (head === 'incomplete') {
        this.sawRecord = true;
        if (this.#rest.length < MAX_HEADER_BYTES) return;
      } else if (head === undefined) {
        if (!this.#lost) yield { damage: 'not-a-record', offset: this.#offset };
        this.#lost = true;
        const next = nextMark(this.#rest, 1);
        this.#drop(next ?? this.#rest.length - MARK_BYTES + 1);
        if (next === undefined) return;
        continue;
      }
      this.#lost = false;
      this.sawRecord = true;
      const item = head === 'incomplete' ? undefined : this.#record(head, atEnd);
      if (item === 'incomplete') return;
      if (item === undefined) {
        yield { damage: 'malformed-header', offset: this.#offset };
        this.#lost = true;
        this.#drop(1);
        continue;
      }
      yield item;
    }
  }

  /** The record at the start of `rest`, or what is wrong with it. */
  #record({ fields, start }: Head, atEnd: boolean): WarcRecord | WarcDamage | 'incomplete' | undefined {
    const length = Number(fields.get('content-length') ?? Number.NaN);
    if (start > MAX_HEADER_BYTES || !Number.isSafeInteger(length) || length < 0) return undefined;
    const offset = this.#offset;
    if (length > MAX_RECORD_BYTES) {
      const here = Math.min(this.#rest.length, start + length);
      this.#skip = start + length - here;
      this.#drop(here);
      return { damage: 'record-too-large', offset };
    }
    const end = start + length;
    if (this.#rest.length < end) return 'incomplete';
    const next = this.#endOf(end, atEnd);
    if (next === 'incomplete') return next;
    if (next !== undefined) return this.#take(fields, start, end, next);
    // Content-Length is wrong: the next record is found by its mark.
    const mark = nextMark(this.#rest, start);
    this.#drop(mark ?? end);
    this.#lost = mark === undefined;
    return { damage: 'wrong-length', offset };
  }

  /** Where what follows a record's content ends; undefined where the content goes on. */
  #endOf(end: number, atEnd: boolean): number | 'incomplete' | undefined {
    if (this.#rest.indexOf(RECORD_END, end) === end) return end + RECORD_END.length;
    let at = end;
    while (at < end + RECORD_END.length && (this.#rest[at] === 13 || this.#rest[at] === 10)) at++;
    // The line ends after the last record of a file are missing now and then; end() and the next member see to it.
    if (at === this.#rest.length && (atEnd || this.#inMember)) return at;
    const head = this.#rest.length - at < MARK_BYTES ? 'incomplete' : headOf(this.#rest.subarray(at));
    if (head === 'incomplete' && this.#rest.length - at < MAX_HEADER_BYTES && !atEnd) return 'incomplete';
    return head === undefined || (head === 'incomplete' && atEnd) ? undefined : at;
  }

  #take(fields: Map<string, string>, start: number, end: number, next: number): WarcRecord {
    const record = { fields, content: this.#rest.subarray(start, end), offset: this.#offset, ordinal: this.#ordinal++ };
    this.#drop(next);
    return record;
  }

  #drop(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes);
    if (!this.#inMember) this.#offset += bytes;
  }

  #dropLineEnds(): void {
    let at = 0;
    while (this.#rest[at] === 13 || this.#rest[at] === 10) at++;
    if (at > 0) this.#drop(at);
  }
}

/** Named fields of a record, and where its content starts. */
interface Head {
  fields: Map<string, string>;
  start: number;
}

/** Undefined where no record starts. */
function headOf(bytes: Buffer): Head | 'incomplete' | undefined {
  if (!startsRecord(bytes)) return arcHeadOf(bytes);
  const end = headerEnd(bytes);
  if (end === undefined) return 'incomplete';
  return { fields: fieldsOf(bytes.toString('utf8', 0, end.at)), start: end.next };
}

function startsRecord(bytes: Buffer): boolean {
  return /^WARC\/\d\.\d/.test(bytes.toString('latin1', 0, MARK_BYTES));
}

/** The next place where a record's mark begins a line. */
function nextMark(bytes: Buffer, from: number): number | undefined {
  for (let at = bytes.indexOf(MARK, from); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
    if ((at === 0 || bytes[at - 1] === 10) && startsRecord(bytes.subarray(at))) return at;
  }
  return undefined;
}

/** The first empty line, whatever the line ends are: where the lines before it end, and what comes after it. */
export function headerEnd(bytes: Buffer): { at: number; next: number } | undefined {
  for (let at = bytes.indexOf(10); at >= 0 && at <= MAX_HEADER_BYTES; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return { at, next: at + 2 };
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return { at, next: at + 3 };
  }
  return undefined;
}

const ARC_LINE = /^(\S+) (\S+) (\d{14}) (\S+) (?:\d{3} \S+ \S+ \d+ \S+ )?(\d+)\r?\n/;

/** ARC: one line of address, host, time, type and length; version 2 has five more before the length. */
function arcHeadOf(bytes: Buffer): Head | undefined {
  const match = ARC_LINE.exec(bytes.toString('latin1', 0, 4_096));
  if (match === null) return undefined;
  const [line, url, , time, type, length] = match as unknown as [string, string, string, string, string, string];
  const date = time.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z');
  const start = line.length;
  const isHttp = /^HTTP\//i.test(bytes.toString('latin1', start, start + 5));
  const fields = new Map([
    ['warc-type', url.startsWith('filedesc:') ? 'warcinfo' : isHttp ? 'response' : 'resource'],
    ['warc-target-uri', url],
    ['warc-date', date],
    ['content-type', isHttp ? 'application/http' : type],
    ['content-length', length],
  ]);
  return { fields, start };
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

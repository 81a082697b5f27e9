/**
 * The parts of a zip archive (Office Open XML, OpenDocument, EPUB), read one at a time from the disk. Pictures and macros are never
 * unpacked. What is unpacked is bounded in size and in ratio, whatever the archive says of itself, and its checksum is compared.
 */
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { Unreadable } from './unreadable.ts';

/** Of the parts that are read together, unpacked. */
const MOST_BYTES = 512 * 2 ** 20;
/** Text in XML packs to a tenth, a sheet of one repeated row to a hundredth; smaller parts may do as they like. */
const MOST_RATIO = 250;
const RATIO_FROM_BYTES = 32 * 2 ** 20;
const MOST_PARTS = 65_535;

export class ZipParts implements Disposable {
  readonly #zip: ZipFile;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #folded: ReadonlyMap<string, Entry>;
  #bytes = 0;

  private constructor(zip: ZipFile, entries: Map<string, Entry>) {
    this.#zip = zip;
    this.#entries = entries;
    this.#folded = new Map([...entries].map(([name, entry]) => [name.toLowerCase(), entry]));
  }

  /** @throws Unreadable where the directory of the archive is damaged */
  static async open(path: string): Promise<ZipParts> {
    try {
      const zip = await openPromise(path, { autoClose: false });
      const entries = new Map<string, Entry>();
      for await (const entry of zip.eachEntry()) {
        if (entries.size >= MOST_PARTS) throw new Unreadable('bomb-inside');
        if (!entries.has(entry.fileName)) entries.set(entry.fileName, entry);
      }
      return new ZipParts(zip, entries);
    } catch (cause) {
      throw asUnreadable(cause);
    }
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** The bytes of a part in pieces; none where there is no such part. @throws Unreadable */
  async *read(name: string): AsyncGenerator<Buffer> {
    const entry = this.#find(name);
    if (entry === undefined) return;
    if (entry.isEncrypted()) throw new Unreadable('encrypted');
    let size = 0;
    let sum = 0;
    try {
      for await (const piece of await this.#zip.openReadStreamPromise(entry)) {
        const bytes = piece as Buffer;
        size += bytes.length;
        this.#bytes += bytes.length;
        if (this.#bytes > MOST_BYTES || (size > RATIO_FROM_BYTES && size > MOST_RATIO * entry.compressedSize)) {
          throw new Unreadable('bomb-inside');
        }
        sum = crc32(bytes, sum);
        yield bytes;
      }
    } catch (cause) {
      throw asUnreadable(cause);
    }
    if (sum !== entry.crc32) throw new Unreadable('damaged-document');
  }

  /** A whole part; undefined where there is none. */
  async bytes(name: string, most: number): Promise<Buffer | undefined> {
    if (!this.has(name)) return undefined;
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of this.read(name)) {
      size += piece.length;
      if (size > most) throw new Unreadable('document-too-large');
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  [Symbol.dispose](): void {
    this.#zip.close();
  }

  /** Some programs write names in other letters than they name them by. */
  #find(name: string): Entry | undefined {
    return this.#entries.get(name) ?? this.#folded.get(name.toLowerCase());
  }
}

/** What the library or zlib says of an archive is damage; a disk that fails is not. */
function asUnreadable(cause: unknown): unknown {
  if (cause instanceof Unreadable || (cause as NodeJS.ErrnoException).syscall !== undefined) return cause;
  return new Unreadable('damaged-document', { cause });
}

/** `../media/a.xml` as named in `word/document.xml` is `media/a.xml`. */
export function resolvePart(from: string, target: string): string {
  const parts = target.startsWith('/') ? [] : from.split('/').slice(0, -1);
  for (const step of target.split('/')) {
    if (step === '..') parts.pop();
    else if (step !== '.' && step !== '') parts.push(step);
  }
  return parts.join('/');
}

/**
 * Writes Megatron's indexed dataset: `PREFIX.bin` holds token ids one after another in little-endian order, `PREFIX.idx`
 * the length and byte offset of every sequence and the document boundaries. One sequence a document, as Megatron's
 * preprocess_data.py makes it for language models; byte-equal to IndexedDatasetBuilder's files. Both files are written
 * beside their place, synced and renamed by `finish`, the index last. Memory: 4 bytes a document.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { WholeFile, writeProblem } from '@tunan/files';
import {
  ELEMENT_TYPES,
  type ElementType,
  elementTypeFor,
  INDEX_HEADER_BYTES,
  INDEX_MAGIC,
  INDEX_VERSION,
  tokenArray,
} from './element-type.ts';

const BLOCK_BYTES = 1 << 22;

export interface WrittenDataset {
  readonly documents: number;
  readonly tokens: number;
  readonly elementType: ElementType;
  readonly bin: { readonly bytes: number; readonly sha256: string };
  readonly idx: { readonly bytes: number; readonly sha256: string };
}

export class IndexedDatasetWriter implements Disposable {
  readonly #prefix: string;
  readonly #elementType: ElementType;
  readonly #vocabularySize: number;
  readonly #bin: WholeFile;
  readonly #hash = createHash('sha256');
  #lengths = new Int32Array(1024);
  #documents = 0;
  #tokens = 0;
  #block: Buffer[] = [];
  #blockBytes = 0;

  /** @param vocabularySize decides the element type: below 65 500 two bytes a token, else four. */
  constructor(prefix: string, vocabularySize: number) {
    this.#prefix = prefix;
    this.#vocabularySize = vocabularySize;
    this.#elementType = elementTypeFor(vocabularySize);
    this.#bin = new WholeFile(`${prefix}.bin`);
  }

  /** Appends one document of at least one token. @throws RangeError for an id outside the vocabulary. */
  addDocument(ids: ArrayLike<number>): void {
    const tokens = tokenArray(this.#elementType, ids.length);
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (!(id >= 0 && id < this.#vocabularySize)) {
        throw new RangeError(`token id ${id} is outside the vocabulary of ${this.#vocabularySize}`);
      }
      tokens[i] = id;
    }
    if (this.#documents === this.#lengths.length) {
      const longer = new Int32Array(2 * this.#lengths.length);
      longer.set(this.#lengths);
      this.#lengths = longer;
    }
    this.#lengths[this.#documents++] = ids.length;
    this.#tokens += ids.length;
    this.#block.push(Buffer.from(tokens.buffer));
    this.#blockBytes += tokens.byteLength;
    if (this.#blockBytes >= BLOCK_BYTES) this.#flush();
  }

  /** Completes both files and puts them in place. */
  finish(): WrittenDataset {
    this.#flush();
    const index = this.#index();
    try {
      using idx = new WholeFile(`${this.#prefix}.idx`);
      writeFileSync(idx.descriptor, index);
      this.#bin.finish();
      idx.finish();
    } catch (error) {
      throw writeProblem(this.#prefix, error);
    }
    const idx = { bytes: index.length, sha256: createHash('sha256').update(index).digest('hex') };
    const bin = { bytes: this.#tokens * ELEMENT_TYPES[this.#elementType].bytes, sha256: this.#hash.digest('hex') };
    return { documents: this.#documents, tokens: this.#tokens, elementType: this.#elementType, bin, idx };
  }

  /** Closes; what was not finished leaves no file. */
  [Symbol.dispose](): void {
    this.#bin[Symbol.dispose]();
  }

  #index(): Buffer {
    const n = this.#documents;
    const size = ELEMENT_TYPES[this.#elementType].bytes;
    const index = Buffer.alloc(INDEX_HEADER_BYTES + 4 * n + 8 * n + 8 * (n + 1));
    INDEX_MAGIC.copy(index);
    index.writeBigUInt64LE(INDEX_VERSION, 9);
    index.writeUInt8(ELEMENT_TYPES[this.#elementType].code, 17);
    index.writeBigUInt64LE(BigInt(n), 18);
    index.writeBigUInt64LE(BigInt(n + 1), 26); // boundaries: 0 and the end of every document
    let pointer = 0;
    for (let i = 0; i < n; i++) {
      const length = this.#lengths[i]!;
      index.writeInt32LE(length, INDEX_HEADER_BYTES + 4 * i);
      index.writeBigInt64LE(BigInt(pointer), INDEX_HEADER_BYTES + 4 * n + 8 * i);
      pointer += length * size;
    }
    for (let i = 0; i <= n; i++) index.writeBigInt64LE(BigInt(i), INDEX_HEADER_BYTES + 12 * n + 8 * i);
    return index;
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#block);
    try {
      writeFileSync(this.#bin.descriptor, bytes);
    } catch (error) {
      throw writeProblem(`${this.#prefix}.bin`, error);
    }
    this.#hash.update(bytes);
    this.#block = [];
    this.#blockBytes = 0;
  }
}

/**
 * Reads Megatron's indexed dataset by position: any stretch of the token stream without loading the file. The index is
 * held in memory (8 bytes a document). What the header promises is checked against the sizes of both files.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { TokenizerError } from '../errors.ts';
import {
  ELEMENT_TYPES,
  type ElementType,
  INDEX_HEADER_BYTES,
  INDEX_MAGIC,
  INDEX_VERSION,
  type TokenArray,
  tokenArray,
} from './element-type.ts';

export class IndexedDataset implements Disposable {
  readonly prefix: string;
  readonly elementType: ElementType;
  readonly documentCount: number;
  readonly tokenCount: number;
  /** First token of every document, and the end of the last: documentCount + 1 numbers. */
  readonly #starts: Float64Array;
  readonly #file: number;

  /** @param prefix path without `.bin` and `.idx`. @throws TokenizerError TOKENIZER_INDEXED_DATASET, TOKENIZER_SHARD_MISSING. */
  constructor(prefix: string) {
    const { elementType, starts } = readIndex(`${prefix}.idx`);
    this.prefix = prefix;
    this.elementType = elementType;
    this.#starts = starts;
    this.documentCount = starts.length - 1;
    this.tokenCount = starts.at(-1)!;
    this.#file = openFile(`${prefix}.bin`);
    const expected = this.tokenCount * ELEMENT_TYPES[elementType].bytes;
    const { size } = fstatSync(this.#file);
    if (size !== expected) {
      closeSync(this.#file);
      throw broken(`${prefix}.bin`, `${size} bytes where its index says ${expected}`);
    }
  }

  /** Position of the first token of a document in the stream; documentStart(documentCount) is its end. */
  documentStart(document: number): number {
    const start = this.#starts[document];
    if (start === undefined) throw new RangeError(`document ${document} of ${this.documentCount} in ${this.prefix}`);
    return start;
  }

  /** Tokens of a document. */
  documentLength(document: number): number {
    return this.documentStart(document + 1) - this.documentStart(document);
  }

  /** `length` tokens from `tokenOffset` of the stream of all documents. */
  read(tokenOffset: number, length: number): TokenArray {
    if (!(tokenOffset >= 0 && length >= 0 && tokenOffset + length <= this.tokenCount)) {
      const range = `tokens ${tokenOffset} to ${tokenOffset + length}`;
      throw new RangeError(`${range} of ${this.tokenCount} in ${this.prefix}.bin`);
    }
    const tokens = tokenArray(this.elementType, length);
    const bytes = new Uint8Array(tokens.buffer);
    const position = tokenOffset * tokens.BYTES_PER_ELEMENT;
    for (let at = 0; at < bytes.length; ) {
      const got = readSync(this.#file, bytes, at, bytes.length - at, position + at);
      if (got === 0) throw broken(`${this.prefix}.bin`, 'it ended while it was read');
      at += got;
    }
    return tokens;
  }

  /** All tokens of one document. */
  document(document: number): TokenArray {
    return this.read(this.documentStart(document), this.documentLength(document));
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

function readIndex(path: string): { elementType: ElementType; starts: Float64Array } {
  const file = openFile(path);
  try {
    const { size } = fstatSync(file);
    const header = readAt(file, path, 0, Math.min(size, INDEX_HEADER_BYTES));
    if (header.length < INDEX_HEADER_BYTES || !header.subarray(0, 9).equals(INDEX_MAGIC)) {
      throw broken(path, 'it does not start with MMIDIDX');
    }
    const version = header.readBigUInt64LE(9);
    if (version !== INDEX_VERSION) throw broken(path, `version ${version} is not known, only ${INDEX_VERSION}`);
    const code = header.readUInt8(17);
    const elementType = (Object.keys(ELEMENT_TYPES) as ElementType[]).find((t) => ELEMENT_TYPES[t].code === code);
    if (elementType === undefined) throw broken(path, `element type ${code} holds no token ids (8 uint16, 4 int32)`);
    const sequences = Number(header.readBigUInt64LE(18));
    const boundaries = Number(header.readBigUInt64LE(26));
    const expected = INDEX_HEADER_BYTES + 12 * sequences + 8 * boundaries;
    if (size !== expected) throw broken(path, `${size} bytes where its header says ${expected}`);
    const lengths = readAt(file, path, INDEX_HEADER_BYTES, 4 * sequences);
    const ends = readAt(file, path, INDEX_HEADER_BYTES + 12 * sequences, 8 * boundaries);
    return { elementType, starts: documentStarts(path, lengths, ends) };
  } finally {
    closeSync(file);
  }
}

/** A document may be made of several sequences; boundaries count sequences and begin with 0. */
function documentStarts(path: string, lengths: Buffer, boundaries: Buffer): Float64Array {
  const starts = new Float64Array(boundaries.length / 8);
  if (starts.length === 0) throw broken(path, 'it has no document boundaries');
  let sequence = 0;
  let token = 0;
  for (let i = 0; i < starts.length; i++) {
    const boundary = Number(boundaries.readBigInt64LE(8 * i));
    if (boundary < sequence || boundary > lengths.length / 4 || (i === 0 && boundary !== 0)) {
      throw broken(path, `document boundary ${i} is ${boundary}, out of order`);
    }
    for (; sequence < boundary; sequence++) {
      const length = lengths.readInt32LE(4 * sequence);
      if (length < 0) throw broken(path, `sequence ${sequence} has length ${length}`);
      token += length;
    }
    starts[i] = token;
  }
  if (sequence !== lengths.length / 4) throw broken(path, 'sequences follow the last document boundary');
  return starts;
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    const problem = {
      en: `token shard ${path} is missing (${(cause as Error).message}); make it with tunan corpus shard`,
      zh: `词元分片 ${path} 缺失；请用 tunan corpus shard 生成`,
    };
    throw new TokenizerError('TOKENIZER_SHARD_MISSING', problem, { cause });
  }
}

function readAt(file: number, path: string, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const got = readSync(file, bytes, at, length - at, position + at);
    if (got === 0) throw broken(path, 'it ended while it was read');
    at += got;
  }
  return bytes;
}

function broken(path: string, problem: string): TokenizerError {
  return new TokenizerError('TOKENIZER_INDEXED_DATASET', {
    en: `${path} is no indexed dataset of tokens: ${problem}; make it again`,
    zh: `${path} 不是词元的索引数据集（${problem}）；请重新生成`,
  });
}

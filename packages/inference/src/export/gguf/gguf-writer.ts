/**
 * Writes a GGUF file, version 3 (little-endian; the layout is described in ggml's gguf.h): metadata, the list of tensors, and their data,
 * each aligned to 32 bytes. A tensor is asked for in pieces of rows, so that memory stays bounded; the file is there whole or not at all.
 */
import { writeFileSync } from 'node:fs';
import { writeWhole } from '@tunan/files';
import { encodeRows } from './encode-rows.ts';
import { type ElementType, type Metadata, type MetadataValue, type Scalar, valueCodes } from './metadata.ts';
import { tensorBytes, tensorTypes, type WrittenTypeName } from './tensor-types.ts';

/** Of the data and of each tensor, in bytes: the default of GGUF. */
export const ALIGNMENT = 32;
/** Elements that are held at a time. */
const PIECE = 1 << 22;

export interface WrittenTensor {
  readonly name: string;
  readonly type: WrittenTypeName;
  /** Rows first, as torch has it; the file lists them the other way round. */
  readonly shape: readonly number[];
  /** `count` rows from `first`, side by side; a vector is one row. */
  rows(first: number, count: number): Float32Array;
}

export interface WriteProgress {
  readonly writtenBytes: number;
  readonly totalBytes: number;
}

/**
 * @param onProgress called after each piece
 * @throws WriteError; ExportError EXPORT_UNFIT where a number does not fit the type
 */
export function writeGguf(
  file: string,
  metadata: Metadata,
  tensors: readonly WrittenTensor[],
  onProgress?: (progress: WriteProgress) => void,
): void {
  const header = headerOf(metadata, tensors);
  const totalBytes = tensors.reduce((sum, { type, shape }) => sum + aligned(tensorBytes(type, shape)), header.length);
  writeWhole(file, (descriptor) => {
    let writtenBytes = 0;
    const put = (bytes: Uint8Array) => {
      writeFileSync(descriptor, bytes);
      writtenBytes += bytes.length;
      onProgress?.({ writtenBytes, totalBytes });
    };
    put(header);
    for (const tensor of tensors) {
      for (const piece of encodedPieces(tensor)) put(piece);
      const rest = aligned(writtenBytes) - writtenBytes;
      if (rest > 0) put(new Uint8Array(rest));
    }
  });
}

function* encodedPieces({ name, type, shape, rows }: WrittenTensor): Iterable<Uint8Array> {
  const columns = shape.at(-1)!;
  const count = shape.reduce((product, length) => product * length, 1) / columns;
  const step = Math.max(1, Math.floor(PIECE / columns));
  for (let first = 0; first < count; first += step)
    yield encodeRows(type, rows(first, Math.min(step, count - first)), name);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function headerOf(metadata: Metadata, tensors: readonly WrittenTensor[]): Buffer {
  const parts: Buffer[] = [
    Buffer.from('GGUF'),
    integer32(3),
    integer64(tensors.length),
    integer64(metadata.size),
    ...Array.from(metadata, ([key, value]) => Buffer.concat([text(key), valueBytes(value)])),
  ];
  let offset = 0;
  for (const { name, type, shape } of tensors) {
    const lengths = shape.toReversed().map(integer64);
    parts.push(text(name), integer32(shape.length), ...lengths, integer32(tensorTypes[type].code), integer64(offset));
    offset += aligned(tensorBytes(type, shape));
  }
  const header = Buffer.concat(parts);
  return Buffer.concat([header, Buffer.alloc(aligned(header.length) - header.length)]);
}

function valueBytes(value: MetadataValue): Buffer {
  const code = integer32(valueCodes[value.type]);
  if (value.type !== 'array') return Buffer.concat([code, scalarBytes(value.type, value.value)]);
  const elements = value.value.map((one) => scalarBytes(value.of, one));
  return Buffer.concat([code, integer32(valueCodes[value.of]), integer64(elements.length), ...elements]);
}

const scalarWriters: Record<Exclude<ElementType, 'string'>, readonly [bytes: number, write: string]> = {
  uint8: [1, 'writeUInt8'],
  int8: [1, 'writeInt8'],
  uint16: [2, 'writeUInt16LE'],
  int16: [2, 'writeInt16LE'],
  uint32: [4, 'writeUInt32LE'],
  int32: [4, 'writeInt32LE'],
  float32: [4, 'writeFloatLE'],
  bool: [1, 'writeUInt8'],
  uint64: [8, 'writeBigUInt64LE'],
  int64: [8, 'writeBigInt64LE'],
  float64: [8, 'writeDoubleLE'],
};

function scalarBytes(type: ElementType, value: Scalar): Buffer {
  if (type === 'string') return text(value as string);
  const [bytes, write] = scalarWriters[type];
  const buffer = Buffer.alloc(bytes);
  (buffer as unknown as Record<string, (value: unknown) => void>)[write]!(type === 'bool' ? Number(value) : value);
  return buffer;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([integer64(bytes.length), bytes]);
}

function integer32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function integer64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}

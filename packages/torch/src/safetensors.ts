/**
 * safetensors: an 8-byte little-endian header length, a JSON header {name: {dtype, shape, data_offsets}, __metadata__}, the bytes.
 * Reading maps the file; writing goes to a name beside it, is synced and renamed, so that a reader never sees half a file.
 */
import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs';
import { writeWhole } from '@tunan/files';
import { type DType, dtypeOfSafetensors, dtypes } from './dtype.ts';
import { TorchError } from './errors.ts';
import { guarded } from './guard.ts';
import { type MappingHandle, native } from './native.ts';
import { scope } from './scope.ts';
import { Tensor } from './tensor.ts';

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The header's size limit of the reference implementation. */
const LARGEST_HEADER = 100_000_000;

interface Header {
  /** By their place in the file, which is the order they were written in. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly dataStart: number;
}

function readHeader(path: string): Header {
  const damaged = (what: string, cause?: unknown) =>
    new TorchError('TORCH_SAFETENSORS', `${path} is not a safetensors file: ${what}`, { cause });
  const { text, bytes } = readHeaderText(path, damaged);
  let header: unknown;
  try {
    header = JSON.parse(text.toString('utf8'));
  } catch (cause) {
    throw damaged('its header is not JSON', cause);
  }
  if (!isPlainObject(header)) throw damaged('its header is not an object');
  const { __metadata__: metadata = {}, ...rest } = header;
  if (!isPlainObject(metadata) || Object.values(metadata).some((value) => typeof value !== 'string'))
    throw damaged('its metadata is not an object of strings');
  const dataStart = 8 + text.length;
  const entries = Object.entries(rest).map(([name, entry]) => [name, checkedEntry(path, name, entry)] as const);
  entries.sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1]);
  checkCoverage(path, entries, bytes - dataStart);
  return { entries: new Map(entries), metadata: metadata as Record<string, string>, dataStart };
}

function readHeaderText(path: string, damaged: (what: string) => TorchError): { text: Buffer; bytes: number } {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const bytes = fstatSync(descriptor).size;
    const lengthBytes = Buffer.alloc(8);
    if (readSync(descriptor, lengthBytes, 0, 8, 0) < 8) throw damaged('it is shorter than 8 bytes');
    if (lengthBytes.toString('latin1') === 'version ') {
      const message = `${path} is a Git LFS pointer, not the weights: run "git lfs pull" in its repository`;
      throw new TorchError('TORCH_SAFETENSORS', message);
    }
    const length = Number(lengthBytes.readBigUInt64LE());
    if (length > LARGEST_HEADER || 8 + length > bytes) throw damaged('its header length is impossible');
    const text = Buffer.alloc(length);
    readSync(descriptor, text, 0, length, 8);
    return { text, bytes };
  } catch (cause) {
    if (cause instanceof TorchError) throw cause;
    throw new TorchError('TORCH_SAFETENSORS', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export class SafetensorsFile implements Disposable {
  readonly metadata: Readonly<Record<string, string>>;
  readonly #path: string;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #dataStart: number;
  readonly #mapping: MappingHandle;

  /** @throws TorchError TORCH_SAFETENSORS naming the file and what is wrong with it. */
  constructor(path: string) {
    const { entries, metadata, dataStart } = readHeader(path);
    this.metadata = metadata;
    this.#path = path;
    this.#entries = entries;
    this.#dataStart = dataStart;
    this.#mapping = guarded(() => native().mapFile(path));
  }

  /** Lets go of the file; the tensors taken from it stay valid, and the last of them unmaps it. */
  [Symbol.dispose](): void {
    native().releaseMapping(this.#mapping);
  }

  /** In the order of the tensors in the file. */
  names(): string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  shape(name: string): readonly number[] {
    return this.#entry(name).shape;
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new TorchError('TORCH_SAFETENSORS', `${this.#path} holds no tensor ${name}`);
    return entry;
  }

  /** A CPU tensor over the mapped bytes (copy on write); it keeps the mapping alive by itself. */
  get(name: string): Tensor {
    const { dtype, shape, data_offsets } = this.#entry(name);
    const { code } = dtypes[dtypeOfSafetensors(dtype)!];
    return new Tensor(
      guarded(() => native().mappedTensor(this.#mapping, this.#dataStart + data_offsets[0], code, shape)),
    );
  }
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function checkedEntry(path: string, name: string, entry: unknown): Entry {
  const problem = (what: string) => new TorchError('TORCH_SAFETENSORS', `${path}: tensor ${name} ${what}`);
  if (!isPlainObject(entry)) throw problem('is not described by an object');
  const { dtype: stored, shape, data_offsets: offsets } = entry;
  const dtype = dtypeOfSafetensors(String(stored));
  if (dtype === undefined) throw problem(`has the dtype ${String(stored)}, which is not supported`);
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) throw problem('has no valid shape or data_offsets');
  const bytes = shape.reduce((product, length) => product * length, dtypes[dtype].bytes);
  const [begin = 0, end = 0] = offsets;
  if (end - begin !== bytes) throw problem(`takes ${end - begin} bytes where its shape takes ${bytes}`);
  return { dtype: String(stored), shape, data_offsets: [begin, end] };
}

/** The format wants every byte of the data in one tensor: a gap or an overlap is the mark of a damaged or tampered file. */
function checkCoverage(path: string, sorted: readonly (readonly [string, Entry])[], dataBytes: number): void {
  let covered = 0;
  for (const [name, { data_offsets }] of sorted) {
    const problem = (what: string) => new TorchError('TORCH_SAFETENSORS', `${path}: tensor ${name} ${what}`);
    const [begin, end] = data_offsets;
    if (end > dataBytes) throw problem('reaches past the end of the file; the file is truncated');
    if (begin !== covered) throw problem(`begins at byte ${begin} of the data, but the one before ends at ${covered}`);
    covered = end;
  }
  if (covered !== dataBytes)
    throw new TorchError('TORCH_SAFETENSORS', `${path}: ${dataBytes - covered} bytes at its end belong to no tensor`);
}

export function readSafetensors(path: string): SafetensorsFile {
  return new SafetensorsFile(path);
}

/** A tensor that is made when it is written and freed behind it. */
export interface LazyTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Of this dtype and shape. */
  make(): Tensor;
}

/**
 * Writes tensors in the order of the map, copied to the CPU where needed.
 * @throws WriteError where the disk is full or the directory not writable; an earlier file of that name stays.
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor | LazyTensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const header = headerOf(tensors, metadata);
  writeWhole(path, (descriptor) => {
    writeFileSync(descriptor, header);
    const write = ({ handle }: Tensor) => native().writeTensor(descriptor, handle);
    for (const tensor of tensors.values()) {
      if (tensor instanceof Tensor) write(tensor);
      else withMade(tensor, write);
    }
  });
}

/**
 * The same file in memory: its header, and a copy of each tensor. The pieces may go to another thread, which writes them one after another.
 */
export function safetensorsInMemory(
  tensors: ReadonlyMap<string, Tensor | LazyTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer>[] {
  const bytesOf = (tensor: Tensor) => new Uint8Array(guarded(() => native().toBytes(tensor.handle)));
  return [
    new Uint8Array(headerOf(tensors, metadata)),
    ...[...tensors.values()].map((tensor) => (tensor instanceof Tensor ? bytesOf(tensor) : withMade(tensor, bytesOf))),
  ];
}

function withMade<T>({ dtype, shape, make }: LazyTensor, use: (made: Tensor) => T): T {
  return scope(() => {
    const made = make();
    if (made.dtype !== dtype || made.shape.join() !== shape.join())
      throw new Error(`a tensor of ${dtype} (${shape}) was promised, ${made.dtype} (${made.shape}) came`);
    return use(made);
  });
}

/** The length and the JSON that open a file. */
function headerOf(
  tensors: ReadonlyMap<string, Pick<Tensor, 'dtype' | 'shape'>>,
  metadata: Readonly<Record<string, string>>,
): Buffer {
  let offset = 0;
  const entries = Array.from(tensors, ([name, { dtype, shape }]) => {
    if (name === '__metadata__') throw new TorchError('TORCH_SAFETENSORS', 'no tensor can be named __metadata__');
    const begin = offset;
    offset += shape.reduce((product, length) => product * length, dtypes[dtype].bytes);
    return [name, { dtype: dtypes[dtype].safetensors, shape, data_offsets: [begin, offset] }] as const;
  });
  let text = JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...entries]));
  text += ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8); // the format asks for data aligned to 8 bytes
  const json = Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json]);
}

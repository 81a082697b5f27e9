// safetensors: an 8-byte little-endian header length, a JSON header {name: {dtype, shape, data_offsets}, __metadata__}, the bytes.
// Reading maps the file; writing goes to a name beside it, is synced and renamed, so that a reader never sees half a file.
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { dtypeOfSafetensors, dtypes } from './dtype.ts';
import { TorchError } from './errors.ts';
import { type MappingHandle, native } from './native.ts';
import { guarded } from './operation.ts';
import { Tensor } from './tensor.ts';

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The header's size limit of the reference implementation. */
const largestHeader = 100_000_000;

function readHeader(path: string): { header: Record<string, unknown>; dataStart: number; bytes: number } {
  const damaged = (what: string, cause?: unknown) =>
    new TorchError('TORCH_SAFETENSORS', `${path} is not a safetensors file: ${what}`, { cause });
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw new TorchError('TORCH_SAFETENSORS', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  try {
    const bytes = statSync(path).size;
    const lengthBytes = Buffer.alloc(8);
    if (readSync(descriptor, lengthBytes, 0, 8, 0) < 8) throw damaged('it is shorter than 8 bytes');
    const length = Number(lengthBytes.readBigUInt64LE());
    if (length > largestHeader || 8 + length > bytes) throw damaged('its header length is impossible');
    const text = Buffer.alloc(length);
    readSync(descriptor, text, 0, length, 8);
    try {
      return { header: JSON.parse(text.toString('utf8')), dataStart: 8 + length, bytes };
    } catch (cause) {
      throw damaged('its header is not JSON', cause);
    }
  } finally {
    closeSync(descriptor);
  }
}

export class SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly #path: string;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #dataStart: number;
  readonly #mapping: MappingHandle;

  /** @throws TorchError TORCH_SAFETENSORS naming the file and what is wrong with it. */
  constructor(path: string) {
    const { header, dataStart, bytes } = readHeader(path);
    const { __metadata__, ...entries } = header as Record<string, Entry> & { __metadata__?: Record<string, string> };
    for (const [name, entry] of Object.entries(entries)) checkEntry(path, name, entry, bytes - dataStart);
    this.metadata = (__metadata__ as Record<string, string> | undefined) ?? {};
    this.#path = path;
    this.#entries = new Map(Object.entries(entries));
    this.#dataStart = dataStart;
    this.#mapping = guarded(() => native().mapFile(path));
  }

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

function checkEntry(path: string, name: string, entry: Entry, dataBytes: number): void {
  const problem = (what: string) => new TorchError('TORCH_SAFETENSORS', `${path}: tensor ${name} ${what}`);
  const dtype = dtypeOfSafetensors(entry?.dtype);
  if (dtype === undefined) throw problem(`has the dtype ${entry?.dtype}, which is not supported`);
  if (!Array.isArray(entry.shape) || !Array.isArray(entry.data_offsets)) throw problem('has no shape or data_offsets');
  const bytes = entry.shape.reduce((product, length) => product * length, dtypes[dtype].bytes);
  const [begin, end] = entry.data_offsets;
  if (end - begin !== bytes) throw problem(`takes ${end - begin} bytes where its shape takes ${bytes}`);
  if (begin < 0 || end > dataBytes) throw problem('reaches past the end of the file; the file is truncated');
}

export function readSafetensors(path: string): SafetensorsFile {
  return new SafetensorsFile(path);
}

/**
 * Writes tensors in the order of the map, converted to the CPU where needed.
 * @throws TorchError TORCH_SAFETENSORS where the disk is full or the directory not writable; an earlier file of that name stays.
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, tensor] of tensors) {
    const { dtype, shape, size } = tensor;
    const end = offset + size * dtypes[dtype].bytes;
    header[name] = { dtype: dtypes[dtype].safetensors, shape, data_offsets: [offset, end] };
    offset = end;
  }
  let text = JSON.stringify(header);
  text += ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8); // the format asks for data aligned to 8 bytes
  const headerBytes = Buffer.from(text);
  const lengthBytes = Buffer.alloc(8);
  lengthBytes.writeBigUInt64LE(BigInt(headerBytes.length));

  const aside = `${path}.${process.pid}.writing`;
  try {
    const descriptor = openSync(aside, 'wx');
    try {
      writeSync(descriptor, lengthBytes);
      writeSync(descriptor, headerBytes);
      for (const tensor of tensors.values()) native().writeTensor(descriptor, tensor.handle);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(aside, path);
    syncDirectory(dirname(path));
  } catch (cause) {
    rmSync(aside, { force: true });
    if (cause instanceof TorchError) throw cause;
    throw new TorchError('TORCH_SAFETENSORS', `cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

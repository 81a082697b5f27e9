/**
 * Reads a GGUF, version 2 or 3, of one file or several: its metadata and its list of tensors at once, checked to the last byte; the data of
 * a tensor a piece of rows at a time, as float32. Not @huggingface/gguf, which reads headers, asynchronously: where tensors stand would have to be checked and
 * their data decoded here all the same.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { systemProblem } from '@tunan/files';
import { damagedGguf } from './damaged-gguf.ts';
import { decodeRows } from './decode-rows.ts';
import { FileCursor, leastBytes, readFully } from './file-cursor.ts';
import { ALIGNMENT } from './gguf-writer.ts';
import {
  type ElementType,
  type Metadata,
  type MetadataValue,
  type Scalar,
  type ValueType,
  valueCodes,
} from './metadata.ts';
import { filesOf } from './split-files.ts';
import { type TensorTypeName, tensorBytes, tensorTypeOfCode, tensorTypes } from './tensor-types.ts';

const MOST_DIMENSIONS = 4;

export interface GgufTensor {
  readonly name: string;
  readonly type: TensorTypeName;
  /** Rows first. */
  readonly shape: readonly number[];
  /** From the beginning of its file. */
  readonly offset: number;
  /** Of a model in several files, which one has it; from 0. */
  readonly part: number;
}

const typeOfCode = new Map(Object.entries(valueCodes).map(([name, code]) => [code as number, name as ValueType]));

export class GgufFile implements Disposable {
  /** The first file. */
  readonly path: string;
  /** Of the first file, which has all that is said of the model. */
  readonly metadata: Metadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly #descriptors: number[] = [];

  /**
   * @param path of a model in several files the first; the others lie beside it
   * @throws ExportError EXPORT_UNREADABLE naming the file and what is wrong with it
   */
  constructor(path: string) {
    this.path = path;
    try {
      const parts = filesOf(path).map((file, part) => this.#open(file, part));
      this.metadata = parts[0]!.metadata;
      this.tensors = joined(parts);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** `count` rows from `first` as float32, side by side; a vector is one row. */
  rows({ type, shape, offset, part }: GgufTensor, first: number, count: number): Float32Array {
    const columns = shape.at(-1)!;
    const rowBytes = tensorBytes(type, [columns]);
    const bytes = new Uint8Array(rowBytes * count);
    readFully(this.#descriptors[part]!, bytes, offset + first * rowBytes);
    return decodeRows(type, bytes);
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#descriptors) closeSync(descriptor);
  }

  #open(file: string, part: number): Part {
    let descriptor: number;
    try {
      descriptor = openSync(file, 'r');
    } catch (cause) {
      const why = systemProblem(cause) ?? { en: 'no such file', zh: '没有这个文件' };
      throw damagedGguf(file, why.en, why.zh, cause);
    }
    this.#descriptors.push(descriptor);
    if (fstatSync(descriptor).isDirectory())
      throw damagedGguf(file, 'this is a folder: name the file in it', '这是一个目录：请指明其中的文件');
    const cursor = new FileCursor(descriptor, file);
    const tensorCount = readBeginning(cursor, file);
    const metadata = readMetadata(cursor, file);
    return { file, metadata, tensors: readTensorList(cursor, tensorCount, alignmentOf(metadata, file), file, part) };
  }
}

interface Part {
  readonly file: string;
  readonly metadata: Metadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** The tensors of all files. @throws ExportError EXPORT_UNREADABLE where they are not the parts of one model, in their order */
function joined(parts: readonly Part[]): ReadonlyMap<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const [number, part] of parts.entries()) {
    const said = (key: string, otherwise: number) => Number(part.metadata.get(`split.${key}`)?.value ?? otherwise);
    const [count, own] = [said('count', 1), said('no', 0)];
    if (Math.max(1, count) !== parts.length || own !== number) {
      throw damagedGguf(
        part.file,
        `it says that it is part ${own + 1} of ${count}, its name ${number + 1} of ${parts.length}: give it back its name, NAME-00001-of-0000N.gguf`,
        `它自述为 ${count} 个分卷中的第 ${own + 1} 个，文件名却是 ${parts.length} 个中的第 ${number + 1} 个：请恢复原名 NAME-00001-of-0000N.gguf`,
      );
    }
    for (const [name, tensor] of part.tensors) {
      if (tensors.has(name))
        throw damagedGguf(
          part.file,
          `the tensor ${name} stands in another part too: it is damaged`,
          `张量 ${name} 在另一分卷中已有：文件已损坏`,
        );
      tensors.set(name, tensor);
    }
  }
  const all = Number(parts[0]!.metadata.get('split.tensors.count')?.value ?? tensors.size);
  if (all === tensors.size) return tensors;
  throw damagedGguf(
    parts[0]!.file,
    `its parts have ${tensors.size} tensors together, it says ${all}: a part is of another model`,
    `各分卷共有 ${tensors.size} 个张量，而它自述 ${all} 个：有分卷属于另一个模型`,
  );
}

/** Up to the number of entries of the metadata. @returns the number of tensors */
function readBeginning(cursor: FileCursor, file: string): number {
  const magic = cursor.size < 24 ? '' : cursor.bytes(4).toString('latin1');
  if (magic !== 'GGUF')
    throw damagedGguf(file, 'this is no GGUF file: it does not begin with GGUF', '不是 GGUF 文件：开头没有 GGUF 标记');
  const version = cursor.uint32();
  if (version === 2 || version === 3) return cursor.count(4 + 8 + 4 + 8 + 8);
  throw damagedGguf(
    file,
    `GGUF version ${version} is not read, only 2 and 3 in little-endian order: convert it with a current llama.cpp`,
    `不支持 GGUF 版本 ${version}，只支持小端序的版本 2 与 3：请用新版 llama.cpp 转换`,
  );
}

function readMetadata(cursor: FileCursor, file: string): Metadata {
  const metadata = new Map<string, MetadataValue>();
  const entries = cursor.count(8 + 4 + 1);
  for (let entry = 0; entry < entries; entry++) {
    const key = cursor.name();
    if (metadata.has(key))
      throw damagedGguf(file, `${key} stands in it twice: it is damaged`, `${key} 出现两次：文件已损坏`);
    metadata.set(key, readValue(cursor, key, file));
  }
  return metadata;
}

function readValue(cursor: FileCursor, key: string, file: string): MetadataValue {
  const type = readType(cursor, key, file);
  if (type !== 'array') return { type, value: cursor.scalar(type) } as MetadataValue;
  const of = readType(cursor, key, file);
  if (of === 'array')
    throw damagedGguf(file, `${key} is a list of lists, which is not read`, `${key} 是嵌套列表，无法读取`);
  const count = cursor.count(leastBytes(of));
  return { type, of, value: Array.from({ length: count }, (): Scalar => cursor.scalar(of as ElementType)) };
}

function readType(cursor: FileCursor, key: string, file: string): ValueType {
  const code = cursor.uint32();
  const type = typeOfCode.get(code);
  if (type === undefined)
    throw damagedGguf(
      file,
      `${key} is of the unknown type ${code}: it is damaged`,
      `${key} 的类型 ${code} 未知：文件已损坏`,
    );
  return type;
}

function alignmentOf(metadata: Metadata, file: string): number {
  const given = metadata.get('general.alignment');
  if (given === undefined) return ALIGNMENT;
  const value = given.type === 'uint32' ? given.value : 0;
  if (value > 0 && value % 8 === 0) return value;
  throw damagedGguf(file, 'general.alignment is no multiple of 8', 'general.alignment 不是 8 的倍数');
}

function readTensorList(
  cursor: FileCursor,
  count: number,
  alignment: number,
  file: string,
  part: number,
): ReadonlyMap<string, GgufTensor> {
  const listed = Array.from({ length: count }, () => ({ ...readTensor(cursor, alignment, file), part }));
  const start = Math.ceil(cursor.at / alignment) * alignment;
  const tensors = new Map(listed.map((tensor) => [tensor.name, { ...tensor, offset: start + tensor.offset }]));
  if (tensors.size < count)
    throw damagedGguf(file, 'two tensors have the same name: it is damaged', '有两个张量同名：文件已损坏');
  let covered = start;
  for (const { name, type, shape, offset } of [...tensors.values()].sort((a, b) => a.offset - b.offset)) {
    const end = offset + tensorBytes(type, shape);
    if (offset < covered)
      throw damagedGguf(
        file,
        `the tensor ${name} begins inside another: it is damaged`,
        `张量 ${name} 与另一张量重叠：文件已损坏`,
      );
    if (end > cursor.size) {
      throw damagedGguf(
        file,
        `the tensor ${name} ends at byte ${end}, the file at ${cursor.size}: it is truncated; fetch or export it again`,
        `张量 ${name} 应到第 ${end} 字节，而文件只有 ${cursor.size} 字节：文件不完整；请重新获取或导出`,
      );
    }
    covered = end;
  }
  return tensors;
}

/** With its offset from the beginning of the data. */
function readTensor(cursor: FileCursor, alignment: number, file: string): Omit<GgufTensor, 'part'> {
  const name = cursor.name();
  const problem = (en: string, zh: string) => damagedGguf(file, `the tensor ${name} ${en}`, `张量 ${name} ${zh}`);
  const dimensions = cursor.uint32();
  if (dimensions < 1 || dimensions > MOST_DIMENSIONS)
    throw problem(`has ${dimensions} dimensions: the file is damaged`, `有 ${dimensions} 维：文件已损坏`);
  const lengths = Array.from({ length: dimensions }, () => cursor.scalar('uint64') as bigint);
  const elements = lengths.reduce((product, length) => product * length, 1n);
  if (elements < 1n || elements > BigInt(cursor.size) * 16n)
    throw problem('has an impossible shape: the file is damaged', '的形状不可能：文件已损坏');
  const code = cursor.uint32();
  const type = tensorTypeOfCode(code);
  if (type === undefined) {
    const known = Object.keys(tensorTypes).join(', ');
    throw problem(
      `is of the type with code ${code}, which is not read; read are ${known}: convert the model to one of them first`,
      `的类型代码为 ${code}，无法读取；可读的有 ${known}：请先把模型转换为其中之一`,
    );
  }
  const shape = lengths.map(Number).reverse();
  if (shape.at(-1)! % tensorTypes[type].blockLength !== 0)
    throw problem(
      `has rows of ${shape.at(-1)}, no whole blocks of ${type}`,
      `每行 ${shape.at(-1)} 个，不是 ${type} 的整块`,
    );
  const offset = cursor.scalar('uint64') as bigint;
  if (offset % BigInt(alignment) !== 0n || offset > Number.MAX_SAFE_INTEGER / 2)
    throw problem(
      'begins at an impossible place: the file is damaged or truncated',
      '的位置不可能：文件已损坏或不完整',
    );
  return { name, type, shape, offset: Number(offset) };
}

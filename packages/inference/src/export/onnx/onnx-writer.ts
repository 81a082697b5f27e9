/**
 * Writes a graph as an ONNX file: the messages of onnx.proto by their field numbers. Tensors are asked for in pieces, so that memory stays
 * bounded. Where the file would pass what Protocol Buffers can hold, the large tensors stand in a second file beside it, as ONNX's
 * external data; both are there whole or not at all, the model last.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { removeFile, writeWhole } from '@tunan/files';
import {
  type Attribute,
  elementTypes,
  type Graph,
  type GraphNode,
  type GraphValue,
  type Initializer,
} from './graph.ts';
import {
  floatField,
  integerField,
  type LaterBytes,
  lengthOf,
  nestedField,
  type Part,
  stringField,
} from './protobuf.ts';

/** The most that a message of Protocol Buffers may hold. */
const LARGEST_FILE = 2 ** 31 - 1;
/** Smaller tensors stay in the model's file. */
const EXTERNAL_FROM = 1024;
/** Where tensors of the second file begin, so that they can be mapped. */
const PAGE = 4096;

export interface WriteProgress {
  readonly writtenBytes: number;
  readonly totalBytes: number;
}

export interface OnnxFile {
  readonly graph: Graph;
  /** Domain → version; '' is ONNX itself. */
  readonly opsets: Readonly<Record<string, number>>;
  /** Of the file format, the one that came with the opset. */
  readonly irVersion: number;
}

export interface WriteOptions {
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined;
  /** Bytes from which on the tensors stand in a second file. */
  readonly largest?: number | undefined;
}

/** The second file, where there is one. */
export function externalFileOf(file: string): string {
  return `${file}_data`;
}

/**
 * @returns whether there is a second file
 * @throws WriteError
 */
export function writeOnnx(file: string, model: OnnxFile, options: WriteOptions = {}): boolean {
  const { onProgress, largest = LARGEST_FILE } = options;
  const external = lengthOf(modelParts(model, (tensor) => nestedField(9, [rawBytes(tensor)]))) > largest;
  const second = externalFileOf(file);
  const places = placeTensors(external ? model.graph.initializers : []);
  const tensors = [...places].flatMap(([tensor, offset], index, all): Part[] => {
    const end = offset + bytesOf(tensor);
    const next = all[index + 1]?.[1] ?? end;
    return [rawBytes(tensor), new Uint8Array(next - end)];
  });
  const parts = modelParts(model, (tensor) => {
    const offset = places.get(tensor);
    return offset === undefined ? nestedField(9, [rawBytes(tensor)]) : elsewhere(second, offset, bytesOf(tensor));
  });
  const totalBytes = lengthOf(parts) + lengthOf(tensors);
  let writtenBytes = 0;
  const put = (descriptor: number, bytes: Uint8Array) => {
    writeFileSync(descriptor, bytes);
    writtenBytes += bytes.byteLength;
    onProgress?.({ writtenBytes, totalBytes });
  };
  const write = (to: string, all: readonly Part[]) =>
    writeWhole(to, (descriptor) => {
      for (const part of all) {
        if (part instanceof Uint8Array) put(descriptor, part);
        else for (const piece of part.pieces()) put(descriptor, piece);
      }
    });
  if (external) write(second, tensors);
  try {
    write(file, parts);
  } catch (error) {
    if (external) removeFile(second);
    throw error;
  }
  return external;
}

/** Offsets in the second file of those that stand there. */
function placeTensors(initializers: readonly Initializer[]): Map<Initializer, number> {
  const places = new Map<Initializer, number>();
  let offset = 0;
  for (const tensor of initializers) {
    if (bytesOf(tensor) < EXTERNAL_FROM) continue;
    places.set(tensor, offset);
    offset = Math.ceil((offset + bytesOf(tensor)) / PAGE) * PAGE;
  }
  return places;
}

function bytesOf({ type, shape }: Initializer): number {
  return shape.reduce((product, length) => product * length, elementTypes[type].bytes);
}

function rawBytes(tensor: Initializer): LaterBytes {
  return {
    byteLength: bytesOf(tensor),
    *pieces() {
      let left = bytesOf(tensor);
      for (const { buffer, byteOffset, byteLength } of tensor.pieces()) {
        left -= byteLength;
        yield new Uint8Array(buffer, byteOffset, byteLength);
      }
      if (left !== 0) throw new Error(`${tensor.name}: ${left} bytes are missing`);
    },
  };
}

/** external_data and data_location of a TensorProto. */
function elsewhere(file: string, offset: number, length: number): Part[] {
  const entries = { location: path.basename(file), offset: String(offset), length: String(length) };
  return [
    ...Object.entries(entries).flatMap(([key, value]) => nestedField(13, [stringField(1, key), stringField(2, value)])),
    integerField(14, 1),
  ];
}

/** ModelProto. @param data the fields of a TensorProto that hold its elements */
function modelParts(model: OnnxFile, data: (tensor: Initializer) => Part[]): Part[] {
  const { graph, opsets, irVersion } = model;
  return [
    integerField(1, irVersion),
    stringField(2, 'tunan'),
    ...nestedField(7, graphParts(graph, data)),
    ...Object.entries(opsets).flatMap(([domain, version]) =>
      nestedField(8, [stringField(1, domain), integerField(2, version)]),
    ),
  ];
}

function graphParts(graph: Graph, data: (tensor: Initializer) => Part[]): Part[] {
  const { nodes, initializers, inputs, outputs, numberKinds } = graph;
  return [
    ...nodes.flatMap((node) => nestedField(1, nodeParts(node))),
    stringField(2, 'main'),
    ...initializers.flatMap((tensor) =>
      nestedField(5, [
        ...tensor.shape.map((length) => integerField(1, length)),
        integerField(2, elementTypes[tensor.type].code),
        stringField(8, tensor.name),
        ...data(tensor),
      ]),
    ),
    ...inputs.flatMap((value) => nestedField(11, valueParts(value))),
    ...outputs.flatMap((value) => nestedField(12, valueParts(value))),
    ...[...numberKinds].flatMap(([value, kind]) => {
      const entry = nestedField(2, [stringField(1, 'finn_datatype'), stringField(2, kind)]);
      return nestedField(14, [stringField(1, value), ...entry]);
    }),
  ];
}

function nodeParts({ inputs, outputs, name, operator, attributes, domain }: GraphNode): Part[] {
  return [
    ...inputs.map((input) => stringField(1, input)),
    ...outputs.map((output) => stringField(2, output)),
    stringField(3, name),
    stringField(4, operator),
    ...Object.entries(attributes).flatMap(([key, value]) =>
      nestedField(5, [stringField(1, key), ...attributeParts(value)]),
    ),
    ...(domain === '' ? [] : [stringField(7, domain)]),
  ];
}

/** The value and the type (20) of an AttributeProto. */
function attributeParts(value: Attribute): Part[] {
  if (typeof value === 'number') return [integerField(3, value), integerField(20, 2)];
  if (typeof value === 'string') return [stringField(4, value), integerField(20, 3)];
  if ('float' in value) return [floatField(2, value.float), integerField(20, 1)];
  return [...value.map((one) => integerField(8, one)), integerField(20, 7)];
}

/** ValueInfoProto, of a tensor. */
function valueParts({ name, type, shape }: GraphValue): Part[] {
  const dimensions = shape.flatMap((length) =>
    nestedField(1, [typeof length === 'number' ? integerField(1, length) : stringField(2, length)]),
  );
  const tensorType = [integerField(1, elementTypes[type].code), ...nestedField(2, dimensions)];
  return [stringField(1, name), ...nestedField(2, nestedField(1, tensorType))];
}

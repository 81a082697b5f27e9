/**
 * The weights on disk as safetensors, float32 only, without libtorch: what filters documents on a cluster must not need an engine.
 * @tunan/torch reads and writes the whole format; this is its smallest part.
 */
import { readFileSync } from 'node:fs';
import { writeWhole } from '@tunan/files';
import { z } from 'zod';
import { ClassifierError } from './errors.ts';

const LONGEST_HEADER = 1 << 20;

const entrySchema = z.object({
  dtype: z.literal('F32'),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});

export interface Weights {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** @throws WriteError */
export function writeWeights(file: string, tensors: ReadonlyMap<string, Weights>): void {
  let offset = 0;
  const entries = Array.from(tensors, ([name, { shape, values }]) => {
    const begin = offset;
    offset += values.byteLength;
    return [name, { dtype: 'F32', shape, data_offsets: [begin, offset] }] as const;
  });
  let header = JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) });
  header += ' '.repeat((8 - (Buffer.byteLength(header) % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  const parts: Buffer[] = [length, Buffer.from(header)];
  for (const { values } of tensors.values())
    parts.push(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  writeWhole(file, Buffer.concat(parts));
}

/** @throws ClassifierError CLASSIFIER_NOT_A_CLASSIFIER naming the file and what is wrong with it. */
export function readWeights(file: string): Map<string, Weights> {
  const damaged = (what: string, cause?: unknown) =>
    new ClassifierError('CLASSIFIER_NOT_A_CLASSIFIER', `${file}: ${what}; train or copy the classifier again`, {
      cause,
    });
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw damaged((cause as Error).message, cause);
  }
  const headerBytes = bytes.length < 8 ? Infinity : Number(bytes.readBigUInt64LE());
  if (headerBytes > LONGEST_HEADER || 8 + headerBytes > bytes.length) throw damaged('no safetensors header');
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<string, unknown>;
  } catch (cause) {
    throw damaged('its header is not JSON', cause);
  }
  const data = bytes.subarray(8 + headerBytes);
  const tensors = new Map<string, Weights>();
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const entry = entrySchema.safeParse(value);
    if (!entry.success) throw damaged(`tensor ${name} is not described as float32 values`);
    const { shape, data_offsets } = entry.data;
    const [begin, end] = data_offsets;
    const size = shape.reduce((product, extent) => product * extent, 1);
    if (end - begin !== 4 * size || end > data.length) throw damaged(`tensor ${name} is cut off`);
    // Copied, since a Float32Array needs a multiple of four as its offset.
    tensors.set(name, { shape, values: new Float32Array(Uint8Array.from(data.subarray(begin, end)).buffer) });
  }
  return tensors;
}

/**
 * The element types of GGUF tensors that are read here, and which of them are written: names and codes of ggml.h (enum ggml_type), and how
 * many elements of a row stand together in a block of how many bytes. How they become bytes: encode-rows.ts and decode-rows.ts.
 */

export interface TensorType {
  /** In ggml.h. */
  readonly code: number;
  /** Elements of a block; the rows of a tensor are whole blocks. */
  readonly blockLength: number;
  readonly blockBytes: number;
}

const writtenTypes = {
  F32: { code: 0, blockLength: 1, blockBytes: 4 },
  F16: { code: 1, blockLength: 1, blockBytes: 2 },
  BF16: { code: 30, blockLength: 1, blockBytes: 2 },
  Q8_0: { code: 8, blockLength: 32, blockBytes: 34 },
  Q5_0: { code: 6, blockLength: 32, blockBytes: 22 },
  Q4_0: { code: 2, blockLength: 32, blockBytes: 18 },
  Q6_K: { code: 14, blockLength: 256, blockBytes: 210 },
  Q5_K: { code: 13, blockLength: 256, blockBytes: 176 },
  Q4_K: { code: 12, blockLength: 256, blockBytes: 144 },
} as const satisfies Record<string, TensorType>;

export const tensorTypes = {
  ...writtenTypes,
  Q5_1: { code: 7, blockLength: 32, blockBytes: 24 },
  Q4_1: { code: 3, blockLength: 32, blockBytes: 20 },
  Q3_K: { code: 11, blockLength: 256, blockBytes: 110 },
  Q2_K: { code: 10, blockLength: 256, blockBytes: 84 },
  IQ4_NL: { code: 20, blockLength: 32, blockBytes: 18 },
  IQ4_XS: { code: 23, blockLength: 256, blockBytes: 136 },
} as const satisfies Record<string, TensorType>;

export type TensorTypeName = keyof typeof tensorTypes;
export type WrittenTypeName = keyof typeof writtenTypes;

const byCode = new Map(Object.entries(tensorTypes).map(([name, { code }]) => [code as number, name as TensorTypeName]));

/** Undefined for a type that is not read here. */
export function tensorTypeOfCode(code: number): TensorTypeName | undefined {
  return byCode.get(code);
}

/** Bytes of a tensor. @param shape rows first; the last length is that of a row */
export function tensorBytes(type: TensorTypeName, shape: readonly number[]): number {
  const { blockLength, blockBytes } = tensorTypes[type];
  return (shape.reduce((product, length) => product * length, 1) / blockLength) * blockBytes;
}

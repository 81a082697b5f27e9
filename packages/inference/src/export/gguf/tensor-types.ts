/**
 * The element types of GGUF tensors that are written and read here: names and codes of ggml.h (enum ggml_type), and how many elements
 * of a row stand together in a block of how many bytes.
 */

export interface TensorType {
  /** In ggml.h. */
  readonly code: number;
  /** Elements of a block; the rows of a tensor are whole blocks. */
  readonly blockLength: number;
  readonly blockBytes: number;
}

export const tensorTypes = {
  F32: { code: 0, blockLength: 1, blockBytes: 4 },
  F16: { code: 1, blockLength: 1, blockBytes: 2 },
  BF16: { code: 30, blockLength: 1, blockBytes: 2 },
} as const satisfies Record<string, TensorType>;

export type TensorTypeName = keyof typeof tensorTypes;

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

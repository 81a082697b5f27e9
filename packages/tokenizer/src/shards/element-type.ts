/** Element types of Megatron's indexed datasets that hold token ids. */

export type TokenArray = Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** `code` is the byte in the .idx header, `bytes` the size of a token. */
export const ELEMENT_TYPES = {
  int32: { code: 4, bytes: 4 },
  uint16: { code: 8, bytes: 2 },
} as const;

export type ElementType = keyof typeof ELEMENT_TYPES;

export const INDEX_MAGIC = Buffer.from('MMIDIDX\0\0', 'latin1');
export const INDEX_VERSION = 1n;
/** Magic, version, type code, number of sequences, number of document boundaries. */
export const INDEX_HEADER_BYTES = 9 + 8 + 1 + 8 + 8;

/** Megatron's own rule: 16 bits while the vocabulary is below 65 500. */
export function elementTypeFor(vocabularySize: number): ElementType {
  return vocabularySize < 65_500 ? 'uint16' : 'int32';
}

export function tokenArray(type: ElementType, length: number): TokenArray {
  return type === 'uint16' ? new Uint16Array(length) : new Int32Array(length);
}

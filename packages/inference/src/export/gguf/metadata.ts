/** The typed values of a GGUF's metadata, with the codes of gguf.h (enum gguf_type). */

export const valueCodes = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

export type ValueType = keyof typeof valueCodes;
export type ElementType = Exclude<ValueType, 'array'>;

/** 64-bit integers are bigints. */
type ScalarOf<Type extends ElementType> = Type extends 'string'
  ? string
  : Type extends 'bool'
    ? boolean
    : Type extends 'uint64' | 'int64'
      ? bigint
      : number;
export type Scalar = ScalarOf<ElementType>;

export type MetadataValue =
  | { readonly [Type in ElementType]: { readonly type: Type; readonly value: ScalarOf<Type> } }[ElementType]
  | { readonly type: 'array'; readonly of: ElementType; readonly value: readonly Scalar[] };

/** By key, in the order of the file. */
export type Metadata = ReadonlyMap<string, MetadataValue>;

export const uint32 = (value: number): MetadataValue => ({ type: 'uint32', value });
export const float32 = (value: number): MetadataValue => ({ type: 'float32', value });
export const bool = (value: boolean): MetadataValue => ({ type: 'bool', value });
export const string = (value: string): MetadataValue => ({ type: 'string', value });
export const strings = (value: readonly string[]): MetadataValue => ({ type: 'array', of: 'string', value });
export const int32s = (value: readonly number[]): MetadataValue => ({ type: 'array', of: 'int32', value });

/** Element types and the codes that libtorch and safetensors give them. */
import { TorchError } from './errors.ts';

export type DType = 'float32' | 'float64' | 'bfloat16' | 'float16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool';
export type Device = 'cpu' | 'cuda' | `cuda:${number}`;

interface Description {
  /** c10::ScalarType. */
  readonly code: number;
  readonly bytes: number;
  readonly safetensors: string;
  readonly floating: boolean;
}

export const dtypes: Readonly<Record<DType, Description>> = {
  float32: { code: 6, bytes: 4, safetensors: 'F32', floating: true },
  float64: { code: 7, bytes: 8, safetensors: 'F64', floating: true },
  bfloat16: { code: 15, bytes: 2, safetensors: 'BF16', floating: true },
  float16: { code: 5, bytes: 2, safetensors: 'F16', floating: true },
  int64: { code: 4, bytes: 8, safetensors: 'I64', floating: false },
  int32: { code: 3, bytes: 4, safetensors: 'I32', floating: false },
  int8: { code: 1, bytes: 1, safetensors: 'I8', floating: false },
  uint8: { code: 0, bytes: 1, safetensors: 'U8', floating: false },
  bool: { code: 11, bytes: 1, safetensors: 'BOOL', floating: false },
};

const byCode = new Map(Object.entries(dtypes).map(([name, { code }]) => [code, name as DType]));
const bySafetensors = new Map(Object.entries(dtypes).map(([name, { safetensors }]) => [safetensors, name as DType]));

/** libtorch's code. @throws TorchError where a program without types names another dtype. */
export function codeOfDtype(dtype: DType): number {
  if (!Object.hasOwn(dtypes, dtype))
    throw new TorchError(
      'TORCH_OPERATION',
      `there is no dtype ${dtype}; the dtypes are ${Object.keys(dtypes).join(', ')}`,
    );
  return dtypes[dtype].code;
}

export function dtypeOfCode(code: number): DType {
  const found = byCode.get(code);
  if (found === undefined) throw new Error(`libtorch's dtype ${code} has no name here`);
  return found;
}

export function dtypeOfSafetensors(name: string): DType | undefined {
  return bySafetensors.get(name);
}

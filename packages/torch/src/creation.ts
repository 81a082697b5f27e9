/** Making tensors. */
import { codeOfDtype, type Device, type DType } from './dtype.ts';
import { TorchError } from './errors.ts';
import { guarded } from './guard.ts';
import { native } from './native.ts';
import { type Nested, others, Tensor } from './tensor.ts';

export interface TensorOptions {
  /** float32 unless told; integers given as nested numbers stay float32 too. */
  readonly dtype?: DType;
  readonly device?: Device;
  readonly requiresGrad?: boolean;
}

function finish(tensor: Tensor, options: TensorOptions): Tensor {
  if (options.requiresGrad) tensor.requiresGrad = true;
  return tensor;
}

/** dtype, layout (always strided), device: the order of libtorch's factory functions. */
function factory(options: TensorOptions): [number, undefined, string | undefined] {
  return [codeOfDtype(options.dtype ?? 'float32'), undefined, options.device];
}

export function zeros(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return finish(others.zeros(shape, ...factory(options)), options);
}

export function ones(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return finish(others.ones(shape, ...factory(options)), options);
}

/** Memory as it comes, to be written before it is read. */
export function empty(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return finish(others.empty(shape, ...factory(options)), options);
}

export function full(shape: readonly number[], value: number, options: TensorOptions = {}): Tensor {
  return finish(others.full(shape, value, ...factory(options)), options);
}

/** Standard normal numbers of the global generator (`manualSeed`). */
export function randn(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return finish(others.randn(shape, ...factory(options)), options);
}

/** Uniform numbers in [0, 1). */
export function rand(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return finish(others.rand(shape, ...factory(options)), options);
}

/** Integers in [low, high), int64 unless told. */
export function randint(low: number, high: number, shape: readonly number[], options: TensorOptions = {}): Tensor {
  return finish(others.randint(low, high, shape, ...factory({ dtype: 'int64', ...options })), options);
}

/** start, start + step, … below end; int64 unless told. */
export function arange(start: number, end: number, step = 1, options: TensorOptions = {}): Tensor {
  return finish(others.arange(start, end, step, ...factory({ dtype: 'int64', ...options })), options);
}

type Source = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

function dtypeOfArray(source: Source): DType {
  if (source instanceof Float64Array) return 'float64';
  if (source instanceof BigInt64Array || source instanceof Uint32Array) return 'int64';
  if (source instanceof Int32Array || source instanceof Uint16Array) return 'int32';
  return source instanceof Uint8Array ? 'uint8' : 'float32';
}

function shapeOf(nested: Nested): number[] {
  const shape: number[] = [];
  let level: Nested | undefined = nested;
  while (Array.isArray(level)) {
    shape.push(level.length);
    level = level[0];
  }
  return shape;
}

function flatten(nested: Nested, shape: readonly number[], out: number[]): number[] {
  if (!Array.isArray(nested)) {
    if (shape.length > 0) throw new TorchError('TORCH_OPERATION', 'tensor: the nested arrays are not all of one depth');
    out.push(nested);
    return out;
  }
  if (nested.length !== shape[0])
    throw new TorchError('TORCH_OPERATION', 'tensor: the nested arrays are not all of one length');
  for (const item of nested) flatten(item, shape.slice(1), out);
  return out;
}

/**
 * A tensor holding a copy of the data.
 * @param data a number, nested arrays of numbers, or a typed array (its dtype is kept unless told; Uint16Array and Uint32Array
 *   become int32 and int64).
 * @param options.shape for typed arrays; one dimension unless told.
 */
export function tensor(
  data: Nested | Source,
  options: TensorOptions & { readonly shape?: readonly number[] } = {},
): Tensor {
  const typed = ArrayBuffer.isView(data);
  const shape = options.shape ?? (typed ? [data.length] : shapeOf(data));
  let source: Exclude<Source, Uint16Array | Uint32Array>;
  if (!typed) source = Float64Array.from(flatten(data, shapeOf(data), []));
  else if (data instanceof Uint16Array) source = Int32Array.from(data);
  else if (data instanceof Uint32Array) source = BigInt64Array.from(data, BigInt);
  else source = data;
  const made = dtypeOfArray(source);
  const wanted = options.dtype ?? (typed ? made : 'float32');
  const host = new Tensor(guarded(() => native().fromBytes(source, codeOfDtype(made), shape)));
  if (wanted === made && options.device === undefined) return finish(host, options);
  const out = host.to(options.device === undefined ? { dtype: wanted } : { dtype: wanted, device: options.device });
  host.dispose();
  return finish(out, options);
}

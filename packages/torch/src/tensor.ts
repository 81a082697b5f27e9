/**
 * Tensor: a handle on a libtorch tensor with typed methods. Shapes follow the legend B batch, T time, C channels, H heads,
 * D head width, V vocabulary. A tensor's memory is freed by `dispose`, by `using`, or by the scope it was made in; the garbage
 * collector is only a safety net.
 */
import { codeOfDtype, type Device, type DType, dtypeOfCode } from './dtype.ts';
import { guarded } from './guard.ts';
import { native, type TensorHandle } from './native.ts';
import { declareOperations } from './operations.ts';
import { disown, own } from './scope.ts';

/** The typed array a tensor's elements come out as; bfloat16, float16 are widened to float32, bool is 0 or 1. */
export type TensorArray = Float32Array | Float64Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;
export type Nested = number | Nested[];

export class Tensor implements Disposable {
  readonly #handle: TensorHandle;
  #description: { shape: readonly number[]; dtype: DType; device: Device } | undefined;
  #disposed = false;

  /** Wraps a native handle; user code makes tensors with `tensor()`, `zeros()` and so on. */
  constructor(handle: TensorHandle) {
    this.#handle = handle;
    own(this);
  }

  get handle(): TensorHandle {
    return this.#handle;
  }

  #describe() {
    if (this.#description === undefined) {
      const { shape, dtype, device } = guarded(() => native().describe(this.#handle));
      this.#description = { shape, dtype: dtypeOfCode(dtype), device: device as Device };
    }
    return this.#description;
  }

  get shape(): readonly number[] {
    return this.#describe().shape;
  }

  get dtype(): DType {
    return this.#describe().dtype;
  }

  get device(): Device {
    return this.#describe().device;
  }

  /** Number of elements. */
  get size(): number {
    return this.shape.reduce((product, length) => product * length, 1);
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Frees the memory now; using the tensor afterwards is a TorchError. A second call does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    native().dispose(this.#handle);
    disown(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  // Autograd

  get requiresGrad(): boolean {
    return guarded(() => native().requiresGrad(this.#handle));
  }

  set requiresGrad(value: boolean) {
    guarded(() => native().requiresGrad(this.#handle, value));
  }

  /** The gradient after `backward()`, as a new handle on it; undefined where there is none. */
  get grad(): Tensor | undefined {
    const handle = guarded(() => native().gradient(this.#handle));
    return handle === undefined ? undefined : new Tensor(handle);
  }

  set grad(value: Tensor | undefined) {
    guarded(() => native().gradient(this.#handle, value?.handle));
  }

  /** Adds the gradient of this tensor with respect to every leaf that requires one to the leaf's `grad`. */
  backward(gradient?: Tensor): void {
    guarded(() => native().backward(this.#handle, gradient?.handle));
  }

  /** The same elements, cut off from the graph. */
  detach(): Tensor {
    return others.detach(this);
  }

  // Values

  /** The number in a tensor of one element. */
  item(): number {
    return guarded(() => native().item(this.#handle));
  }

  /** A copy of the elements in row-major order. */
  toArray(): TensorArray {
    const { dtype } = this;
    if (dtype === 'bfloat16' || dtype === 'float16') {
      using wide = this.to('float32');
      return wide.toArray();
    }
    const bytes = guarded(() => native().toBytes(this.#handle));
    if (dtype === 'float32') return new Float32Array(bytes);
    if (dtype === 'float64') return new Float64Array(bytes);
    if (dtype === 'int64') return new BigInt64Array(bytes);
    if (dtype === 'int32') return new Int32Array(bytes);
    if (dtype === 'int8') return new Int8Array(bytes);
    return new Uint8Array(bytes);
  }

  /** The elements as nested arrays of numbers. */
  toNested(): Nested {
    const flat = Array.from(this.toArray() as ArrayLike<number | bigint>, Number);
    const nest = (shape: readonly number[], offset: number): Nested => {
      const [length, ...rest] = shape;
      if (length === undefined) return flat[offset]!;
      const stride = rest.reduce((product, size) => product * size, 1);
      return Array.from({ length }, (_, i) => nest(rest, offset + i * stride));
    };
    return nest(this.shape, 0);
  }

  // Arithmetic with broadcasting

  add(other: Tensor | number): Tensor {
    return typeof other === 'number' ? differentiable.addScalar(this, other) : differentiable.add(this, other);
  }

  sub(other: Tensor | number): Tensor {
    return typeof other === 'number' ? differentiable.subScalar(this, other) : differentiable.sub(this, other);
  }

  mul(other: Tensor | number): Tensor {
    return typeof other === 'number' ? differentiable.mulScalar(this, other) : differentiable.mul(this, other);
  }

  div(other: Tensor | number): Tensor {
    return typeof other === 'number' ? differentiable.divScalar(this, other) : differentiable.div(this, other);
  }

  pow(exponent: number): Tensor {
    return differentiable.pow(this, exponent);
  }

  neg(): Tensor {
    return differentiable.neg(this);
  }

  abs(): Tensor {
    return differentiable.abs(this);
  }

  exp(): Tensor {
    return differentiable.exp(this);
  }

  log(): Tensor {
    return differentiable.log(this);
  }

  sqrt(): Tensor {
    return differentiable.sqrt(this);
  }

  rsqrt(): Tensor {
    return differentiable.rsqrt(this);
  }

  tanh(): Tensor {
    return differentiable.tanh(this);
  }

  sigmoid(): Tensor {
    return differentiable.sigmoid(this);
  }

  relu(): Tensor {
    return differentiable.relu(this);
  }

  /** GELU; 'tanh' is the approximation that GPT-2 calls gelu_new. */
  gelu(approximate: 'none' | 'tanh' = 'none'): Tensor {
    return differentiable.gelu(this, approximate);
  }

  // Matrices

  matmul(other: Tensor): Tensor {
    return differentiable.matmul(this, other);
  }

  // Reductions

  sum(dims?: number | readonly number[], keepDim = false): Tensor {
    return dims === undefined ? differentiable.sum(this) : differentiable.sumDims(this, [dims].flat(), keepDim);
  }

  mean(dims?: number | readonly number[], keepDim = false): Tensor {
    return dims === undefined ? differentiable.mean(this) : differentiable.meanDims(this, [dims].flat(), keepDim);
  }

  max(dim: number, keepDim = false): { values: Tensor; indices: Tensor } {
    const [values, indices] = differentiable.max(this, dim, keepDim);
    return { values, indices };
  }

  min(dim: number, keepDim = false): { values: Tensor; indices: Tensor } {
    const [values, indices] = differentiable.min(this, dim, keepDim);
    return { values, indices };
  }

  argmax(dim?: number, keepDim = false): Tensor {
    return others.argmax(this, dim, keepDim);
  }

  /** The Euclidean norm over all elements. */
  norm(): Tensor {
    return differentiable.norm(this, 2);
  }

  softmax(dim: number): Tensor {
    return differentiable.softmax(this, dim);
  }

  logSoftmax(dim: number): Tensor {
    return differentiable.logSoftmax(this, dim);
  }

  /** log of the sum of exp over a dimension, which goes. */
  logSumExp(dim: number): Tensor {
    return differentiable.logSumExp(this, [dim]);
  }

  // Shapes; views share memory with this tensor

  view(...shape: number[]): Tensor {
    return differentiable.view(this, shape);
  }

  reshape(...shape: number[]): Tensor {
    return differentiable.reshape(this, shape);
  }

  transpose(first: number, second: number): Tensor {
    return differentiable.transpose(this, first, second);
  }

  permute(...dims: number[]): Tensor {
    return differentiable.permute(this, dims);
  }

  contiguous(): Tensor {
    return differentiable.contiguous(this);
  }

  unsqueeze(dim: number): Tensor {
    return differentiable.unsqueeze(this, dim);
  }

  squeeze(dim: number): Tensor {
    return differentiable.squeeze(this, dim);
  }

  expand(...shape: number[]): Tensor {
    return differentiable.expand(this, shape);
  }

  narrow(dim: number, start: number, length: number): Tensor {
    return differentiable.narrow(this, dim, start, length);
  }

  slice(dim: number, start?: number, end?: number, step = 1): Tensor {
    return differentiable.slice(this, dim, start, end, step);
  }

  select(dim: number, index: number): Tensor {
    return differentiable.select(this, dim, index);
  }

  split(sizes: readonly number[], dim = 0): Tensor[] {
    return differentiable.split(this, sizes, dim);
  }

  // Indexing

  /** Rows of `dim` named by an int64 vector. */
  indexSelect(dim: number, index: Tensor): Tensor {
    return differentiable.indexSelect(this, dim, index);
  }

  gather(dim: number, index: Tensor): Tensor {
    return differentiable.gather(this, dim, index);
  }

  maskedFill(mask: Tensor, value: number): Tensor {
    return differentiable.maskedFill(this, mask, value);
  }

  /** The lower triangle, zeros above `diagonal`. */
  tril(diagonal = 0): Tensor {
    return others.tril(this, diagonal);
  }

  eq(other: Tensor | number): Tensor {
    return typeof other === 'number' ? others.eqScalar(this, other) : others.eq(this, other);
  }

  ne(other: Tensor | number): Tensor {
    return typeof other === 'number' ? others.neScalar(this, other) : others.ne(this, other);
  }

  lt(other: Tensor | number): Tensor {
    return typeof other === 'number' ? others.ltScalar(this, other) : others.lt(this, other);
  }

  le(other: Tensor | number): Tensor {
    return typeof other === 'number' ? others.leScalar(this, other) : others.le(this, other);
  }

  gt(other: Tensor | number): Tensor {
    return typeof other === 'number' ? others.gtScalar(this, other) : others.gt(this, other);
  }

  ge(other: Tensor | number): Tensor {
    return typeof other === 'number' ? others.geScalar(this, other) : others.ge(this, other);
  }

  // Conversion and copies

  /** This tensor in another dtype or on another device; a new handle on the same memory where nothing changes. */
  to(target: DType | { dtype?: DType; device?: Device }): Tensor {
    if (typeof target === 'string') return differentiable.toDtype(this, codeOfDtype(target));
    const dtype = target.dtype ?? this.dtype;
    if (target.device === undefined) return differentiable.toDtype(this, codeOfDtype(dtype));
    return others.toDevice(this, target.device, codeOfDtype(dtype));
  }

  clone(): Tensor {
    return differentiable.clone(this);
  }

  // In place; each returns this tensor

  #inPlace(result: Tensor): this {
    result.dispose(); // a second handle on the same memory
    return this;
  }

  add_(other: Tensor, alpha = 1): this {
    return this.#inPlace(others.add_(this, other, alpha));
  }

  mul_(other: Tensor | number): this {
    return this.#inPlace(typeof other === 'number' ? others.mulScalar_(this, other) : others.mul_(this, other));
  }

  copy_(source: Tensor): this {
    return this.#inPlace(others.copy_(this, source));
  }

  zero_(): this {
    return this.#inPlace(others.zero_(this));
  }

  fill_(value: number): this {
    return this.#inPlace(others.fill_(this, value));
  }

  normal_(mean = 0, deviation = 1): this {
    return this.#inPlace(others.normal_(this, mean, deviation));
  }

  uniform_(from = 0, to = 1): this {
    return this.#inPlace(others.uniform_(this, from, to));
  }
}

/** The operations for this class: with gradients, and without. */
export const { differentiable, others } = declareOperations((handle) => new Tensor(handle));

/**
 * One way into libtorch: `operation('aten::add.Tensor', wrap)` gives a function that takes and returns tensors. It resolves the
 * name on first use, turns a native failure into a TorchError, and wraps results. It knows tensors by their handle alone.
 */
import { guarded } from './guard.ts';
import { type NativeValue, native, type TensorHandle } from './native.ts';

/** What a tensor is here: something with a native handle. */
export interface HasHandle {
  readonly handle: TensorHandle;
}

/** What an operation takes: tensors, numbers, lists, names of devices; `undefined` takes the schema's default. */
export type Argument = HasHandle | number | bigint | boolean | string | undefined | readonly Argument[];

/** Programs without types may pass anything; what is no tensor goes on to the addon, which says what it expects. */
function hasHandle(argument: Argument): argument is HasHandle {
  return typeof argument === 'object' && argument !== null && 'handle' in argument;
}

function toNative(argument: Argument): NativeValue {
  if (Array.isArray(argument)) return argument.map(toNative);
  return hasHandle(argument) ? argument.handle : (argument as NativeValue);
}

function fromNative(value: NativeValue, wrap: (handle: TensorHandle) => unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => fromNative(one, wrap));
  return typeof value === 'object' ? wrap(value as TensorHandle) : value;
}

/**
 * A function calling one registered operator.
 * @param name as in libtorch's schema: "aten::add.Tensor", "tunan::adamw_"
 * @param wrap makes a tensor of a native handle
 * @returns a function giving what the operator gives (tensors wrapped): `Result` says which
 */
export function operation<Result>(
  name: string,
  wrap: (handle: TensorHandle) => unknown,
): (...args: Argument[]) => Result {
  let index: number | undefined;
  return (...args) =>
    guarded(() => {
      index ??= native().resolve(name);
      return fromNative(native().call(index, ...args.map(toNative)), wrap) as Result;
    });
}

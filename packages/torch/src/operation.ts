// One way into libtorch: `operation('aten::add.Tensor')` gives a function that takes and returns tensors. It resolves the name on
// first use, turns a native failure into a TorchError, and wraps results.
import { TorchError } from './errors.ts';
import { type NativeValue, native, type TensorHandle } from './native.ts';
import { Tensor } from './tensor.ts';

/** What an operation takes: tensors, numbers, lists, names of devices; `undefined` takes the schema's default. */
export type Argument = Tensor | number | bigint | boolean | string | undefined | readonly Argument[];

function toNative(argument: Argument): NativeValue {
  if (argument instanceof Tensor) return argument.handle;
  if (Array.isArray(argument)) return argument.map(toNative);
  return argument as NativeValue;
}

function fromNative(value: NativeValue): unknown {
  if (Array.isArray(value)) return value.map(fromNative);
  if (typeof value === 'object') return new Tensor(value as TensorHandle);
  return value;
}

/** The sentence of libtorch without its source locations and hints for C++ programmers. */
function firstSentence(message: string): string {
  return message
    .replace(/Exception raised from[\s\S]*$/, '')
    .split('\n')[0]!
    .trim();
}

/** Runs `body` and turns what the addon throws into a TorchError. */
export function guarded<T>(body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (cause instanceof TorchError || !(cause instanceof Error)) throw cause;
    throw new TorchError('TORCH_OPERATION', firstSentence(cause.message), { cause });
  }
}

/**
 * A function calling one registered operator.
 * @param name as in libtorch's schema: "aten::add.Tensor", "tunan::adamw_".
 * @returns a function giving a Tensor (or what `Result` says: lists, numbers, nothing).
 */
export function operation<Result = Tensor>(name: string): (...args: Argument[]) => Result {
  let index: number | undefined;
  return (...args) =>
    guarded(() => {
      index ??= native().resolve(name);
      return fromNative(native().call(index, ...args.map(toNative))) as Result;
    });
}

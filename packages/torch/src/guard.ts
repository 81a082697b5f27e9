/** Turns what the addon throws into a TorchError. Every call into native code goes through it. */
import { TorchError } from './errors.ts';

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

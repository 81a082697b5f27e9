/** What all parts of reading a tokenizer.json have in common: the file's name in errors, and the shapes of JSON. */
import { TokenizerError } from './errors.ts';

export type Json = Record<string, unknown>;

export class FileReader {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  malformed(what: string): TokenizerError {
    return new TokenizerError('TOKENIZER_MALFORMED_FILE', `${this.#name} is not a sound tokenizer.json: ${what}`);
  }

  unsupported(what: string): TokenizerError {
    return new TokenizerError(
      'TOKENIZER_UNSUPPORTED_FILE',
      `${this.#name} has ${what}, which is not read here: use a byte-level BPE tokenizer such as those of tunan, GPT-2, Qwen, Llama 3 or DeepSeek`,
    );
  }

  object(value: unknown, what: string): Json {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.malformed(`${what} is not an object`);
    }
    return value as Json;
  }

  list(value: unknown, what: string): unknown[] {
    if (!Array.isArray(value)) throw this.malformed(`${what} is not a list`);
    return value;
  }

  /** Refuses the fields that say something. */
  demandNull(parent: Json, keys: readonly string[]): void {
    for (const key of keys) {
      const value = parent[key];
      if (value !== undefined && value !== null && value !== '' && value !== 0 && value !== false) {
        throw this.unsupported(`a ${key} in its model`);
      }
    }
  }
}

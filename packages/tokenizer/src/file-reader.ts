/** What all parts of reading a tokenizer.json have in common: the file's name in errors, and the shapes of JSON. */
import { TokenizerError } from './errors.ts';

export type Json = Record<string, unknown>;

export class FileReader {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  malformed(en: string, zh: string): TokenizerError {
    return new TokenizerError('TOKENIZER_MALFORMED_FILE', {
      en: `${this.#name} is no sound tokenizer file: ${en}`,
      zh: `${this.#name} 不是完好的分词器文件：${zh}`,
    });
  }

  unsupported(en: string, zh: string): TokenizerError {
    return new TokenizerError('TOKENIZER_UNSUPPORTED_FILE', {
      en: `${this.#name} has ${en}, which is not read here: use a byte-level BPE tokenizer such as those of tunan, GPT-2, Qwen, Llama 3 or DeepSeek`,
      zh: `${this.#name} 有${zh}，此处读不了：请用字节级 BPE 分词器，如图南、GPT-2、Qwen、Llama 3 或 DeepSeek 的`,
    });
  }

  /** @param what the field's place in the file */
  object(value: unknown, what: string): Json {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.malformed(`${what} is not an object`, `${what} 不是对象`);
    }
    return value as Json;
  }

  list(value: unknown, what: string): unknown[] {
    if (!Array.isArray(value)) throw this.malformed(`${what} is not a list`, `${what} 不是列表`);
    return value;
  }

  /** Refuses the fields that say something. */
  demandNull(parent: Json, keys: readonly string[]): void {
    for (const key of keys) {
      const value = parent[key];
      if (value !== undefined && value !== null && value !== '' && value !== 0 && value !== false) {
        throw this.unsupported(`a ${key} in its model`, `模型项 ${key}`);
      }
    }
  }
}

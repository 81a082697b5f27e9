/** Takes values out of a GGUF's metadata by key, checked to be of the kind that is asked for. */
import { damagedGguf } from './damaged-gguf.ts';
import { isName } from './file-cursor.ts';
import type { Metadata, Scalar } from './metadata.ts';

export class MetadataReader {
  readonly file: string;
  readonly #metadata: Metadata;

  constructor(metadata: Metadata, file: string) {
    this.#metadata = metadata;
    this.file = file;
  }

  keys(): string[] {
    return [...this.#metadata.keys()];
  }

  has(key: string): boolean {
    return this.#metadata.has(key);
  }

  /** Any number or truth, for what must be nothing. */
  value(key: string): Scalar | readonly Scalar[] | undefined {
    return this.#metadata.get(key)?.value;
  }

  number(key: string): number {
    return this.#need(key, this.numberIfThere(key));
  }

  numberIfThere(key: string): number | undefined {
    const found = this.value(key);
    const value = typeof found === 'bigint' ? Number(found) : found;
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
    throw this.wrong(key);
  }

  booleanIfThere(key: string): boolean | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.wrong(key);
  }

  string(key: string): string {
    return this.#need(key, this.stringIfThere(key));
  }

  /** What something is called: short, so that it can stand in a message. */
  name(key: string): string {
    const value = this.string(key);
    if (isName(value)) return value;
    throw this.wrong(key);
  }

  nameIfThere(key: string): string | undefined {
    return this.has(key) ? this.name(key) : undefined;
  }

  stringIfThere(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === 'string') return value;
    throw this.wrong(key);
  }

  strings(key: string): readonly string[] {
    const value = this.#need(key, this.value(key));
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
    throw this.wrong(key);
  }

  numbers(key: string): readonly number[] {
    const value = this.#need(key, this.value(key));
    if (Array.isArray(value) && value.every((one) => typeof one === 'number')) return value;
    throw this.wrong(key);
  }

  /** The error of a value that is not what it should be. */
  wrong(key: string) {
    return damagedGguf(
      this.file,
      `${key} has no value that it can have: the file is damaged`,
      `${key} 的值不对：文件已损坏`,
    );
  }

  #need<T>(key: string, value: T | undefined): T {
    if (value !== undefined) return value;
    throw damagedGguf(
      this.file,
      `${key} is missing: the file is damaged, or no model`,
      `缺少 ${key}：文件已损坏，或不是模型`,
    );
  }
}

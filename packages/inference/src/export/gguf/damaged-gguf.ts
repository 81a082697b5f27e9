import { ExportError } from '../errors.ts';

/** A GGUF that cannot be read; the sentence says what is wrong and what to do. */
export function damagedGguf(file: string, en: string, zh: string, cause?: unknown): ExportError {
  return new ExportError('EXPORT_UNREADABLE', { en: `${file}: ${en}`, zh: `${file}：${zh}` }, { cause });
}

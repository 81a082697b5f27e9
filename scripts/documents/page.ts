/** A page of docs/ that a program writes: where it lies, and what it should say. */
import path from 'node:path';
import type { Language } from '@tunan/protocol';

export interface Page {
  readonly file: string;
  readonly wanted: string;
}

export const LANGUAGES: readonly Language[] = ['en', 'zh'];

/** The English pages lie in docs/, the Chinese ones under the same names in docs/zh/. */
export function pageFile(name: string, language: Language): string {
  return path.resolve(import.meta.dirname, '../../docs', language === 'en' ? '' : language, `${name}.md`);
}

/** A page of docs/ that a program writes: where it lies, and what it should say. */
import { readFileSync } from 'node:fs';
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

/**
 * The page with its part of that name replaced: what stands between two marks is made by a program, the rest is written by hand.
 * @throws where the page has no such marks
 */
export function betweenMarks(file: string, name: string, made: string): string {
  const [start, end] = [`<!-- ${name}: written by npm run docs -->\n`, `\n<!-- end of ${name} -->`];
  const content = readFileSync(file, 'utf8');
  const [before, after] = [content.indexOf(start), content.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`${file} has not the two marks of its ${name}`);
  return content.slice(0, before) + start + made + content.slice(after);
}

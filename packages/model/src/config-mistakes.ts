/** What is wrong with a config, told alike for all families: the place, every field at fault, and why, in one line. */

import { findMistakes, inBoth, type Mistake, type Said } from '@tunan/protocol/mistakes';
import type { z } from 'zod';
import { ModelError } from './errors.ts';

/**
 * The config as the schema reads it.
 * @param place said in the error, such as the file
 * @throws ModelError MODEL_BAD_CONFIG
 */
export function checkedConfig<S extends z.ZodType>(schema: S, value: unknown, place: string): z.output<S> {
  const found = findMistakes(schema, value);
  if ('value' in found) return found.value;
  const { en, zh } = inOneLine(found.mistakes);
  throw new ModelError('MODEL_BAD_CONFIG', { en: `${place}: ${en}`, zh: `${place}：${zh}` });
}

/**
 * A config.json as the schema of what can be run reads it.
 * @param kind of model that it says it is, such as GPT-2
 * @throws ModelError MODEL_OTHER_FORMAT
 */
export function checkedFile<S extends z.ZodType>(schema: S, value: unknown, file: string, kind: string): z.output<S> {
  const found = findMistakes(schema, value);
  if ('value' in found) return found.value;
  throw otherFormat(file, kind, inOneLine(found.mistakes));
}

/** @param reason begins with the field */
export function otherFormat(file: string, kind: string, reason: Said): ModelError {
  return new ModelError('MODEL_OTHER_FORMAT', {
    en: `${file}: not a ${kind} that can be run here: ${reason.en}`,
    zh: `${file}：不是此处能运行的 ${kind}：${reason.zh}`,
  });
}

type Issues = z.core.$ZodRawIssue[];

/** For the `check` of a schema: what is wrong with one field beside others. */
export function addIssue(issues: Issues, field: string, en: string, zh: string): void {
  issues.push({ code: 'custom', message: inBoth(en, zh), input: undefined, path: [field] });
}

export function addVocabularyIssue(
  issues: Issues,
  config: { readonly vocabularySize: number; readonly endOfDocumentId?: number | undefined },
): void {
  const { vocabularySize: size, endOfDocumentId: id } = config;
  if (id === undefined || id < size) return;
  addIssue(
    issues,
    'endOfDocumentId',
    `id ${id} is outside a vocabulary of ${size}`,
    `编号 ${id} 超出大小为 ${size} 的词表`,
  );
}

function inOneLine(mistakes: readonly Mistake[]): Said {
  const list = (language: 'en' | 'zh', colon: string, comma: string) =>
    mistakes.map((one) => (one.path === '' ? one[language] : one.path + colon + one[language])).join(comma);
  return { en: list('en', ': ', '; '), zh: list('zh', '：', '；') };
}

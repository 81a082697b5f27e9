/** Which form or measure a check of verse means, and the heads of an acrostic in it, by the inputs. */
import { type AppCheck, VERSE_FORMS, type VerseForm } from '@tunan/protocol';
import { AppError } from '../errors.ts';
import type { Inputs } from '../inputs.ts';
import { type Meter, readMeter } from '../verse/meter.ts';
import { FORM_NAMES, lineCount } from '../verse/tone-patterns.ts';

/** @throws AppError APP_BAD_INPUT */
export function verseFormOf(
  { form, head }: AppCheck & { use: 'verse' },
  inputs: Inputs,
): { readonly form: VerseForm; readonly heads: string | undefined } {
  const found = typeof form === 'string' ? form : named(inputs[form.input] ?? '');
  const heads = head === undefined ? undefined : inputs[head];
  const count = Array.from(heads ?? '').length;
  if (heads !== undefined && count !== lineCount(found)) {
    throw new AppError('APP_BAD_INPUT', {
      en: `"${head}" has ${count} characters, a ${FORM_NAMES[found].en} has ${lineCount(found)} lines: give as many`,
      zh: `“${head}”有 ${count} 字，${FORM_NAMES[found].zh}有 ${lineCount(found)} 句：请给出同样多的字`,
    });
  }
  return { form: found, heads };
}

function named(name: string): VerseForm {
  const found = VERSE_FORMS.find((form) => form === name || FORM_NAMES[form].zh === name);
  if (found !== undefined) return found;
  const known = VERSE_FORMS.map((form) => FORM_NAMES[form].zh);
  throw new AppError('APP_BAD_INPUT', {
    en: `"${name}" is no form of verse: one of ${known.join(', ')}, or ${VERSE_FORMS.join(', ')}`,
    zh: `“${name}”不是诗体：可用${known.join('、')}`,
  });
}

/** @throws AppError APP_BAD_INPUT */
export function meterOf({ form }: AppCheck & { use: 'meter' }, inputs: Inputs): Meter {
  if (typeof form === 'string') return readMeter(form);
  const name = inputs[form.input] ?? '';
  const found = Object.hasOwn(form.forms, name) ? form.forms[name] : undefined;
  if (found !== undefined) return readMeter(found);
  const known = Object.keys(form.forms);
  throw new AppError('APP_BAD_INPUT', {
    en: `"${name}" has no measure here: one of ${known.join(', ')}`,
    zh: `“${name}”没有谱：可用${known.join('、')}`,
  });
}

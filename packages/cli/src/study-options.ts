/** What a command line of `tunan study new` says of texts and judges, checked. */
import { existsSync } from 'node:fs';
import type { Said } from '@tunan/files';
import { readJsonFile } from '@tunan/protocol/mistakes';
import { STUDY_KINDS, type StudyDesign, type StudyKind } from '@tunan/protocol/studies';
import { UsageError } from './errors.ts';
import { text } from './language.ts';

/** @throws UsageError */
export function readDesign(design: string): StudyDesign {
  if (design === 'single' || design === 'pair') return design;
  throw new UsageError(
    text(`--design is single or pair, not '${design}'`, `--design 应为 single 或 pair，而不是“${design}”`),
  );
}

/** @throws UsageError for a number outside its range */
export function within(flag: string, value: number, [low, high]: readonly [number, number], whole = true): number {
  if (value >= low && value <= high && (!whole || Number.isInteger(value))) return value;
  const kind = whole ? text('a whole number', '整数') : text('a number', '数');
  throw new UsageError(
    text(
      `--${flag} must be ${kind} from ${low} to ${high}, not ${value}`,
      `--${flag} 应为 ${low} 到 ${high} 的${kind}，而不是 ${value}`,
    ),
  );
}

/** `KIND=TEMPLATE`, in which `\n` is a line end. @throws UsageError */
export function readTemplates(given: readonly string[] | undefined): Partial<Record<StudyKind, string>> {
  const templates: Partial<Record<StudyKind, string>> = {};
  for (const one of given ?? []) {
    const [, name = '', template = ''] = /^(\w+)=(.*)$/s.exec(one) ?? [];
    const kind = STUDY_KINDS.find((known) => known === name);
    if (kind === undefined || !template.includes('{prompt}')) {
      throw new UsageError(
        text(
          `--template '${one}' must be KIND=TEXT with {prompt} in the text; kinds are ${STUDY_KINDS.join(', ')}`,
          `--template “${one}”应为 KIND=TEXT，其中含有 {prompt}；类别有 ${STUDY_KINDS.join('、')}`,
        ),
      );
    }
    templates[kind] = template.replaceAll('\\n', '\n');
  }
  return templates;
}

/** A file `{ "zh": …, "en": … }`. @throws UsageError */
export function readConsent(file: string | undefined): Said | undefined {
  if (file === undefined) return undefined;
  const read = existsSync(file) ? readJsonFile(file) : undefined;
  const value = read !== undefined && 'value' in read ? (read.value as Partial<Said> | null) : undefined;
  if (typeof value?.zh === 'string' && typeof value.en === 'string') return { zh: value.zh, en: value.en };
  const problem = read !== undefined && 'problem' in read ? text(read.problem.en, read.problem.zh) : '';
  throw new UsageError(
    problem ||
      text(
        `--consent ${file} must be a JSON file {"zh": "…", "en": "…"}`,
        `--consent ${file} 应为 JSON 文件 {"zh": "…", "en": "…"}`,
      ),
  );
}

/**
 * Turns a failed schema check into one line for the caller, in English or Chinese.
 *
 * Names the first field at fault and how many more there are. Does not check anything by itself: the caller's input is
 * parsed again in the asked language, because zod words an issue while it parses.
 */
import * as z from 'zod';

export type Language = 'en' | 'zh';

/** What was wrong with a request: the field (dotted path, null for the whole body) and one line about it. */
export interface InvalidInput {
  readonly param: string | null;
  readonly message: string;
}

const ERROR_MAPS: Record<Language, z.core.$ZodErrorMap> = {
  en: z.locales.en().localeError,
  zh: z.locales.zhCN().localeError,
};

/** zod says only "invalid input" when no branch of a union fits; these say what the branches are. */
const UNION_HINTS: Record<string, Record<Language, string>> = {
  prompt: {
    en: 'expected a text, a list of texts, a list of token ids, or a list of lists of token ids',
    zh: '应为一段文本、文本列表、词元编号列表，或词元编号列表的列表',
  },
  stop: {
    en: 'expected a non-empty text or a list of at most 16 non-empty texts of at most 256 characters',
    zh: '应为一段非空文本，或至多 16 段非空文本的列表，每段至多 256 字',
  },
};

/** The language that an Accept-Language header prefers; English when it names neither. */
export function preferredLanguage(acceptLanguage: string | undefined): Language {
  const ranges = (acceptLanguage ?? '').split(',').map((range, position) => {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';');
    const quality = parameters.map((p) => /^\s*q=([\d.]+)$/.exec(p)?.[1]).find((q) => q !== undefined);
    return { tag: tag.trim(), quality: quality === undefined ? 1 : Number(quality), position };
  });
  ranges.sort((a, b) => b.quality - a.quality || a.position - b.position);
  for (const { tag, quality } of ranges) {
    if (!(quality > 0)) continue;
    if (tag === 'zh' || tag.startsWith('zh-')) return 'zh';
    if (tag === 'en' || tag.startsWith('en-')) return 'en';
  }
  return 'en';
}

/** Why `schema` refuses `input`, or undefined when it accepts it. */
export function describeInvalid(schema: z.ZodType, input: unknown, language: Language): InvalidInput | undefined {
  const result = schema.safeParse(input, { error: ERROR_MAPS[language] });
  if (result.success) return undefined;
  const [first, ...others] = result.error.issues;
  if (first === undefined) throw new Error('zod refused the input without an issue');
  const path = first.path.map(String);
  const param = path.length > 0 ? path.join('.') : first.code === 'unrecognized_keys' ? (first.keys[0] ?? null) : null;
  const hint = first.code === 'invalid_union' ? UNION_HINTS[path[0] ?? '']?.[language] : undefined;
  const more =
    others.length === 0 ? '' : language === 'zh' ? `（另有 ${others.length} 处错误）` : ` (and ${others.length} more)`;
  return { param, message: `${path.length > 0 ? `${path.join('.')}: ` : ''}${hint ?? first.message}${more}` };
}

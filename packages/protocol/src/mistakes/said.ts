/** Chinese texts of the places where a schema takes a single string. */

const chinese = new Map<string, string>();

/**
 * The English text, whose Chinese is remembered: for the places where a schema takes a single string, such as
 * `.regex(pattern, inBoth('lower-case letters', '小写字母'))` and `.describe(inBoth('Name of the corpus.', '语料的名称。'))`.
 */
export function inBoth(en: string, zh: string): string {
  const known = chinese.get(en);
  if (known !== undefined && known !== zh) throw new Error(`"${en}" has two Chinese texts: ${known}, ${zh}`);
  chinese.set(en, zh);
  return en;
}

/** The Chinese of a text that went through `inBoth`; undefined for any other. */
export function chineseOf(en: string): string | undefined {
  return chinese.get(en);
}

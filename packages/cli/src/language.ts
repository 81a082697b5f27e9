/**
 * The language of messages: Chinese where the locale is Chinese (LC_ALL, LC_MESSAGES, LANG), English elsewhere.
 *
 * One language a process, decided at the start. scripts/setup/say.mjs decides in the same way.
 */
const chinese = /^zh/i.test(process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '');

export function text(english: string, inChinese: string): string {
  return chinese ? inChinese : english;
}

/**
 * The language of messages: `--lang zh` or `--lang en`; else Chinese where the locale is Chinese (LC_ALL, LC_MESSAGES, LANG), English
 * elsewhere.
 *
 * One language a process, decided when this module is loaded, since helps are written then. scripts/setup/say.mjs decides alike.
 */
import type { Said } from '@tunan/protocol/mistakes';

export const LANGUAGES = ['zh', 'en'] as const;

/** The language that a command line asks for, whatever it is; undefined where it asks for none. `--` ends the options. */
export function languageAsked(argv: readonly string[]): string | undefined {
  const end = argv.indexOf('--');
  const options = end < 0 ? argv : argv.slice(0, end);
  const at = options.findLastIndex((argument) => argument === '--lang' || argument.startsWith('--lang='));
  return at < 0 ? undefined : options[at] === '--lang' ? (options[at + 1] ?? '') : options[at]!.slice('--lang='.length);
}

/** The command line without its `--lang`. */
export function withoutLanguage(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const options = end < 0 ? argv : argv.slice(0, end);
  const kept = options.filter((argument, at) => !/^--lang(=|$)/.test(argument) && options[at - 1] !== '--lang');
  return [...kept, ...(end < 0 ? [] : argv.slice(end))];
}

const asked = languageAsked(process.argv.slice(2));
const locale = process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '';
const chinese = asked === 'zh' || (asked !== 'en' && /^zh/i.test(locale));

export function text(english: string, inChinese: string): string {
  return chinese ? inChinese : english;
}

/** The one of both that this process speaks. */
export function spoken({ en, zh }: Said): string {
  return text(en, zh);
}

/**
 * The tone patterns of regulated verse, after 王力, 诗词格律: four kinds of lines, and the four orders in which they make a poem.
 *
 * In the patterns 平 is `P`, 仄 `Z`, either `.`. What is accepted beside the pure forms: the places that are free (the third of five in A, the
 * first in all but B), and of 拗救 these: in B an oblique first place that a level third one makes good (孤平拗救); C as 平平仄平仄
 * (特拗); A with an oblique fourth place, made good by a level third place of the B that follows (大拗, 对句相救); and three oblique ends in C
 * behind level beginnings. Not accepted: 三平尾, 孤平, lines that do not follow each other (失对, 失粘).
 */
import type { VerseForm } from '@tunan/protocol';
import type { Tone } from './rhyme-book.ts';

/** Kinds of lines, by the tones of their five-character form: A 仄仄平平仄, B 平平仄仄平, C 平平平仄仄, D 仄仄仄平平. */
export type LineKind = 'A' | 'B' | 'C' | 'D';

/** Alternatives of the five-character form, the pure one first. */
const FIVE: Readonly<Record<LineKind, readonly string[]>> = {
  A: ['.Z.PZ', '.Z.ZZ'],
  B: ['PPZZP', 'PPPZP', 'ZPPZP'],
  C: ['.PPZZ', 'PPZPZ', 'PPZZZ'],
  D: ['.ZZPP'],
};
/** An A of this form needs a B with a level third place. */
const BOLD = '.Z.ZZ';
const BOLD_SAVED = ['PPPZP', 'ZPPZP'];

/** What stands before the five in a line of seven. */
const HEAD: Readonly<Record<LineKind, string>> = { A: '.P', B: '.Z', C: '.Z', D: '.P' };

export interface Scheme {
  readonly kinds: readonly LineKind[];
  readonly name: { readonly zh: string; readonly en: string };
}

/** Those whose first line rhymes come first: where its last character can be read in both tones, it is the rhyme. */
const QUATRAINS: readonly string[] = ['DBCD', 'BDAB', 'ABCD', 'CDAB'];

export const lineCount = (form: VerseForm): 4 | 8 => (form.endsWith('quatrain') ? 4 : 8);
export const lineLength = (form: VerseForm): 5 | 7 => (form.startsWith('five') ? 5 : 7);

export const FORM_NAMES: Readonly<Record<VerseForm, { readonly zh: string; readonly en: string }>> = {
  'five-quatrain': { zh: '五绝', en: 'quatrain of five' },
  'seven-quatrain': { zh: '七绝', en: 'quatrain of seven' },
  'five-regulated': { zh: '五律', en: 'regulated verse of five' },
  'seven-regulated': { zh: '七律', en: 'regulated verse of seven' },
};

/** The four orders of lines of a form. */
export function schemesOf(form: VerseForm): Scheme[] {
  return QUATRAINS.map((quatrain) => {
    const [first] = quatrain as unknown as LineKind[];
    // Of eight lines the last four are those that begin without a rhyme.
    const rest = quatrain.endsWith('CD') ? 'ABCD' : 'CDAB';
    const kinds = [...quatrain, ...(lineCount(form) === 8 ? rest : '')] as LineKind[];
    const begins = (lineLength(form) === 5 ? FIVE[first!][0]! : HEAD[first!])[1] === 'P' ? '平起' : '仄起';
    const rhymes = first === 'B' || first === 'D';
    return {
      kinds,
      name: {
        zh: `${begins}首句${rhymes ? '' : '不'}入韵`,
        en: `${begins === '平起' ? 'level' : 'oblique'} beginning, first line ${rhymes ? 'rhymes' : 'does not rhyme'}`,
      },
    };
  });
}

/** Which lines rhyme: those that end in a level tone. */
export const rhymes = (kind: LineKind): boolean => kind === 'B' || kind === 'D';

/** The alternatives of a line, each a text of P, Z and `.`; the pure one first. */
export function patternsOf(kind: LineKind, length: 5 | 7, before?: { readonly bold: boolean }): string[] {
  const five = kind === 'B' && before?.bold === true ? BOLD_SAVED : FIVE[kind];
  return five.map((pattern) => (length === 7 ? HEAD[kind] : '') + pattern);
}

/** Whether an alternative is the one that the next line has to make good. */
export const isBold = (pattern: string): boolean => pattern.endsWith(BOLD);

/** What a place of a pattern asks for. */
export function toneAt(pattern: string, place: number): Tone | undefined {
  const mark = pattern[place];
  return mark === 'P' ? 'level' : mark === 'Z' ? 'oblique' : undefined;
}

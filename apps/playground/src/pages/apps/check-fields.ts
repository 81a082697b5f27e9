/** What can be changed in each check of an application: its fields, how each is entered, and what a check is when it is added. */
import type { App, AppCheck } from '@tunan/protocol';

export type CheckUse = AppCheck['use'];

export type CheckField =
  /** The name of an input; with `none`, or no input at all. */
  | { readonly kind: 'input'; readonly name: string; readonly none?: boolean }
  | { readonly kind: 'flag'; readonly name: string }
  /** Without `required` the field may be left empty. */
  | {
      readonly kind: 'count';
      readonly name: string;
      readonly min: number;
      readonly max: number;
      readonly required?: boolean;
    }
  | { readonly kind: 'text'; readonly name: string; readonly required?: boolean }
  /** A list, one a line. */
  | { readonly kind: 'list'; readonly name: string; readonly required?: boolean }
  | { readonly kind: 'choice'; readonly name: string; readonly of: readonly string[] }
  | { readonly kind: 'verse-form' | 'measures' | 'line-length'; readonly name: string };

const BOOK = { kind: 'choice', name: 'book', of: ['pingshui', 'ci', 'new'] } as const;
const IMPOSE = { kind: 'flag', name: 'impose' } as const;
const TONES = { kind: 'flag', name: 'tones' } as const;
const RHYME = { kind: 'flag', name: 'rhyme' } as const;
const OF = { kind: 'input', name: 'of' } as const;
const LONGEST = 65_536;

export const CHECK_FIELDS: Readonly<Record<CheckUse, readonly CheckField[]>> = {
  verse: [
    { kind: 'verse-form', name: 'form' },
    { kind: 'input', name: 'head', none: true },
    BOOK,
    TONES,
    RHYME,
    IMPOSE,
  ],
  meter: [{ kind: 'measures', name: 'form' }, BOOK, TONES, RHYME, IMPOSE],
  couplet: [OF, { kind: 'choice', name: 'tones', of: ['last', 'even', 'off'] }, BOOK, IMPOSE],
  parallel: [
    { kind: 'input', name: 'of', none: true },
    { kind: 'count', name: 'departures', min: 0, max: 20, required: true },
    IMPOSE,
  ],
  acrostic: [OF, { kind: 'count', name: 'characters', min: 2, max: 20 }, IMPOSE],
  lines: [
    { kind: 'count', name: 'least', min: 1, max: 4096, required: true },
    { kind: 'count', name: 'most', min: 1, max: 4096 },
    { kind: 'line-length', name: 'characters' },
  ],
  length: [
    { kind: 'count', name: 'least', min: 0, max: LONGEST, required: true },
    { kind: 'count', name: 'most', min: 1, max: LONGEST },
  ],
  pattern: [{ kind: 'text', name: 'pattern', required: true }, IMPOSE],
  choice: [{ kind: 'list', name: 'texts', required: true }, IMPOSE],
  'from-input': [OF, { kind: 'text', name: 'separators' }, { kind: 'list', name: 'allowed' }],
  new: [],
};

export const CHECK_USES = Object.keys(CHECK_FIELDS) as CheckUse[];

/** A check as the server would fill it in, of the first input where one is needed. */
export function newCheck(use: CheckUse, { inputs }: App): AppCheck {
  const of = inputs[0]?.name ?? '';
  const verse = { tones: true, rhyme: true, impose: true };
  switch (use) {
    case 'verse':
      return { use, form: 'five-quatrain', book: 'pingshui', ...verse };
    case 'meter':
      return { use, form: '', book: 'ci', ...verse };
    case 'couplet':
      return { use, of, tones: 'even', book: 'pingshui', impose: true };
    case 'parallel':
      return { use, of, departures: 1, impose: true };
    case 'acrostic':
      return { use, of, impose: true };
    case 'lines':
    case 'length':
      return { use, least: 1 };
    case 'pattern':
      return { use, pattern: '', impose: true };
    case 'choice':
      return { use, texts: [], impose: true };
    case 'from-input':
      return { use, of, separators: '、，,；;\n', allowed: [] };
    case 'new':
      return { use };
  }
}

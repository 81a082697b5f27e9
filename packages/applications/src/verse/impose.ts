/**
 * Forms of verse as grammars, so that a model cannot leave them while it writes: each is described by its lines and places (form.ts). What a
 * description cannot say, such as that a couplet repeats no character, is left to the check.
 */
import type { VerseForm } from '@tunan/protocol';
import { type CoupletOptions, partsOf, rhythmPlaces } from './couplet.ts';
import { common, type FormLine, formGrammar, type Place } from './form.ts';
import type { Meter } from './meter.ts';
import { departs, WORD_CLASSES } from './parallel.ts';
import type { RhymeBook } from './rhyme-book.ts';
import {
  isBold,
  type LineKind,
  lineCount,
  lineLength,
  patternsOf,
  rhymes,
  schemesOf,
  toneAt,
} from './tone-patterns.ts';
import { isHan } from './verses.ts';

export interface ImposedVerse {
  readonly form: VerseForm;
  readonly book: RhymeBook;
  readonly tones: boolean;
  readonly rhyme: boolean;
  /** Characters that begin the lines. */
  readonly heads?: string | undefined;
  /** Whether the middle couplets of eight lines are parallel, as far as classes of words go. */
  readonly parallel: boolean;
  /** Uniform in [0, 1): which order of lines, which rhyme, where words of a class stand against each other. */
  readonly draw: () => number;
}

/** A poem of the form, a couplet a line. */
export function verseGrammar({ form, book, tones, rhyme, heads, parallel, draw }: ImposedVerse): string {
  const schemes = schemesOf(form);
  const { kinds } = schemes[Math.floor(draw() * schemes.length)]!;
  const first = Array.from(heads ?? '');
  const length = lineLength(form);
  const classes = parallel && lineCount(form) === 8 ? middleClasses(length, draw) : [];
  const places = (kind: LineKind, line: number): Place[] => {
    const pattern = tones ? patternFor(kind, length, first[line], book) : '.'.repeat(length);
    return Array.from({ length }, (_, at) => {
      const isRhyme = rhyme && at === length - 1 && (tones ? rhymes(kind) : line % 2 === 1);
      return {
        tone: toneAt(pattern, at),
        exactly: at === 0 ? first[line] : undefined,
        rhyme: isRhyme ? 'rhyme' : undefined,
        fits: classes[line]?.[at],
      };
    });
  };
  return formGrammar([inCouplets(kinds.map((kind, line) => ({ places: places(kind, line) })))], { book, draw });
}

/** Classes of which a middle couplet may have one word against another, and how often it has. */
const SHARE_OF_COUPLETS = 0.6;

/**
 * For the places of lines 3 to 6: at one of each couplet words of a class that is drawn, and elsewhere none that ask for their like. A grammar
 * cannot say that two places belong together, so that it is settled beforehand.
 */
function middleClasses(length: number, draw: () => number): Place['fits'][][] {
  const asksNothing = (one: string) => !WORD_CLASSES.some(({ asks }) => asks.has(one));
  const couplet = () => {
    const drawn = draw() < SHARE_OF_COUPLETS ? WORD_CLASSES[Math.floor(draw() * WORD_CLASSES.length)] : undefined;
    // The last place rhymes.
    const at = Math.floor(draw() * (length - 1));
    return Array.from({ length }, (_, place) =>
      drawn !== undefined && place === at ? (one: string) => drawn.takes.has(one) : asksNothing,
    );
  };
  const [second, third] = [couplet(), couplet()];
  return [[], [], second, second, third, third];
}

/** The pure form, since what departs from it needs a reader's ear; where the head of an acrostic does not fit it, one that the head fits. */
function patternFor(kind: LineKind, length: 5 | 7, head: string | undefined, book: RhymeBook): string {
  const patterns = patternsOf(kind, length).filter((pattern) => !isBold(pattern));
  const fits = (pattern: string) =>
    book.fits(head ?? '', toneAt(pattern, 0) ?? 'level') || toneAt(pattern, 0) === undefined;
  return patterns.find(fits) ?? patterns[0]!;
}

/** Lines of any tones that begin with the heads. */
export function acrosticGrammar(
  heads: string,
  characters: number | undefined,
  book: RhymeBook,
  draw: () => number,
): string {
  const more = characters === undefined ? { least: 2, most: 9 } : { least: characters - 1, most: characters - 1 };
  const lines = Array.from(heads, (head) => ({ places: [{ exactly: head }], more }));
  return formGrammar([inCouplets(lines)], { book, draw });
}

/** A tune's own lines and marks. */
export function meterGrammar({ lines }: Meter, book: RhymeBook, draw: () => number): string {
  return formGrammar([lines], { book, draw });
}

/** What stands for characters that the upper line repeats: so many to choose from. */
const REPEATED = 40;
/** Characters that poems double (悠悠, 漠漠). */
const DOUBLED = '悠茫青依萋迢苍深纷沉霏涓潺离森盈翩溶泠漠落历寂渺淡处点滴袅恰簌脉楚飒漫';

/**
 * A lower line: the marks of the upper one, tones against it, none of its characters. A grammar cannot say that two places are equal: where
 * the upper line repeats a character, the model chooses among lines that have one of some characters at those places.
 * @param options parallel: words of a class stand against their like
 * @param draw uniform in [0, 1): which characters
 */
export function coupletGrammar(
  upper: string,
  { book, tones, parallel = false }: CoupletOptions & { readonly parallel?: boolean | undefined },
  draw: () => number,
): string {
  const { characters } = partsOf(upper);
  const bound = new Set(rhythmPlaces(upper, tones));
  const wanted = characters.map((character, place) => {
    const tone = bound.has(place) ? book.toneOf(character) : undefined;
    return tone === undefined ? undefined : tone === 'level' ? 'oblique' : 'level';
  });
  const fits = characters.map((above) => (parallel ? (one: string) => departs(above, one) === undefined : undefined));
  const repeated = [...new Set(characters.filter((character, place) => characters.indexOf(character) < place))];
  const choices = repeated.map((character) => {
    const places = characters.flatMap((one, place) => (one === character ? [place] : []));
    const asked = new Set(places.map((place) => wanted[place]));
    const fitting = (one: string) =>
      !characters.includes(one) &&
      places.every((place) => fits[place]?.(one) ?? true) &&
      (['level', 'oblique'] as const).every((tone) => !asked.has(tone) || book.toneOf(one) === tone);
    const isDoubled = places.every((place, i) => i === 0 || place === places[i - 1]! + 1);
    return { places, from: (isDoubled ? [...DOUBLED] : common(book.characters)).filter(fitting) };
  });
  const lines = Array.from({ length: choices.length === 0 ? 1 : REPEATED }, () => {
    const fixed = new Map(
      choices.flatMap(({ places, from }) => {
        const chosen = from[Math.floor(draw() * from.length)];
        return places.map((place) => [place, chosen] as const);
      }),
    );
    return lowerLine(upper, (place) => ({ tone: wanted[place], exactly: fixed.get(place), fits: fits[place] }));
  });
  return formGrammar(lines, { book, without: new Set(characters), draw });
}

/** The upper line with its marks, each character a place. */
function lowerLine(upper: string, placeOf: (place: number) => Place): FormLine[] {
  const lines: FormLine[] = [];
  let places: Place[] = [];
  let place = 0;
  for (const character of upper.trim()) {
    if (isHan(character)) places.push(placeOf(place++));
    else {
      lines.push({ places, mark: character });
      places = [];
    }
  }
  return [...lines, { places, mark: '' }];
}

/** Two lines stand beside each other; behind them the line ends. */
function inCouplets(lines: readonly Omit<FormLine, 'mark'>[]): FormLine[] {
  return lines.map((line, place) => {
    const isLast = place === lines.length - 1;
    return { ...line, mark: place % 2 === 0 && !isLast ? '，' : isLast ? '。' : '。\n' };
  });
}

/**
 * Forms of verse as grammars (GBNF), so that a model cannot leave them while it writes: lines and their lengths, tones, a rhyme, the heads
 * of an acrostic, the tones of a lower line. Only characters go in whose reading is certain, so that what is written passes the check by any
 * reading; that a rhyme is not repeated, or a couplet repeats where it should, cannot be said so, and is left to the check.
 */
import type { VerseForm } from '@tunan/protocol';
import { type CoupletOptions, partsOf, rhythmPlaces } from './couplet.ts';
import { type Rhyme, type RhymeBook, rhymeBook } from './rhyme-book.ts';
import { isBold, type LineKind, lineLength, patternsOf, rhymes, schemesOf, toneAt } from './tone-patterns.ts';
import { isHan } from './verses.ts';

/** Rhymes with fewer characters leave a poem too little to say. */
const FEWEST_RHYMES = 50;

export interface ImposedVerse {
  readonly form: VerseForm;
  readonly book: RhymeBook;
  readonly tones: boolean;
  readonly rhyme: boolean;
  /** Characters that begin the lines. */
  readonly heads?: string | undefined;
  /** Uniform in [0, 1): which order of lines, which rhyme. */
  readonly draw: () => number;
}

/** A poem of the form, a couplet a line. */
export function verseGrammar({ form, book, tones, rhyme, heads, draw }: ImposedVerse): string {
  const schemes = schemesOf(form);
  const { kinds } = schemes[Math.floor(draw() * schemes.length)]!;
  const ending = rhyme ? rhymeSet(book, draw) : undefined;
  const first = Array.from(heads ?? '');
  const length = lineLength(form);
  const line = (kind: LineKind, place: number): string => {
    const pattern = tones ? patternFor(kind, length, first[place], book) : '.'.repeat(length);
    return Array.from({ length }, (_, at) => {
      if (at === 0 && first[place] !== undefined) return quoted(first[place]);
      if (at === length - 1 && ending !== undefined && (tones ? rhymes(kind) : place % 2 === 1)) return 'rhyme';
      return toneAt(pattern, at) ?? 'any';
    }).join(' ');
  };
  return [
    `root ::= ${joined(kinds.map(line))}`,
    ...setsOf(book),
    ...(ending === undefined ? [] : [`rhyme ::= ${ending}`]),
  ].join('\n');
}

/** The pure form, since what departs from it needs a reader's ear; where the head of an acrostic does not fit it, one that the head fits. */
function patternFor(kind: LineKind, length: 5 | 7, head: string | undefined, book: RhymeBook): string {
  const patterns = patternsOf(kind, length).filter((pattern) => !isBold(pattern));
  const fits = (pattern: string) =>
    book.fits(head ?? '', toneAt(pattern, 0) ?? 'level') || toneAt(pattern, 0) === undefined;
  return patterns.find(fits) ?? patterns[0]!;
}

/** Lines of any tones that begin with the heads. */
export function acrosticGrammar(heads: string, characters: number | undefined, book: RhymeBook): string {
  const rest = characters === undefined ? 'any{2,9}' : `any{${characters - 1}}`;
  const lines = Array.from(heads, (head) => `${quoted(head)} ${rest}`);
  return [`root ::= ${joined(lines)}`, ...setsOf(book)].join('\n');
}

/** What stands for characters that the upper line repeats: so many to choose from. */
const REPEATED = 40;
/** Characters that poems double (悠悠, 漠漠). */
const DOUBLED = '悠茫青依萋迢苍深纷沉霏涓潺离森盈翩溶泠漠落历寂渺淡处点滴袅恰簌脉楚飒漫';

/**
 * A lower line: the marks of the upper one, tones against it, none of its characters. A grammar cannot say that two places are equal: where
 * the upper line repeats a character, the model chooses among lines that have one of some characters at those places.
 * @param draw uniform in [0, 1): which characters
 */
export function coupletGrammar(upper: string, { book, tones }: CoupletOptions, draw: () => number): string {
  const { characters } = partsOf(upper);
  const bound = new Set(rhythmPlaces(upper, tones));
  const wanted = characters.map((character, place) => {
    const tone = bound.has(place) ? book.toneOf(character) : undefined;
    return tone === undefined ? 'any' : tone === 'level' ? 'oblique' : 'level';
  });
  const repeated = [...new Set(characters.filter((character, place) => characters.indexOf(character) < place))];
  const choices = repeated.map((character) => {
    const places = characters.flatMap((one, place) => (one === character ? [place] : []));
    const asked = new Set(places.map((place) => wanted[place]!));
    const fitting = (one: string) =>
      !characters.includes(one) &&
      (['level', 'oblique'] as const).every((tone) => !asked.has(tone) || book.toneOf(one) === tone);
    const isDoubled = places.every((place, i) => i === 0 || place === places[i - 1]! + 1);
    return { places, from: (isDoubled ? [...DOUBLED] : common(book.characters)).filter(fitting) };
  });
  const line = (fixed: ReadonlyMap<number, string>) => {
    let place = 0;
    return Array.from(upper.trim(), (character) => {
      if (!isHan(character)) return quoted(character);
      const at = place++;
      return fixed.get(at) ?? wanted[at]!;
    }).join(' ');
  };
  const lines = Array.from({ length: choices.length === 0 ? 1 : REPEATED }, () => {
    const fixed = choices.flatMap(({ places, from }) => {
      const chosen = from[Math.floor(draw() * from.length)];
      return chosen === undefined ? [] : places.map((place) => [place, quoted(chosen)] as const);
    });
    return line(new Map(fixed));
  });
  return [`root ::= ${[...new Set(lines)].join(' | ')}`, ...setsOf(book, new Set(characters))].join('\n');
}

/** Two lines stand beside each other; behind them the line ends. */
function joined(lines: readonly string[]): string {
  const marks = lines.map((_, place) => {
    const isLast = place === lines.length - 1;
    if (place % 2 === 0 && !isLast) return '，';
    return isLast ? '。' : '。\n';
  });
  return lines.map((line, place) => `${line} ${quoted(marks[place]!)}`).join(' ');
}

function setsOf(book: RhymeBook, without: ReadonlySet<string> = new Set()): string[] {
  const rule = (name: string, characters: readonly string[]) =>
    `${name} ::= ${set(common(characters).filter((character) => !without.has(character)))}`;
  return [rule('any', book.characters), rule('level', book.always('level')), rule('oblique', book.always('oblique'))];
}

function rhymeSet(book: RhymeBook, draw: () => number): string {
  const certain = (rhyme: Rhyme) => common([...rhyme.characters]).filter((one) => book.toneOf(one) === 'level');
  const large = book.levelRhymes.map(certain).filter((characters) => characters.length >= FEWEST_RHYMES);
  return set(large[Math.floor(draw() * large.length)]!);
}

/** Those that today's book has too: Simplified, and none that nobody reads. */
function common(characters: readonly string[]): string[] {
  const today = rhymeBook('new');
  return characters.filter((character) => character >= '\u4e00' && character <= '\u9fff' && today.knows(character));
}

const set = (characters: readonly string[]): string => `[${[...characters].sort().join('')}]`;

const quoted = (text: string): string => JSON.stringify(text);

/**
 * JSON as it is written under a constraint: what JSON.stringify writes, compact or with white space.
 *
 * A string has one spelling: no character is escaped that need not be, so that lengths and patterns count characters, and a name is known
 * by its text. White space is a blank, or a line end with some indentation, so that a model cannot fill its answer with it. A number has
 * so few digits that a double holds it exactly, and no exponent that would make it infinite.
 */
import { type CodePoints, charactersOf, complement, EVERY_CHARACTER, intersection } from '../code-points.ts';
import {
  character,
  choice,
  EMPTY,
  type Expression,
  NOTHING,
  optional,
  repeat,
  respell,
  rule,
  sequence,
  text,
} from '../expression.ts';

/** Digits before and behind the point. */
export const MOST_DIGITS = 15;
const MOST_INDENTATION = 20;

const ESCAPED = charactersOf('"\\');
const CONTROL: CodePoints = [[0, 0x1f]];
const PLAIN = intersection(EVERY_CHARACTER, complement([...ESCAPED, ...CONTROL].sort((a, b) => a[0] - b[0])));

/** Characters that have an escape of one letter. */
const SHORT: readonly (readonly [point: number, letter: string])[] = [...'"\\\b\f\n\r\t'].map((one) => [
  one.codePointAt(0)!,
  JSON.stringify(one).at(-2)!,
]);

/** The characters of a set inside of a string. What is escaped shares its backslash, so that few ways begin alike. */
function inString(set: CodePoints): Expression {
  const has = (point: number) => set.some(([from, to]) => from <= point && point <= to);
  const letters = SHORT.filter(([point]) => has(point)).map(([, letter]) => letter);
  const long = Array.from({ length: 0x20 }, (_, point) => point).filter(
    (point) => has(point) && !SHORT.some(([short]) => short === point),
  );
  const digits = (high: number) =>
    long.filter((point) => point >> 4 === high).map((point) => (point & 15).toString(16));
  const escapes = [
    character(charactersOf(letters.join(''))),
    sequence(
      text('u00'),
      choice(...[0, 1].map((high) => sequence(text(`${high}`), character(charactersOf(digits(high).join('')))))),
    ),
  ];
  return choice(character(intersection(set, PLAIN)), sequence(text('\\'), choice(...escapes)));
}

/** A string whose characters are those of an expression. */
export function stringOf(content: Expression): Expression {
  return sequence(text('"'), respell(content, inString), text('"'));
}

export const DIGIT = character(charactersOf('0123456789'));
const NONZERO = character(charactersOf('123456789'));

/** An integer >= 0. */
export const WHOLE = choice(text('0'), sequence(NONZERO, repeat(DIGIT, 0, MOST_DIGITS - 1)));
export const INTEGER = sequence(optional(text('-')), WHOLE);
const EXPONENT = sequence(character(charactersOf('eE')), optional(character(charactersOf('+-'))), repeat(DIGIT, 1, 2));
export const NUMBER = sequence(
  INTEGER,
  optional(sequence(text('.'), repeat(DIGIT, 1, MOST_DIGITS))),
  optional(EXPONENT),
);

const SPACE = rule('json space');
export const VALUE = rule('json value');
export const OBJECT = rule('json object');
const ARRAY = rule('json array');
export const STRING = rule('json string');
export const CHARACTER = rule('json character');

/** `open`, members with commas between, `close`; `members` undefined for none. */
export function enclosed(open: string, members: Expression | undefined, close: string): Expression {
  if (members === undefined) return sequence(text(open), SPACE, text(close));
  return sequence(text(open), SPACE, members, SPACE, text(close));
}

/** From `least` to `most` times, with commas between. */
export function listOf(part: Expression, least: number, most: number | undefined): Expression {
  if (most !== undefined && most < least) return NOTHING;
  if (most === 0) return EMPTY;
  const more = sequence(COMMA, part);
  const some = sequence(part, repeat(more, Math.max(0, least - 1), most === undefined ? undefined : most - 1));
  return least === 0 ? optional(some) : some;
}

export const COMMA = sequence(text(','), SPACE);

export const pairOf = (name: Expression, value: Expression): Expression => sequence(name, text(':'), SPACE, value);

/** Rules for values of any kind. */
export const JSON_RULES: ReadonlyMap<string, Expression> = new Map([
  [
    'json space',
    optional(choice(text(' '), sequence(text('\n'), repeat(character(charactersOf(' \t')), 0, MOST_INDENTATION)))),
  ],
  ['json value', choice(OBJECT, ARRAY, STRING, NUMBER, text('true'), text('false'), text('null'))],
  ['json object', enclosed('{', listOf(pairOf(STRING, VALUE), 0, undefined), '}')],
  ['json array', enclosed('[', listOf(VALUE, 0, undefined), ']')],
  ['json string', sequence(text('"'), repeat(CHARACTER, 0), text('"'))],
  ['json character', inString(EVERY_CHARACTER)],
]);

/** A string that is none of these. */
export function stringOtherThan(texts: readonly string[]): Expression {
  return sequence(text('"'), otherThan(texts.map((one) => [...one])), text('"'));
}

function otherThan(texts: readonly (readonly string[])[]): Expression {
  if (texts.length === 0) return repeat(CHARACTER, 0);
  const byFirst = Map.groupBy(
    texts.filter((one) => one.length > 0),
    ([first]) => first!,
  );
  const others = inString(complement(charactersOf([...byFirst.keys()].join(''))));
  const options = [sequence(others, repeat(CHARACTER, 0))];
  for (const [first, group] of byFirst) {
    options.push(sequence(inString(charactersOf(first)), otherThan(group.map((one) => one.slice(1)))));
  }
  if (texts.every((one) => one.length > 0)) options.push(EMPTY);
  return choice(...options);
}

/** Decimal numbers between bounds, and multiples of a number, as expressions. Written without an exponent. */
import { charactersOf } from '../code-points.ts';
import { constraintError } from '../constraint-error.ts';
import {
  all,
  character,
  choice,
  type Edge,
  EMPTY,
  type Expression,
  NOTHING,
  optional,
  repeat,
  sequence,
  text,
} from '../expression.ts';
import { DIGIT, MOST_DIGITS, WHOLE } from './json-text.ts';

export interface Bound {
  readonly value: number;
  /** The bound itself is outside. */
  readonly open: boolean;
}

export interface NumberRange {
  readonly least?: Bound;
  readonly most?: Bound;
  readonly multipleOf?: number;
  readonly integer: boolean;
}

/** A positive decimal: digits before and behind the point, no zeros that say nothing. */
interface Decimal {
  readonly whole: string;
  readonly fraction: string;
}

const LARGEST_MULTIPLE = 10_000;

/** @throws InferenceError for bounds or steps with more digits than numbers are written with */
export function numbersIn(range: NumberRange): Expression {
  const { least, most, integer } = range;
  const fraction = integer ? EMPTY : optional(sequence(text('.'), repeat(DIGIT, 1, MOST_DIGITS)));
  const magnitude = (low: Bound | undefined, high: Bound | undefined): Expression =>
    all(
      sequence(WHOLE, fraction),
      ...(low === undefined ? [] : [notBelow(low)]),
      ...(high === undefined ? [] : [notAbove(high)]),
      ...(range.multipleOf === undefined ? [] : [multiplesOf(range.multipleOf)]),
    );
  const options: Expression[] = [];
  const canBePositive = most === undefined || most.value > 0 || (most.value === 0 && !most.open);
  if (canBePositive) {
    const low = least !== undefined && (least.value > 0 || (least.value === 0 && least.open)) ? least : undefined;
    options.push(magnitude(low, most));
  }
  if (least === undefined || least.value < 0) {
    const low = most !== undefined && most.value < 0 ? negated(most) : { value: 0, open: true };
    options.push(sequence(text('-'), magnitude(low, least === undefined ? undefined : negated(least))));
  }
  return options.length === 0 ? NOTHING : choice(...options);
}

const negated = ({ value, open }: Bound): Bound => ({ value: -value, open });

function decimalOf(value: number): Decimal {
  const [whole = '0', fraction = ''] = plain(value).split('.');
  if (whole.length > MOST_DIGITS || fraction.length > MOST_DIGITS) {
    throw constraintError({ en: `the bound ${value} has too many digits`, zh: `界限 ${value} 的位数过多` });
  }
  return { whole, fraction };
}

/** Without an exponent. */
function plain(value: number): string {
  const [, digits = '', fraction = '', exponent] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  if (exponent === undefined) return fraction === '' ? digits : `${digits}.${fraction}`;
  const shift = Number(exponent);
  if (shift < 0) return `0.${'0'.repeat(-shift - 1)}${digits}${fraction}`;
  return digits + fraction.padEnd(shift, '0');
}

const digitsIn = (from: number, to: number): Expression =>
  from > to ? NOTHING : character([[0x30 + from, 0x30 + to]]);
const POINT = text('.');
const REST = repeat(DIGIT, 0, MOST_DIGITS);
const ANY_FRACTION = optional(sequence(POINT, repeat(DIGIT, 1)));
/** Digits of which one is not 0. */
const SOMETHING = sequence(repeat(text('0'), 0), character(charactersOf('123456789')), repeat(DIGIT, 0));

/** Whole numbers that are greater, or less, written with the same number of digits. */
function deviating(whole: string, greater: boolean): Expression[] {
  return [...whole].map((letter, place) => {
    const digit = Number(letter);
    // A number of several digits does not begin with 0.
    const smallest = place === 0 && whole.length > 1 ? 1 : 0;
    const other = greater ? digitsIn(digit + 1, 9) : digitsIn(smallest, digit - 1);
    const rest = whole.length - place - 1;
    return sequence(text(whole.slice(0, place)), other, repeat(DIGIT, rest, rest));
  });
}

function greaterWhole(whole: string): Expression {
  const longer = sequence(digitsIn(1, 9), repeat(DIGIT, whole.length, Math.max(whole.length, MOST_DIGITS - 1)));
  return choice(longer, ...deviating(whole, true));
}

function lessWhole(whole: string): Expression {
  const shorter =
    whole.length === 1 ? NOTHING : choice(text('0'), sequence(digitsIn(1, 9), repeat(DIGIT, 0, whole.length - 2)));
  return choice(shorter, ...deviating(whole, false));
}

/** Magnitudes >= the bound, or > where it is open. */
function notBelow({ value, open }: Bound): Expression {
  const { whole, fraction } = decimalOf(value);
  const behind = [...fraction].map((letter, place) =>
    sequence(POINT, text(fraction.slice(0, place)), digitsIn(Number(letter) + 1, 9), REST),
  );
  const exact =
    fraction === '' ? (open ? NOTHING : ANY_FRACTION) : open ? NOTHING : sequence(POINT, text(fraction), REST);
  const more = sequence(POINT, text(fraction), SOMETHING);
  return choice(sequence(greaterWhole(whole), ANY_FRACTION), sequence(text(whole), choice(...behind, exact, more)));
}

/** Magnitudes <= the bound, or < where it is open. */
function notAbove({ value, open }: Bound): Expression {
  const { whole, fraction } = decimalOf(value);
  const options: Expression[] = [];
  [...fraction].forEach((letter, place) => {
    const prefix = fraction.slice(0, place);
    options.push(sequence(POINT, text(prefix), digitsIn(0, Number(letter) - 1), REST));
    // What stops short of the fraction, which ends in no 0, is less.
    options.push(place === 0 ? EMPTY : sequence(POINT, text(prefix)));
  });
  const zeros = repeat(text('0'), 0);
  if (!open) {
    if (fraction === '') options.push(EMPTY, sequence(POINT, text('0'), zeros));
    else options.push(sequence(POINT, text(fraction), zeros));
  }
  return choice(sequence(lessWhole(whole), ANY_FRACTION), sequence(text(whole), choice(...options)));
}

/** Magnitudes that are multiples of a decimal, by their remainder digit after digit. */
function multiplesOf(step: number): Expression {
  const { whole, fraction } = decimalOf(step);
  const places = fraction.length;
  const unit = Number(whole + fraction);
  if (unit > LARGEST_MULTIPLE) {
    throw constraintError({ en: `multipleOf ${step} has too many digits`, zh: `multipleOf ${step} 的位数过多` });
  }
  // A state is a phase (0: no point yet, else one more than the digits behind the point) and a remainder; 0 is before the first digit.
  const state = (phase: number, remainder: number) => 1 + phase * unit + remainder;
  const edges: Edge[] = [];
  const finals = new Set<number>();
  for (let digit = 0; digit < 10; digit++) edges.push([0, String(digit), state(0, digit % unit)]);
  for (let phase = 0; phase <= places + 1; phase++) {
    const behind = phase === 0 ? 0 : phase - 1;
    for (let remainder = 0; remainder < unit; remainder++) {
      const here = state(phase, remainder);
      const scaled = (remainder * 10 ** (places - behind)) % unit;
      if (phase !== 1 && scaled === 0) finals.add(here);
      if (phase === 0 && places > 0) edges.push([here, '.', state(1, remainder)]);
      if (phase > 0 && behind === places) continue;
      for (let digit = 0; digit < 10; digit++) {
        edges.push([here, String(digit), state(phase === 0 ? 0 : phase + 1, (remainder * 10 + digit) % unit)]);
      }
    }
  }
  return { kind: 'automaton', edges, finals };
}

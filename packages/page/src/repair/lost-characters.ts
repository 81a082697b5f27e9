/**
 * What may stand where part of a character's bytes is lost: the candidates that the rest of its bytes allows, judged by both
 * neighbours. One that is far likelier than all others together takes the place; else □ does.
 */
import { MISSING } from '../missing.ts';
import { bitsAfter, bitsAlone, bitsBefore, simplifiedUnit } from './character-model.ts';
import { type CodePage, codeTable } from './code-pages.ts';

export const MISSING_UNIT = MISSING.charCodeAt(0);
/** Share of the likelihood that the likeliest needs, where half of a character's bytes are lost, and where six bits are. */
export const SURE = { half: 0.82, sixBits: 0.75 };
/** Candidates that are kept for each half; the rest are too rare to be the likeliest. */
const KEPT = 24;

/** The likeliest of the candidates between two units (0 where there is none), or □. A Simplified text has no Traditional character. */
export function likeliest(
  candidates: Uint16Array,
  previous: number,
  next: number,
  traditional: boolean,
  sure: number,
): number {
  let total = 0;
  let best = MISSING_UNIT;
  let bestShare = 0;
  for (const unit of candidates) {
    if (!traditional && simplifiedUnit(unit) !== unit) continue;
    const after = next === MISSING_UNIT ? 0 : next < 0x80 ? bitsBefore(unit, next) : bitsAfter(unit, next);
    const share = 2 ** -(bitsAfter(previous === MISSING_UNIT ? 0 : previous, unit) + after);
    total += share;
    if (share > bestShare) [best, bestShare] = [unit, share];
  }
  return bestShare >= sure * total ? best : MISSING_UNIT;
}

/** From this share of Traditional forms on a text is Traditional; a Simplified one quotes a name at most. */
const TRADITIONAL_SHARE = 0.05;

export function isTraditional(units: readonly number[]): boolean {
  let traditional = 0;
  for (const unit of units) if (unit >= 0x3400 && simplifiedUnit(unit) !== unit) traditional++;
  return traditional > TRADITIONAL_SHARE * units.length;
}

const halves = new Map<number, Uint16Array>();

/** Characters of a two-byte code page with this trail byte (lead lost) … */
export function withTrail(page: CodePage, trail: number): Uint16Array {
  return half(page, trail, (lead) => lead * 256 + trail);
}

/** … or with this lead byte (trail lost). */
export function withLead(page: CodePage, lead: number): Uint16Array {
  return half(page, 256 + lead, (trail) => lead * 256 + trail);
}

/** … or of which this byte is one of the two. */
export function withByte(page: CodePage, byte: number): Uint16Array {
  const key = (page === 'big5' ? 512 : 0) + byte;
  let candidates = eithers.get(key);
  if (candidates === undefined) {
    candidates = mostFrequent([...withTrail(page, byte), ...withLead(page, byte)]);
    eithers.set(key, candidates);
  }
  return candidates;
}

const eithers = new Map<number, Uint16Array>();

function half(page: CodePage, key: number, pairOf: (other: number) => number): Uint16Array {
  const slot = key + (page === 'big5' ? 512 : 0);
  let candidates = halves.get(slot);
  if (candidates === undefined) {
    const { unitOf } = codeTable(page);
    const units: number[] = [];
    for (let other = 0x40; other <= 0xff; other++) if (unitOf[pairOf(other)] !== 0) units.push(unitOf[pairOf(other)]!);
    candidates = mostFrequent(units);
    halves.set(slot, candidates);
  }
  return candidates;
}

/** Characters whose UTF-8 sequence has six bits lost: `code` has zeros there. */
export function withSixBits(code: number, shift: number): Uint16Array {
  const units: number[] = [];
  for (let six = 0; six < 64; six++) {
    const unit = code | (six << shift);
    if (unit >= 0x80 && unit <= 0xffff && (unit < 0xd800 || unit > 0xdfff)) units.push(unit);
  }
  return mostFrequent(units);
}

function mostFrequent(units: number[]): Uint16Array {
  return Uint16Array.from(units.sort((a, b) => bitsAlone(a) - bitsAlone(b)).slice(0, KEPT));
}

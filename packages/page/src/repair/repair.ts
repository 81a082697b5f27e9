/**
 * Damaged text is mended where its information survives, else rejected. In order: character references, halves of
 * marks, pinyin inserted after characters, wrong charset, characters cut in half, keywords injected at the ends, and behind a page
 * that had any of these the furniture of its site; again until nothing changes, for each may hide another. Undamaged text comes out byte
 * for byte; no style, spelling or layout is touched.
 */
import { MISSING } from '../missing.ts';
import type { Rejection } from '../rejection.ts';
import { mendBrokenMarks } from './broken-marks.ts';
import { type Layers, type LineDamage, mendLines, noiseOf } from './damaged-lines.ts';
import { decodeReferences } from './entities.ts';
import { cutInjectedSpam } from './injected-spam.ts';
import { cutPageFurniture } from './page-furniture.ts';
import { removeInsertedPinyin, type Sign } from './pinyin.ts';
import { resolvePrivateUse } from './private-use.ts';

/** Share of the text that may be noise or lost before the document is rejected. */
const LARGEST_NOISE = 0.02;
/** A list of rare names is as unlikely as noise, but short. */
const LEAST_NOISE = 24;
const LARGEST_LOSS = 0.05;

export type RepairKind =
  | 'references'
  | 'broken-marks'
  | 'pinyin'
  | LineDamage
  | 'lost-characters'
  | 'private-use'
  | 'injected-spam'
  | 'page-furniture';

export interface RepairedText {
  readonly title: string;
  readonly body: string;
  /** What was repaired, in the order in which it was found; empty where title and body came through as they were. */
  readonly repaired: readonly RepairKind[];
}

/**
 * Repairs a text damaged by wrong decoding, converters and injected keywords. What is not damaged comes out unchanged, character by character.
 *
 * @param body a whole text, one paragraph a line: what one line shows about the damage helps to repair the others
 * @param title repaired by what the text has shown; by itself a title is too short to be judged
 * @returns both repaired, each lost character as one □; or a rejection where too much is lost: `lost-characters`, `garbled`
 *
 * @example
 * const result = repairText('甯傛皵璞″彴鏄ㄥぉ涓嬪崍鍙戝竷娑堟伅銆傛皵娓╁皢涓嬮檷');
 * if (!isRejection(result)) console.log(result.body, result.repaired); // 市气象台昨天下午发布消息。气温将下降 [ 'charset' ]
 */
export function repairText(body: string, title = ''): RepairedText | Rejection {
  const kinds = new Set<RepairKind>();
  const { text, unlikely, layers } = mend(body, kinds);
  const heading = mend(title, kinds, layers).text;
  const { characters, lost, noise } = damageOf(body, text, unlikely);
  if (lost > 1 && lost > LARGEST_LOSS * characters)
    return { reason: 'lost-characters', detail: `${lost}/${characters}` };
  if (noise > LEAST_NOISE && noise > LARGEST_NOISE * characters)
    return { reason: 'garbled', detail: `${noise}/${characters}` };
  return kinds.size === 0 ? { title, body, repaired: [] } : { title: heading, body: text, repaired: [...kinds] };
}

interface Mended {
  text: string;
  unlikely: boolean;
  layers: Layers;
}

/** What one step mends may lay open what another can: all are taken again until nothing changes, so many times at most. */
const ROUNDS = 4;

function mend(text: string, kinds: Set<RepairKind>, shown?: Layers): Mended {
  let mended = mendOnce(text, kinds, shown);
  const { unlikely, layers } = mended;
  for (let round = 1, before = text; round < ROUNDS && mended.text !== before; round++) {
    before = mended.text;
    mended = mendOnce(before, kinds, shown);
  }
  const marked = mended.text.replaceAll('\uFFFD', MISSING);
  if (marked !== mended.text) kinds.add('lost-characters');
  return { text: marked, unlikely, layers };
}

function mendOnce(text: string, kinds: Set<RepairKind>, shown?: Layers): Mended {
  const step = (kind: RepairKind, before: string, after: string) => {
    if (after !== before) kinds.add(kind);
    return after;
  };
  const hasReadings = () => kinds.has('pinyin') || kinds.has('broken-marks');
  let mended = step('references', text, decodeReferences(text));
  mended = step('broken-marks', mended, mendBrokenMarks(mended, hasReadings()));
  mended = step('pinyin', mended, removeInsertedPinyin(mended, hasReadings(), signOf(kinds)));
  const { text: lines, damage, unlikely, layers } = mendLines(mended, shown, signOf(kinds) !== 'none');
  for (const kind of damage) kinds.add(kind);
  mended = step('private-use', lines, resolvePrivateUse(lines));
  mended = step('injected-spam', mended, cutInjectedSpam(mended));
  // Of a page without a wound nobody asked to have anything cut off.
  if (kinds.size > 0) mended = step('page-furniture', mended, cutPageFurniture(mended));
  return { text: mended, unlikely, layers };
}

/** References and bullets of a font are found on any page. */
function signOf(kinds: ReadonlySet<RepairKind>): Sign {
  if (kinds.has('injected-spam') || kinds.has('broken-marks')) return 'theft';
  return kinds.has('charset') || kinds.has('cut-characters') ? 'damage' : 'none';
}

interface Damage {
  characters: number;
  lost: number;
  noise: number;
}

const QUESTION_MARKS = /\?{4,}/g;
/** A character whose lead byte a decoder of GB 2312 did not know and whose trail byte it took for ASCII (企?I, ?@示). */
const CUT_OUT = /(?<=\p{Script=Han})\?+[@-~](?=\p{Script=Han})/gu;
const LEAST_CUT_OUT = 3;

/** What is wrong with a text after all. A □ that stood in it before is an editor's, who marks a gap of an old print by it. */
function damageOf(before: string, text: string, unlikely: boolean): Damage {
  // U+FFFD in UTF-8 read as GBK is 锟斤拷.
  let lost = count(text, '\uFFFD') + 2 * count(text, '锟斤拷');
  lost += Math.max(0, count(text, MISSING) - count(before, MISSING));
  if ((text.match(CUT_OUT)?.length ?? 0) >= LEAST_CUT_OUT) lost += count(text, '?');
  else if (text.includes('????')) for (const line of text.split('\n')) lost += lostToQuestionMarks(line);
  let noise = 0;
  if (unlikely) for (const line of text.split('\n')) noise += noiseOf(line);
  return { characters: lost === 0 && noise === 0 ? 0 : text.replace(/\s+/g, '').length, lost, noise };
}

/** Some converters write a question mark for each lost character; beside a sentence many of them are only loud. */
function lostToQuestionMarks(line: string): number {
  let marks = 0;
  for (const [run] of line.matchAll(QUESTION_MARKS)) marks += run.length;
  return 3 * marks > 2 * line.replace(/\s+/g, '').length ? marks : 0;
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

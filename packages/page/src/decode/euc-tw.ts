/**
 * EUC-TW, which no decoder of the platform knows: CNS 11643 planes 1 and 2 found through Big5, which the platform
 * knows. The two standards list the same characters in nearly the same order, so that a few runs hold the whole
 * table. Higher planes (rare names) and the few signs of plane 1 that Big5 lacks become U+FFFD.
 *
 * Checked against glibc's iconv: every character of both planes that Big5 has.
 */

/** Cells of a plane: 94 rows of 94. A Big5 row has 157. */
const ROW = 94;
const BIG5_ROW = 157;

/** [first cell of the plane, first cell of Big5, how many], ascending; built from the two published code charts. */
const PLANE_1 =
  '0 0 5 6 6 15 21 23 2 24 22 1 29 29 44 73 74 1 74 73 1 75 75 21 98 98 1 100 100 27 127 128 1 128 127 1 130 130 14 ' +
  '146 146 2 148 149 1 149 148 1 150 150 4 155 21 1 156 156 78 282 234 29 312 264 1 314 266 142 3290 471 17 3307 263 1 ' +
  '3308 489 86 3394 265 1 3395 576 1307 4702 1884 424 5126 1883 1 5127 2308 1876 7003 4571 1 7004 4184 387 ' +
  '7391 4572 525 7916 5286 1 7917 5097 105 8023 5203 83 8106 5287 84 8190 5517 1 8191 5371 54 8245 5426 1 ' +
  '8246 5425 1 8247 5427 90 8337 5518 354';
const PLANE_2 =
  '0 6280 10 10 6291 33 43 6372 1 44 6324 48 92 6373 46 138 6586 1 139 6419 167 306 6587 1840 2146 9074 1 ' +
  '2147 8428 108 2255 8537 537 2792 8427 1 2793 9075 100 2893 8536 1 2894 9175 399 3293 9575 1637 4930 11761 1 ' +
  '4931 11212 146 5077 11899 1 5078 11358 287 5365 12508 1 5366 11645 116 5482 11762 137 5619 11900 104 5723 12425 1 ' +
  '5724 12004 222 5946 12227 198 6144 12426 82 6226 12509 86 6312 12226 1 6313 12595 8 6321 12604 153 6474 12758 56 ' +
  '6530 13114 1 6531 12814 113 6644 12603 1 6645 12927 142 6787 12757 1 6788 13069 45 6833 13115 71 6904 13380 1 ' +
  '6905 13186 194 7099 13381 490 7589 13914 1 7590 13871 43 7633 13915 1 7634 13917 11 7645 13916 1 7646 13928 4';

const REPLACEMENT = 0xfffd;
/** Cells that a plane's table lacks hold this. */
const NONE = 0;

const planes = new Map<number, Uint16Array>();

/** Cell of CNS plane 1 or 2 → UTF-16 unit. */
function charactersOf(plane: 1 | 2): Uint16Array {
  const known = planes.get(plane);
  if (known !== undefined) return known;
  const characters = new Uint16Array(ROW * ROW).fill(NONE);
  const runs = (plane === 1 ? PLANE_1 : PLANE_2).split(' ').map(Number);
  const big5 = new TextDecoder('big5');
  for (let r = 0; r < runs.length; r += 3) {
    for (let i = 0; i < runs[r + 2]!; i++) {
      const cell = runs[r + 1]! + i;
      const trail = cell % BIG5_ROW;
      const bytes = Uint8Array.of(0xa1 + Math.floor(cell / BIG5_ROW), trail < 63 ? 0x40 + trail : 0xa1 + trail - 63);
      characters[runs[r]! + i] = big5.decode(bytes).charCodeAt(0);
    }
  }
  planes.set(plane, characters);
  return characters;
}

/** The text of EUC-TW bytes; what is no character becomes U+FFFD. */
export function decodeEucTw(bytes: Uint8Array): string {
  const units = new Uint16Array(bytes.length);
  let n = 0;
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i]!;
    if (lead < 0x80) {
      units[n++] = lead;
      i++;
      continue;
    }
    const shifted = lead === 0x8e && bytes[i + 1]! >= 0xa1 && bytes[i + 1]! <= 0xb0;
    const at = shifted ? i + 2 : i;
    const plane = shifted ? bytes[i + 1]! - 0xa0 : 1;
    const row = (bytes[at] ?? 0) - 0xa1;
    const column = (bytes[at + 1] ?? 0) - 0xa1;
    if (row < 0 || row >= ROW || column < 0 || column >= ROW) {
      units[n++] = REPLACEMENT;
      i++;
      continue;
    }
    const character = plane === 1 || plane === 2 ? charactersOf(plane)[row * ROW + column]! : NONE;
    units[n++] = character === NONE ? REPLACEMENT : character;
    i = at + 2;
  }
  return new TextDecoder('utf-16le').decode(units.subarray(0, n));
}

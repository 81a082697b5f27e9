/**
 * Bytes in stretches between ASCII marks that no double-byte character contains (white space, < > = " and others), each judged by
 * the structure of UTF-8. A page with a footer or a paragraph of another charset is decoded stretch by stretch.
 */

/**
 * `utf-8`: three characters or more, at most every fourth damaged. `other`: text of a double-byte charset breaks the structure at
 * almost every character. `either`: whole, but too short to tell.
 */
export interface Stretch {
  start: number;
  end: number;
  kind: 'utf-8' | 'other' | 'either';
  whole: number;
  broken: number;
}

const LEAST_WHOLE = 3;

const [BORDER, INSIDE, HIGH] = [0, 1, 2] as const;
/** Trail bytes begin at 40; 30 to 39 are in the four bytes of GB 18030. */
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 ? HIGH : byte >= 0x40 || (byte >= 0x30 && byte <= 0x39) ? INSIDE : BORDER,
);

/** The stretches that are not ASCII throughout, in order. */
export function stretchesOf(bytes: Uint8Array): Stretch[] {
  const stretches: Stretch[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; at++) {
    const kind = KINDS[bytes[at]!]!;
    if (kind === INSIDE) continue;
    if (kind === BORDER) {
      start = at + 1;
      continue;
    }
    do at++;
    while (at < bytes.length && KINDS[bytes[at]!] !== BORDER);
    stretches.push(judged(bytes, start, at));
    start = at + 1;
  }
  return stretches;
}

function judged(bytes: Uint8Array, start: number, end: number): Stretch {
  let whole = 0;
  let broken = 0;
  for (let at = start; at < end; ) {
    const lead = bytes[at]!;
    if (lead < 0x80) {
      at++;
      continue;
    }
    const length = lead >= 0xf5 ? 0 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    let size = 1;
    while (size < length && at + size < end && (bytes[at + size]! & 0xc0) === 0x80) size++;
    if (length > 0 && size === length) whole += length > 2 ? 1 : 0.5;
    // A file may be cut inside its last character.
    else if (at + size < bytes.length || whole === 0) broken++;
    at += size;
  }
  const isUtf8 = whole >= LEAST_WHOLE && whole >= 3 * broken;
  return { start, end, kind: isUtf8 ? 'utf-8' : broken === 0 ? 'either' : 'other', whole, broken };
}

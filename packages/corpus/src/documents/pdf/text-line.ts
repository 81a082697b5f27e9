/**
 * Pieces of text as a page places them → lines. Coordinates are those of a reader: x grows along the line, y from line to line; units are
 * points of the page.
 */

/** A run of characters in one font. `y` is its base line. */
export interface Piece {
  text: string;
  x: number;
  y: number;
  width: number;
  /** Of the font: about the height of a line, and the width of a Chinese character. */
  size: number;
}

/** A stretch of a line without a gap that could part columns. */
export interface Stretch {
  text: string;
  left: number;
  right: number;
}

export interface Line {
  stretches: Stretch[];
  y: number;
  size: number;
}

/** Of the size of the font. A gap as wide as a character may part columns or cells. */
const WIDE_GAP = 1.2;
const WORD_GAP = 0.18;
/** Share of the height that two pieces must share to be of one line: notes and exponents do, the line below does not. */
const SHARED_HEIGHT = 0.5;

const HAN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303F\uFF00-\uFFEF]/u;

/** Lines from top to bottom. */
export function linesOf(pieces: readonly Piece[]): Line[] {
  const rows: { pieces: Piece[]; top: number; bottom: number }[] = [];
  // The largest first: small signs join the line that they are signs of.
  const ordered = [...pieces].sort((a, b) => b.size - a.size || a.y - b.y || a.x - b.x);
  const byHeight = new Map<number, typeof rows>();
  const bucket = (y: number) => Math.floor(y / 16);
  for (const piece of ordered) {
    const [top, bottom] = [piece.y - 0.8 * piece.size, piece.y + 0.2 * piece.size];
    let row: (typeof rows)[number] | undefined;
    let most = SHARED_HEIGHT * piece.size;
    for (let at = bucket(top) - 1; at <= bucket(bottom) + 1; at++) {
      for (const one of byHeight.get(at) ?? []) {
        const shared = Math.min(bottom, one.bottom) - Math.max(top, one.top);
        if (shared > most) [row, most] = [one, shared];
      }
    }
    if (row === undefined) {
      row = { pieces: [], top, bottom };
      rows.push(row);
      for (let at = bucket(top); at <= bucket(bottom); at++) byHeight.set(at, [...(byHeight.get(at) ?? []), row]);
    }
    row.pieces.push(piece);
  }
  return rows.map(({ pieces: own }) => lineOf(own)).sort((a, b) => a.y - b.y);
}

function lineOf(pieces: Piece[]): Line {
  pieces.sort((a, b) => a.x - b.x || b.width - a.width);
  const largest = pieces.reduce((most, piece) => (piece.size > most.size ? piece : most));
  const stretches: Stretch[] = [];
  let last: Piece | undefined;
  for (const piece of pieces) {
    if (last !== undefined && isDrawnAgain(last, piece)) continue;
    const gap = last === undefined ? Number.POSITIVE_INFINITY : piece.x - (last.x + last.width);
    const size = Math.max(piece.size, last?.size ?? 0);
    const open = stretches.at(-1);
    if (open === undefined || gap > WIDE_GAP * size) {
      stretches.push({ text: piece.text.trimStart(), left: piece.x, right: piece.x + piece.width });
    } else {
      open.text = joined(open.text, piece.text, gap > WORD_GAP * size);
      open.right = Math.max(open.right, piece.x + piece.width);
    }
    last = piece;
  }
  const texts = stretches.map((stretch) => ({ ...stretch, text: stretch.text.trim() }));
  return { stretches: texts.filter(({ text }) => text !== ''), y: largest.y, size: largest.size };
}

/** Bold letters are drawn twice by some programs, a little apart. */
function isDrawnAgain(last: Piece, piece: Piece): boolean {
  return (
    last.text === piece.text &&
    Math.abs(last.x - piece.x) < 0.2 * piece.size &&
    Math.abs(last.y - piece.y) < 0.2 * piece.size
  );
}

function joined(text: string, more: string, apart: boolean): string {
  if (!apart || /\s$/.test(text) || /^\s/.test(more)) return text + more;
  // Chinese characters are set apart to fill a line, not to part words.
  return HAN.test(text.slice(-1)) && HAN.test(more.slice(0, 1)) ? text + more : `${text} ${more}`;
}

export function isHan(character: string): boolean {
  return HAN.test(character);
}

export function leftOf({ stretches }: Line): number {
  return stretches[0]?.left ?? 0;
}

export function rightOf({ stretches }: Line): number {
  return stretches.at(-1)?.right ?? 0;
}

export function charactersOf({ stretches }: Line): number {
  return stretches.reduce((sum, { text }) => sum + text.length, 0);
}

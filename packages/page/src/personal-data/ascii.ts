/** Marks, letters and digits of other widths as ASCII, a unit for a unit, so that places stay. */
export const FULL_WIDTH = /[\uff01-\uff5e\u3000\u00a0‐‑–—−•・]/g;

/** One unit for one: letters, digits and marks of full width, dashes and spaces of all kinds, points between letters. */
export function asAscii(character: string): string {
  const unit = character.charCodeAt(0);
  if (unit >= 0xff01 && unit <= 0xff5e) return String.fromCharCode(unit - 0xfee0);
  if (unit === 0x3000 || unit === 0xa0) return ' ';
  return character === '•' || character === '・' ? '·' : '-';
}

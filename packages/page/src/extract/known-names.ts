/**
 * Names of tags or attributes that are known, found where they stand in a page: no copy is made of one, and its string is
 * always the same object, which compares and looks up faster than a piece cut from the page.
 */
const SLOTS = 2048;

export class KnownNames {
  readonly #slots: (string[] | undefined)[] = new Array(SLOTS).fill(undefined);

  /** @param names in lower case, ASCII */
  constructor(names: Iterable<string>) {
    for (const name of new Set(names)) {
      const slot = slotOf(name, 0, name.length);
      const others = this.#slots[slot];
      if (others === undefined) this.#slots[slot] = [name];
      else others.push(name);
    }
  }

  /** The name that stands from `start` to `end` in letters of any case, if it is known. */
  at(html: string, start: number, end: number): string | undefined {
    const names = this.#slots[slotOf(html, start, end)];
    if (names === undefined) return undefined;
    for (const name of names) if (stands(name, html, start, end)) return name;
    return undefined;
  }
}

/** By length, the first two and the last character: enough to part nearly all. */
function slotOf(text: string, start: number, end: number): number {
  const first = text.charCodeAt(start) & 31;
  const second = text.charCodeAt(Math.min(start + 1, end - 1)) & 31;
  const last = text.charCodeAt(end - 1) & 31;
  return (first * 67 + second * 13 + last * 5 + (end - start) * 131) % SLOTS;
}

function stands(name: string, html: string, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) {
    const code = html.charCodeAt(start + i);
    if (name.charCodeAt(i) !== (code >= 0x41 && code <= 0x5a ? code | 0x20 : code)) return false;
  }
  return true;
}

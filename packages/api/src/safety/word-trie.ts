/**
 * Finds words of a list in a text that comes in parts: the longest at each place, from left to right, without overlaps. Upper and lower
 * case, and letters of full and half width, are the same; a word of ASCII letters or digits matches whole words alone (sm is not in small).
 *
 * Tells from where on a word may still be going on, which is exactly what has to be held back.
 */

interface Node<T> {
  readonly next: Map<number, Node<T>>;
  value: T | undefined;
}

export interface Word<T> {
  /** UTF-16 units. */
  readonly begin: number;
  readonly end: number;
  readonly value: T;
}

/** Unit for unit: letters whose small form is of another length stay. */
export function folded(text: string): string {
  return text.replace(/[\p{Lu}\uff01-\uff5e]/gu, (letter) => {
    const unit = letter.charCodeAt(0);
    const narrow = unit >= 0xff01 && unit <= 0xff5e ? String.fromCharCode(unit - 0xfee0) : letter;
    const lower = narrow.toLowerCase();
    return lower.length === letter.length ? lower : letter;
  });
}

export class WordTrie<T> {
  readonly #root: Node<T> = { next: new Map(), value: undefined };

  /** Of a word that comes twice the first value counts. */
  constructor(words: Iterable<readonly [string, T]>) {
    for (const [word, value] of words) {
      let node = this.#root;
      const key = folded(word);
      for (let at = 0; at < key.length; at++) {
        let next = node.next.get(key.charCodeAt(at));
        if (next === undefined) {
          next = { next: new Map(), value: undefined };
          node.next.set(key.charCodeAt(at), next);
        }
        node = next;
      }
      if (node !== this.#root) node.value ??= value;
    }
  }

  /**
   * @param text folded @param from where to begin; what stands before it is looked at to tell whole words
   * @param isEnd nothing follows the text
   * @returns what is found, and from where on it is not decided
   */
  scan(text: string, from: number, isEnd: boolean): { readonly found: Word<T>[]; readonly border: number } {
    const found: Word<T>[] = [];
    let at = from;
    while (at < text.length) {
      const longest = this.#longestAt(text, at, isEnd);
      if (longest === 'undecided') return { found, border: at };
      if (longest !== undefined) found.push(longest);
      at = longest?.end ?? at + 1;
    }
    return { found, border: at };
  }

  #longestAt(text: string, begin: number, isEnd: boolean): Word<T> | 'undecided' | undefined {
    if (isWordUnit(text, begin) && isWordUnit(text, begin - 1)) return undefined;
    let longest: Word<T> | undefined;
    let node: Node<T> | undefined = this.#root;
    for (let at = begin; node !== undefined; at++) {
      if (node.value !== undefined && !(isWordUnit(text, at - 1) && isWordUnit(text, at))) {
        longest = { begin, end: at, value: node.value };
      }
      if (at === text.length) {
        const mayGoOn = node.next.size > 0 || isWordUnit(text, at - 1);
        if (!isEnd && mayGoOn) return 'undecided';
        break;
      }
      node = node.next.get(text.charCodeAt(at));
    }
    return longest;
  }
}

function isWordUnit(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return (unit >= 0x30 && unit <= 0x39) || (unit >= 0x61 && unit <= 0x7a);
}

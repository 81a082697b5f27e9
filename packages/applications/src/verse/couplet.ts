/**
 * Whether a line is a lower line (下联) to a given upper one, as far as it can be checked: as many characters in as many parts, no character of
 * the upper line, what is repeated there is repeated here at the same places, tones opposed. Whether the words are parallel is judged
 * elsewhere (parallel.ts), as far as it can be.
 */
import type { Judgement, Spoken } from './judgement.ts';
import type { RhymeBook } from './rhyme-book.ts';
import { isHan } from './verses.ts';

export interface CoupletOptions {
  readonly book: RhymeBook;
  /** last: the last characters; even: also the second, fourth … of each part. */
  readonly tones: 'last' | 'even' | 'off';
}

/** A part between punctuation marks, by the places of its characters in the line. */
interface Part {
  readonly places: readonly number[];
}

/** The characters of a line without its marks, and its parts. */
export function partsOf(line: string): { readonly characters: string[]; readonly parts: Part[] } {
  const characters: string[] = [];
  const parts: number[][] = [[]];
  for (const character of line.trim()) {
    if (isHan(character)) {
      parts.at(-1)!.push(characters.length);
      characters.push(character);
    } else if (parts.at(-1)!.length > 0) parts.push([]);
  }
  return { characters, parts: parts.filter((places) => places.length > 0).map((places) => ({ places })) };
}

/** The places whose tones are opposed: those that carry the rhythm, and the last. */
export function rhythmPlaces(upper: string, tones: CoupletOptions['tones']): number[] {
  const { characters, parts } = partsOf(upper);
  const last = characters.length - 1;
  if (tones === 'off' || last < 0) return [];
  if (tones === 'last') return [last];
  const even = parts.flatMap(({ places }) => places.filter((_, place) => place % 2 === 1));
  return [...new Set([...even, last])].sort((a, b) => a - b);
}

export function judgeCouplet(upper: string, lower: string, { book, tones }: CoupletOptions): Judgement {
  const [above, below] = [partsOf(upper), partsOf(lower)];
  const lengths = (parts: readonly Part[]) => parts.map(({ places }) => places.length).join('+');
  if (lengths(above.parts) !== lengths(below.parts)) {
    return fault({
      zh: `上联 ${lengths(above.parts)} 字，下联 ${lengths(below.parts) || '0'} 字`,
      en: `the upper line has ${lengths(above.parts)} characters, the lower ${lengths(below.parts) || '0'}`,
    });
  }
  const faults: Spoken[] = [];
  faults.push(
    ...sharedFaults(above.characters, below.characters),
    ...repetitionFaults(above.characters, below.characters),
  );
  for (const place of rhythmPlaces(upper, tones)) {
    const tone = book.toneOf(above.characters[place]!);
    if (tone === undefined) continue;
    const wanted = tone === 'level' ? 'oblique' : 'level';
    const character = below.characters[place]!;
    if (book.fits(character, wanted)) continue;
    faults.push({
      zh: `第 ${place + 1} 字“${character}”应为${wanted === 'level' ? '平' : '仄'}声，与上联“${above.characters[place]}”相对`,
      en: `character ${place + 1} (${character}) should be ${wanted}, against ${above.characters[place]}`,
    });
  }
  if (faults.length > 0) {
    return fault({ zh: faults.map(({ zh }) => zh).join('；'), en: faults.map(({ en }) => en).join('; ') });
  }
  return {
    passed: true,
    message: {
      zh: '字数、重字、平仄相合',
      en: 'length, repetitions and tones fit',
    },
  };
}

/** No character stands in both lines. */
export function sharedFaults(above: readonly string[], below: readonly string[]): Spoken[] {
  const shared = [...new Set(below.filter((character) => above.includes(character)))];
  if (shared.length === 0) return [];
  return [{ zh: `与上句重字：${shared.join('、')}`, en: `characters of the upper line again: ${shared.join(', ')}` }];
}

/** Where characters of one line are equal, those of the other are, and nowhere else. */
export function repetitionFaults(above: readonly string[], below: readonly string[]): Spoken[] {
  for (let place = 0; place < above.length; place++) {
    const [up, down] = [above.indexOf(above[place]!), below.indexOf(below[place]!)];
    if (up === down) continue;
    return [
      {
        zh: `第 ${place + 1} 字：上下联的重复字位置不一致`,
        en: `character ${place + 1}: the lines do not repeat characters at the same places`,
      },
    ];
  }
  return [];
}

const fault = (message: Spoken): Judgement => ({ passed: false, message });

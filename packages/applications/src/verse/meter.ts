/**
 * Measures of ci, qu and whatever else is written to a given one (词谱), and whether a text has them. A measure is a text: 平 level, 仄 oblique,
 * 中 either, and 韵 behind a place that rhymes; a digit behind 韵 names another rhyme. Marks end lines, and stand in the text as in the measure:
 *
 *     平中仄，中仄仄平平韵。中仄中平平仄仄，中平中仄仄平平韵。中仄仄平平韵。   (忆江南)
 *
 * Of one tune there are often several measures: what is checked is the one that is given. Tones of a place are those of the book; a character that
 * it has in both fits either.
 */
import type { FormLine, Place } from './form.ts';
import { type Judgement, refusedFor, type Spoken } from './judgement.ts';
import { type Rhyme, type RhymeBook, TONE_NAMES, type Tone } from './rhyme-book.ts';
import { isHan, versesOf } from './verses.ts';

export interface Meter {
  readonly lines: readonly FormLine[];
}

const TONES: Readonly<Record<string, Tone | undefined>> = { 平: 'level', 仄: 'oblique', 中: undefined };

/** @param text as `METER` of the protocol has it */
export function readMeter(text: string): Meter {
  const lines: FormLine[] = [];
  let places: Place[] = [];
  const pieces = text.trim().matchAll(/(?<place>[平仄中])(?:韵(?<rhyme>\d?))?|(?<mark>[^平仄中韵\d]+)/g);
  for (const { groups = {} } of pieces) {
    const { place, rhyme, mark } = groups;
    if (place !== undefined) places.push({ tone: TONES[place], rhyme: rhyme === '' ? '1' : rhyme });
    else if (places.length > 0) {
      lines.push({ places, mark: mark! });
      places = [];
    }
  }
  return { lines: places.length === 0 ? lines : [...lines, { places, mark: '' }] };
}

export interface MeterOptions {
  readonly book: RhymeBook;
  readonly tones: boolean;
  readonly rhyme: boolean;
}

export function judgeMeter(text: string, { lines }: Meter, options: MeterOptions): Judgement {
  const verses = versesOf(text);
  const [wanted, seen] = [lines.map(({ places }) => places.length), verses.map((verse) => verse.length)];
  if (wanted.join() !== seen.join() || !verses.every((verse) => verse.every(isHan))) {
    return {
      passed: false,
      message: {
        zh: `应为 ${wanted.length} 句：${wanted.join('、')} 字，现为 ${seen.length} 句：${seen.join('、')} 字`,
        en: `${wanted.length} lines of ${wanted.join(', ')} characters are wanted, this has ${seen.length}: ${seen.join(', ')}`,
      },
    };
  }
  const tones = options.tones ? toneFaults(verses, lines, options.book) : [];
  const rhymes = options.rhyme ? judgeRhymes(verses, lines, options.book) : [];
  const faults = [...tones, ...rhymes.flatMap((rhyme) => rhyme.faults)];
  if (faults.length > 0) return refusedFor(faults);
  const names = rhymes.map(({ rhyme, tone }) => ({
    zh: `${rhyme?.name}${TONE_NAMES[tone].zh}`,
    en: `${rhyme?.name} (${TONE_NAMES[tone].en})`,
  }));
  const zh = ['字数合谱', ...(options.tones ? ['平仄合谱'] : [])];
  const en = ['as many characters as the measure', ...(options.tones ? ['its tones'] : [])];
  if (names.length > 0) {
    zh.push(`押${options.book.name.zh}${names.map((name) => name.zh).join('、')}`);
    en.push(`rhymes in ${names.map((name) => name.en).join(', ')} of ${options.book.name.en}`);
  }
  return { passed: true, message: { zh: zh.join('，'), en: en.join(', ') } };
}

function toneFaults(verses: readonly (readonly string[])[], lines: readonly FormLine[], book: RhymeBook): Spoken[] {
  return lines.flatMap(({ places }, line) =>
    places.flatMap(({ tone }, place) => {
      const character = verses[line]![place]!;
      if (tone === undefined || book.fits(character, tone)) return [];
      return [
        {
          zh: `第 ${line + 1} 句第 ${place + 1} 字“${character}”应为${TONE_NAMES[tone].zh}声`,
          en: `line ${line + 1}, character ${place + 1} (${character}) should be ${TONE_NAMES[tone].en}`,
        },
      ];
    }),
  );
}

interface JudgedRhyme {
  readonly rhyme: Rhyme | undefined;
  readonly tone: Tone;
  readonly faults: readonly Spoken[];
}

/** For each rhyme of the measure the one of the book in which most of its places rhyme. */
function judgeRhymes(
  verses: readonly (readonly string[])[],
  lines: readonly FormLine[],
  book: RhymeBook,
): JudgedRhyme[] {
  const ends = lines.flatMap(({ places }, line) =>
    places.map((place, at) => ({ ...place, line, character: verses[line]![at]! })).filter(({ rhyme }) => rhyme),
  );
  return [...new Set(ends.map(({ rhyme }) => rhyme))].map((name) => {
    const own = ends.filter(({ rhyme }) => rhyme === name);
    const tone = own.find((end) => end.tone !== undefined)?.tone ?? 'level';
    const missed = book.rhymes(tone).map((rhyme) => ({
      rhyme,
      wrong: own.filter(({ character }) => !rhyme.characters.has(character)),
    }));
    const best = missed.reduce((least, one) => (one.wrong.length < least.wrong.length ? one : least));
    const again = own.filter(({ character }, place) => own.findIndex((end) => end.character === character) < place);
    const faults = [
      ...best.wrong.map(({ character, line }) => ({
        zh: `第 ${line + 1} 句韵脚“${character}”不押${best.rhyme.name}韵`,
        en: `line ${line + 1} ends in ${character}, which does not rhyme in ${best.rhyme.name}`,
      })),
      ...again.map(({ character, line }) => ({
        zh: `第 ${line + 1} 句韵脚“${character}”重复`,
        en: `line ${line + 1} rhymes with ${character} again`,
      })),
    ];
    return { rhyme: best.rhyme, tone, faults };
  });
}

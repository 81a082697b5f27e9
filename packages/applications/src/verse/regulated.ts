/**
 * Whether a poem has a regulated form: lines and characters, tones, rhyme. Of the four orders of lines the one with fewest faults is taken, and
 * its faults are told with their places.
 */
import type { VerseForm } from '@tunan/protocol';
import { type Judgement, refusedFor, type Spoken } from './judgement.ts';
import { areNeighbours, type Rhyme, type RhymeBook } from './rhyme-book.ts';
import {
  FORM_NAMES,
  isBold,
  lineCount,
  lineLength,
  patternsOf,
  rhymes,
  type Scheme,
  schemesOf,
  toneAt,
} from './tone-patterns.ts';
import { isHan, versesOf } from './verses.ts';

export interface RegulatedOptions {
  readonly form: VerseForm;
  readonly book: RhymeBook;
  readonly tones: boolean;
  readonly rhyme: boolean;
}

export function judgeRegulated(text: string, options: RegulatedOptions): Judgement {
  const { form } = options;
  const verses = versesOf(text);
  const [lines, length] = [lineCount(form), lineLength(form)];
  const outer = verses.length === lines && verses.every((verse) => verse.length === length && verse.every(isHan));
  if (!outer) {
    const seen = verses.map((verse) => verse.length).join('、');
    return {
      passed: false,
      message: {
        zh: `${FORM_NAMES[form].zh}应为 ${lines} 句、每句 ${length} 字，现为 ${verses.length} 句：${seen} 字`,
        en: `a ${FORM_NAMES[form].en} has ${lines} lines of ${length} characters, this has ${verses.length}: ${seen.replaceAll('、', ', ')}`,
      },
    };
  }
  const judged = schemesOf(form).map((scheme) => judgeScheme(verses, scheme, options));
  const best = judged.reduce((least, one) => (one.faults.length < least.faults.length ? one : least));
  if (best.faults.length === 0) return { passed: true, message: praise(best, options) };
  return refusedFor(best.faults);
}

interface Judged {
  readonly scheme: Scheme;
  readonly rhyme: Rhyme | undefined;
  readonly faults: readonly Spoken[];
}

function judgeScheme(verses: readonly (readonly string[])[], scheme: Scheme, options: RegulatedOptions): Judged {
  const tones = options.tones ? toneFaults(verses, scheme, options) : [];
  if (!options.rhyme) return { scheme, rhyme: undefined, faults: tones };
  const { rhyme, faults } = rhymeFaults(verses, scheme, options);
  return { scheme, rhyme, faults: [...tones, ...faults] };
}

/** Line by line the alternative with fewest faults; a bold line binds the one behind it. */
function toneFaults(
  verses: readonly (readonly string[])[],
  scheme: Scheme,
  { form, book }: RegulatedOptions,
): Spoken[] {
  const found: Spoken[] = [];
  let before: { bold: boolean } | undefined;
  for (const [line, verse] of verses.entries()) {
    const judged = patternsOf(scheme.kinds[line]!, lineLength(form), before).map((pattern) => ({
      pattern,
      faults: faultsOf(verse, pattern, line, book),
    }));
    const best = judged.reduce((least, one) => (one.faults.length < least.faults.length ? one : least));
    found.push(...best.faults);
    before = { bold: isBold(best.pattern) && best.faults.length === 0 };
  }
  return found;
}

function faultsOf(verse: readonly string[], pattern: string, line: number, book: RhymeBook): Spoken[] {
  return verse.flatMap((character, place) => {
    const tone = toneAt(pattern, place);
    if (tone === undefined || book.fits(character, tone)) return [];
    return [
      {
        zh: `第 ${line + 1} 句第 ${place + 1} 字“${character}”应为${tone === 'level' ? '平' : '仄'}声`,
        en: `line ${line + 1}, character ${place + 1} (${character}) should be ${tone}`,
      },
    ];
  });
}

function rhymeFaults(
  verses: readonly (readonly string[])[],
  scheme: Scheme,
  { book }: RegulatedOptions,
): { readonly rhyme: Rhyme | undefined; readonly faults: Spoken[] } {
  const ends = verses
    .map((verse, line) => ({ character: verse.at(-1)!, line }))
    .filter(({ line }) => rhymes(scheme.kinds[line]!));
  const counts = book.rhymes('level').map((rhyme) => ({
    rhyme,
    faults: ends.filter(({ character, line }) => !rhymesWith(character, rhyme, line, book)),
  }));
  const best = counts.reduce((least, one) => (one.faults.length < least.faults.length ? one : least));
  const faults = best.faults.map(({ character, line }) => ({
    zh: `第 ${line + 1} 句韵脚“${character}”不押${best.rhyme.name}韵`,
    en: `line ${line + 1} ends in ${character}, which does not rhyme in ${best.rhyme.name}`,
  }));
  const again = ends.filter(({ character }, place) => ends.findIndex((end) => end.character === character) < place);
  faults.push(
    ...again.map(({ character, line }) => ({
      zh: `第 ${line + 1} 句韵脚“${character}”重复`,
      en: `line ${line + 1} rhymes with ${character} again`,
    })),
  );
  return { rhyme: best.rhyme, faults };
}

function rhymesWith(character: string, rhyme: Rhyme, line: number, book: RhymeBook): boolean {
  if (rhyme.characters.has(character)) return true;
  return line === 0 && book.rhymesOf(character, 'level').some((one) => areNeighbours(one, rhyme));
}

function praise({ scheme, rhyme }: Judged, { form, book, tones }: RegulatedOptions): Spoken {
  const [zh, en] = [[FORM_NAMES[form].zh], [FORM_NAMES[form].en]];
  if (tones) {
    zh.push(scheme.name.zh);
    en.push(scheme.name.en);
  }
  if (rhyme !== undefined) {
    zh.push(`押${book.name.zh}${rhyme.name}`);
    en.push(`rhymes in ${rhyme.name} (${book.name.en})`);
  }
  return { zh: zh.join('，'), en: en.join(', ') };
}

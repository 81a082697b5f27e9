/**
 * How many real regulated poems the checker of verse accepts, and how many texts that only look like them: «300 Tang poems» of the npm package
 * chinese-poetry whose tags say a form, and the same poems with their characters shuffled inside the whole, lines and marks kept.
 *
 * Then the ci of the Song to the tunes of the gallery, by its measures, and the couplets of the regulated poems by what can be checked of
 * parallelism, beside upper lines with the lower line of another couplet.
 *
 * What is refused of the real ones is listed with `--list`: among them are poems that are known for leaving the pattern.
 *
 *     node bench/verse.ts [--list] [--json]
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readApp } from '@tunan/applications';
import { judgeMeter, judgeParallel, judgeRegulated, readMeter, rhymeBook, versesOf } from '@tunan/applications/verse';
import type { VerseForm } from '@tunan/protocol';
import { seededRandom } from './seeded-random.ts';

interface Poem {
  readonly title: string;
  readonly author: string;
  readonly paragraphs: readonly string[];
  readonly tags?: readonly string[];
}

const FORMS: readonly (readonly [string, VerseForm])[] = [
  ['五言绝句', 'five-quatrain'],
  ['七言绝句', 'seven-quatrain'],
  ['五言律诗', 'five-regulated'],
  ['七言律诗', 'seven-regulated'],
];
const home = path.dirname(fileURLToPath(import.meta.resolve('chinese-poetry/package.json')));
const poems = JSON.parse(readFileSync(path.join(home, 'dist/quantangshi/唐诗三百首.json'), 'utf8')) as Poem[];
const book = rhymeBook('pingshui');
const percent = (part: number, all: number): string => `${((100 * part) / all).toFixed(1)} %`;
const random = seededRandom(1);
const lists = process.argv.includes('--list');

/** Editors' notes and brackets out. */
const textOf = ({ paragraphs }: Poem): string => paragraphs.join('').replace(/（.*?）|[[\]]/g, '');

function shuffled(text: string): string {
  const characters = [...text].filter((character) => /\p{Script=Han}/u.test(character));
  for (let i = characters.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [characters[i], characters[j]] = [characters[j]!, characters[i]!];
  }
  return [...text].map((character) => (/\p{Script=Han}/u.test(character) ? characters.pop()! : character)).join('');
}

const rows = FORMS.map(([tag, form]) => {
  const tagged = poems.filter(({ tags = [] }) => tags.includes(tag));
  const judge = (text: string, tones: boolean, rhyme: boolean) => judgeRegulated(text, { form, book, tones, rhyme });
  for (const poem of lists ? tagged : []) {
    const judged = judge(textOf(poem), true, true);
    if (!judged.passed) console.log(`${tag} ${poem.author}《${poem.title}》 ${judged.message.zh}`);
  }
  const count = (text: (poem: Poem) => string, tones: boolean, rhyme: boolean) =>
    tagged.filter((poem) => judge(text(poem), tones, rhyme).passed).length;
  return {
    form: tag,
    poems: tagged.length,
    accepted: count(textOf, true, true),
    tones: count(textOf, true, false),
    rhyme: count(textOf, false, true),
    shuffled: count((poem) => shuffled(textOf(poem)), true, true),
  };
});
const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((all, row) => all + of(row), 0);
const total = {
  poems: sum(({ poems: n }) => n),
  accepted: sum(({ accepted }) => accepted),
  shuffled: sum((row) => row.shuffled),
};
console.table(rows);
console.log(
  `accepted ${total.accepted} of ${total.poems} (${percent(total.accepted, total.poems)}), shuffled ${total.shuffled}`,
);

const ci = ciRows();
console.table(ci);
const parallel = parallelRows();
console.table(parallel);
if (process.argv.includes('--json')) console.log(JSON.stringify({ rows, total, ci, parallel }));

/** Song ci by the measures of the gallery's application: one measure a tune, of those that poets used. */
function ciRows() {
  const gallery = path.dirname(fileURLToPath(import.meta.resolve('@tunan/gallery/package.json')));
  const check = readApp(path.join(gallery, 'applications/ci.yaml')).checks.find(({ use }) => use === 'meter');
  if (check?.use !== 'meter' || typeof check.form === 'string') throw new Error('ci.yaml has no measures');
  const folder = path.join(home, 'dist/songci');
  const all = readdirSync(folder)
    .filter((file) => file.startsWith('ci.song'))
    .flatMap((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Ci[]);
  return Object.entries(check.form.forms).map(([tune, measure]) => {
    const meter = readMeter(measure);
    // Poems with gaps have no measure.
    const texts = all
      .filter(({ rhythmic }) => rhythmic === tune)
      .map(({ paragraphs }) => paragraphs.join(''))
      .filter((text) => !/[□■]/.test(text));
    const count = (made: (text: string) => string, tones: boolean, rhyme: boolean) =>
      texts.filter((text) => judgeMeter(made(text), meter, { book: rhymeBook('ci'), tones, rhyme }).passed).length;
    const same = (text: string) => text;
    const accepted = count(same, true, true);
    return {
      tune,
      poems: texts.length,
      accepted: `${accepted} (${percent(accepted, texts.length)})`,
      lengths: count(same, false, false),
      tones: count(same, true, false),
      rhyme: count(same, false, true),
      shuffled: count(shuffled, true, true),
    };
  });
}

interface Ci {
  readonly rhythmic: string;
  readonly paragraphs: readonly string[];
}

function parallelRows() {
  const eight = poems
    .filter(({ tags = [] }) => tags.includes('五言律诗') || tags.includes('七言律诗'))
    .map((poem) => versesOf(textOf(poem)).map((verse) => verse.join('')))
    .filter(({ length }) => length === 8);
  const couplets = (at: readonly number[]) =>
    at.flatMap((line) => eight.map((verses) => [verses[line]!, verses[line + 1]!] as const));
  const middle = couplets([2, 4]);
  const rows = {
    'middle couplets': middle,
    'first and last couplets': couplets([0, 6]),
    // With the lower line of the next couplet of the same length.
    'lower lines of others': middle.map(([upper], place) => {
      const turned = [...middle.slice(place + 1), ...middle];
      return [upper, turned.find(([other]) => other.length === upper.length)![1]] as const;
    }),
  };
  return Object.entries(rows).map(([of, pairs]) => {
    const accepted = (departures: number) => pairs.filter((pair) => judgeParallel([pair], departures).passed).length;
    const [none, one] = [accepted(0), accepted(1)];
    return {
      couplets: of,
      count: pairs.length,
      'no departure': `${none} (${percent(none, pairs.length)})`,
      'at most one': `${one} (${percent(one, pairs.length)})`,
    };
  });
}

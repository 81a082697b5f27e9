/**
 * How many real regulated poems the checker of verse accepts, and how many texts that only look like them: «300 Tang poems» of the npm package
 * chinese-poetry whose tags say a form, and the same poems with their characters shuffled inside the whole, lines and marks kept.
 *
 * What is refused of the real ones is listed with `--list`: among them are poems that are known for leaving the pattern.
 *
 *     node bench/verse.ts [--list] [--json]
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { judgeRegulated, rhymeBook } from '@tunan/applications/verse';
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
  `accepted ${total.accepted} of ${total.poems} (${((100 * total.accepted) / total.poems).toFixed(1)} %), shuffled ${total.shuffled}`,
);
if (process.argv.includes('--json')) console.log(JSON.stringify({ rows, total }));

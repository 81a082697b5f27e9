/**
 * Puts together the labelled documents of the quality classifier: `node packages/corpus/scripts/quality-labels/build-labels.ts --out FILE [--data DIR]`.
 *
 * recipes/quality/labels.json lists the sources; what they hold is read where it lies and goes into FILE ({text, label, source, genre} a
 * line) alone. Seeded: the same data gives the same file. What is no Simplified text becomes so, as in a corpus recipe.
 * Without --data the sources that lie there are left out: poems, our own sentences and the documents labelled by hand remain.
 */
import { createReadStream, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createZstdDecompress } from 'node:zlib';
import { seededRandom } from '@tunan/classifier';
import { simplecc } from 'simplecc-wasm';
import { z } from 'zod';
import { damage } from './damage.ts';
import { goldPages, listPages, restOfPages } from './pages.ts';
import { shuffle } from './random.ts';
import { SyntheticPages } from './synthetic-pages.ts';

const root = path.resolve(import.meta.dirname, '../../../..');

/** Of a longer document one piece of so many UTF-16 units is taken, from a random line on. */
const LONGEST = 3000;

const sourceSchema = z.strictObject({
  source: z.string(),
  /** Without one every record brings its own. */
  label: z.enum(['high', 'low', 'advert', 'unsafe']).optional(),
  documents: z.int().min(1).optional(),
  /** JSON lines with `text`, of which those with this `label` are taken; so many records make a document. */
  file: z.string().optional(),
  where: z.string().optional(),
  /** Of those the records that name this source. */
  only: z.string().optional(),
  /** Of those, or of the words of a lexicon, the texts in which the pattern is found, or is not. */
  having: z.string().optional(),
  without: z.string().optional(),
  join: z.tuple([z.int(), z.int()]).optional(),
  drop: z.string().optional(),
  poems: z.string().optional(),
  synthetic: z.string().optional(),
  /** Words of these lists, as pages of search words or woven into adverts. */
  lexicon: z.array(z.string()).optional(),
  offers: z.boolean().default(false),
  /** Seeded damage of the documents of these sources. */
  damaged: z.array(z.string()).optional(),
  /** Of the pages of these collections the kept text, or what is left of them. */
  pages: z.strictObject({ part: z.enum(['gold', 'rest']), of: z.array(z.string()) }).optional(),
  /** Pieces of whole pages. */
  lists: z.string().optional(),
  /** What stands for a digit in a collection that hides them. */
  hiddenDigit: z.string().optional(),
});

type Source = z.infer<typeof sourceSchema>;
/** `genre` is the kind of a page of our own sentences, or what was noted by hand. */
interface Labelled {
  text: string;
  label: string;
  source: string;
  genre?: string;
}

async function main(data: string | undefined, out: string, seed: number): Promise<void> {
  const file = path.join(root, 'recipes/quality/labels.json');
  const { sources } = z.object({ sources: z.array(sourceSchema) }).parse(JSON.parse(readFileSync(file, 'utf8')));
  const made: Labelled[] = [];
  for (const [index, source] of sources.entries()) {
    if (data === undefined && needsData(source)) continue;
    const random = seededRandom(seed * 1000 + index);
    const own = distinct(await documentsOf(source, data ?? root, made, random));
    made.push(...(source.documents === undefined ? own : shuffle(own, random).slice(0, source.documents)));
  }
  const lines = made
    .map((one) => ({ ...one, text: simplecc(cut(one.text, seededRandom(one.text.length)), 't2s').trim() }))
    .filter(({ text }) => text !== '');
  writeFileSync(out, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const counts = Object.groupBy(lines, ({ source, label }) => `${label}/${source}`);
  for (const [name, { length }] of Object.entries(counts) as [string, Labelled[]][]) console.log(`${name}: ${length}`);
}

function needsData({ file, pages, lists, lexicon, damaged }: Source): boolean {
  if (file !== undefined) return !file.startsWith('recipes/');
  return [pages, lists, lexicon, damaged].some((field) => field !== undefined);
}

async function documentsOf(
  source: Source,
  data: string,
  before: readonly Labelled[],
  random: () => number,
): Promise<Labelled[]> {
  const named = (text: string, label = source.label!) => ({ text, label, source: source.source });
  const count = source.documents ?? 0;
  if (source.file !== undefined) return records(source, data, random);
  if (source.poems !== undefined) return poems(path.join(root, source.poems)).map((text) => named(text));
  if (source.pages !== undefined) {
    const take = source.pages.part === 'gold' ? goldPages : restOfPages;
    return take(path.join(data, 'web'), source.pages.of).map((text) => named(text));
  }
  if (source.lists !== undefined) {
    return listPages(globSync(path.join(data, source.lists)).sort()).flatMap((text) =>
      pieces(text).map((one) => named(one)),
    );
  }
  const synthetic = new SyntheticPages(
    readFileSync(path.join(root, 'recipes/quality/synthetic-pages.txt'), 'utf8'),
    random,
  );
  if (source.synthetic !== undefined) {
    return Array.from({ length: count }, () => {
      const { text, kind } = synthetic.page(source.synthetic!);
      return { ...named(text), genre: kind };
    });
  }
  if (source.lexicon !== undefined) {
    const words = source.lexicon
      .flatMap((name) => readFileSync(path.join(data, name), 'utf8').split(/\s+/))
      .filter((word) => word !== '' && isWanted(word, source));
    return Array.from({ length: count }, () =>
      named(source.offers ? synthetic.offer(words) : synthetic.keywords(words)),
    );
  }
  const originals = shuffle(
    before.filter((one) => source.damaged!.includes(one.source)),
    random,
  );
  return originals.slice(0, count).map(({ text }) => named(damage(cut(text, random).slice(0, 1200), random)));
}

function isWanted(text: string, { having, without }: Source): boolean {
  if (having !== undefined && !new RegExp(having).test(text)) return false;
  return without === undefined || !new RegExp(without).test(text);
}

/** Mass messages come many times, with another number in each. */
function distinct(documents: readonly Labelled[]): Labelled[] {
  return [...new Map(documents.map((one) => [one.text.replace(/[\da-z]+/gi, ''), one])).values()];
}

async function records(source: Source, data: string, random: () => number): Promise<Labelled[]> {
  const file = source.file!.startsWith('recipes/') ? path.join(root, source.file!) : path.join(data, source.file!);
  const stream = file.endsWith('.zst') ? createReadStream(file).pipe(createZstdDecompress()) : createReadStream(file);
  const found: Labelled[] = [];
  for await (const line of createInterface({ input: stream })) {
    const record = JSON.parse(line) as Partial<Labelled> & { text: string };
    if (source.where !== undefined && record.label !== source.where) continue;
    if (source.only !== undefined && record.source !== source.only) continue;
    if (!isWanted(record.text, source)) continue;
    let text = source.drop === undefined ? record.text : record.text.replaceAll(source.drop, '');
    if (source.hiddenDigit !== undefined) {
      text = text.replaceAll(source.hiddenDigit, () => String(Math.floor(random() * 10)));
    }
    const genre = source.label === undefined ? { genre: record.genre! } : {};
    found.push({ text, label: source.label ?? record.label!, source: source.source, ...genre });
  }
  if (source.join === undefined) return found;
  const joined: Labelled[] = [];
  for (let at = 0; at < found.length; ) {
    const [least, most] = source.join;
    const size = least + Math.floor(random() * (most - least + 1));
    const text = found
      .slice(at, at + size)
      .map((one) => one.text)
      .join('\n');
    joined.push({ ...found[at]!, text });
    at += size;
  }
  return joined;
}

function poems(folder: string): string[] {
  return globSync(path.join(folder, 'poet.*.json'))
    .sort()
    .filter((_, i) => i % 40 === 0)
    .flatMap((file) => {
      const content = JSON.parse(readFileSync(file, 'utf8')) as { title: string; paragraphs: string[] }[];
      return content.map(({ title, paragraphs }) => `${title}\n${paragraphs.join('\n')}`);
    });
}

function pieces(text: string): string[] {
  return text.match(/[\s\S]{300,1500}(?:\n|$)/g) ?? [];
}

/** A piece of a long text that begins with a line. */
function cut(text: string, random: () => number): string {
  if (text.length <= LONGEST) return text;
  const start = Math.floor(random() * (text.length - LONGEST));
  const line = start === 0 ? 0 : text.indexOf('\n', start) + 1;
  return text.slice(line > start && line < start + LONGEST ? line : start).slice(0, LONGEST);
}

const { values } = parseArgs({
  options: { data: { type: 'string' }, out: { type: 'string' }, seed: { type: 'string', default: '1' } },
});
if (values.out === undefined) {
  console.error(
    'usage: node packages/corpus/scripts/quality-labels/build-labels.ts --out FILE [--data DIR] [--seed N]',
  );
  process.exitCode = 2;
} else {
  await main(values.data && path.resolve(values.data), path.resolve(values.out), Number(values.seed));
}

/** Recall of spam that training has not met, page by page, through the stages of a recipe. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { trainAndTest } from '@tunan/classifier';
import { buildCorpus, openCorpus, parseRecipe, SPLITS } from '@tunan/corpus';
import { seededRandom } from '../seeded-random.ts';
import { goldPages } from './gold-pages.ts';
import type { LabelledDocument } from './labelled-document.ts';
import { ROTATIONS } from './rotations.ts';
import { type Filter, qualityFilter, stageFilter } from './stage.ts';

/** A kind of our sentences is unseen in one of so many trainings. */
const FOLDS = 4;
const SYNTHETIC = ['synthetic-advert', 'synthetic-unsafe'];
/** A page of spam has at least so many UTF-16 units. */
const LEAST = 300;
const PAGES = 200;

interface Caught {
  readonly pages: number;
  readonly quality: number;
  readonly sensitive: number;
  readonly either: number;
}

export async function measureSpam(documents: readonly LabelledDocument[], data: string, seed: number) {
  const { test, validation } = ROTATIONS[0]!;
  const sensitive = await stageFilter({ use: 'sensitive' });
  const good = goldPages(data).filter(({ source }) => source !== undefined && test.includes(source));
  const kinds = [...new Set(documents.filter(isSynthetic).map(kindOf))].sort();
  const results: Record<string, Caught[]> = { 'spam alone': [], 'half of a page': [], 'a quarter of a page': [] };
  for (let fold = 0; fold < FOLDS; fold++) {
    const unseen = new Set(kinds.filter((_, i) => i % FOLDS === fold));
    const rest = documents.filter((one) => !isSynthetic(one) || !unseen.has(kindOf(one)));
    const spam = documents.filter((one) => isSynthetic(one) && unseen.has(kindOf(one)));
    const trained = await trainAndTest(rest, { keep: 'high', testSources: test, validationSources: validation, seed });
    const quality = await qualityFilter(trained.classifier);
    const random = seededRandom(seed + fold);
    const pages = Array.from({ length: PAGES }, () => spamPage(spam, random));
    results['spam alone']!.push(caught(pages, quality, sensitive));
    for (const [name, share] of [
      ['half of a page', 0.5],
      ['a quarter of a page', 0.25],
    ] as const) {
      const hidden = pages.map((page) => hide(page, good[Math.floor(random() * good.length)]!.text, share));
      results[name]!.push(caught(hidden, quality, sensitive));
    }
  }
  const total = Object.fromEntries(Object.entries(results).map(([name, folds]) => [name, add(folds)]));
  console.log(
    `spam pages                     pages  by quality  by sensitive  by either   (${kinds.length} kinds, ${FOLDS} folds)`,
  );
  for (const [name, one] of Object.entries(total)) show(name, one);
  const { classifier } = await trainAndTest(documents, {
    keep: 'high',
    testSources: test,
    validationSources: validation,
    seed,
  });
  const archived = await archivedPages(path.join(data, 'web/raw/warc/zh-web.warc.gz'));
  total[ARCHIVED] = caught(archived, await qualityFilter(classifier), sensitive);
  show(ARCHIVED, total[ARCHIVED]);
  return total;
}

const ARCHIVED = 'WARC, host names taken out';

function show(name: string, { pages, quality, sensitive, either }: Caught): void {
  const share = (count: number) => `${((100 * count) / pages).toFixed(1)} %`.padStart(11);
  console.log(
    `${name.padEnd(30)} ${String(pages).padStart(5)} ${share(quality)} ${share(sensitive)}  ${share(either)}`,
  );
}

function isSynthetic({ source }: LabelledDocument): boolean {
  return SYNTHETIC.includes(source);
}

function kindOf({ label, genre }: LabelledDocument): string {
  return `${label}/${genre}`;
}

/** Documents of one kind, until they make a page. */
function spamPage(spam: readonly LabelledDocument[], random: () => number): string {
  const draw = (from: readonly LabelledDocument[]) => from[Math.floor(random() * from.length)]!;
  const first = draw(spam);
  const same = spam.filter((one) => kindOf(one) === kindOf(first));
  let { text } = first;
  while (text.length < LEAST) text += `\n${draw(same).text}`;
  return text;
}

/** So much of a good page that the spam is the given share, before and after it. */
function hide(spam: string, good: string, share: number): string {
  const length = Math.ceil((spam.length * (1 - share)) / share);
  const around = good.repeat(Math.ceil(length / good.length)).slice(0, length);
  const before = around.indexOf('\n', length >> 1) + 1 || length >> 1;
  return `${around.slice(0, before)}\n${spam}\n${around.slice(before)}`;
}

function caught(pages: readonly string[], quality: Filter, sensitive: Filter): Caught {
  const by = pages.map((page) => ({ quality: quality(page) !== undefined, sensitive: sensitive(page) !== undefined }));
  return {
    pages: pages.length,
    quality: by.filter((one) => one.quality).length,
    sensitive: by.filter((one) => one.sensitive).length,
    either: by.filter((one) => one.quality || one.sensitive).length,
  };
}

function add(folds: readonly Caught[]): Caught {
  const sum = (key: keyof Caught) => folds.reduce((total, fold) => total + fold[key], 0);
  return { pages: sum('pages'), quality: sum('quality'), sensitive: sum('sensitive'), either: sum('either') };
}

/** Texts of the Chinese pages of an archive after the stages before `sensitive`, without what looks like a host name. */
async function archivedPages(archive: string): Promise<string[]> {
  const out = mkdtempSync(path.join(tmpdir(), 'tunan-bench-warc-'));
  try {
    const recipe = parseRecipe({
      name: 'warc',
      title: { en: 'Archive', zh: '归档' },
      description: { en: 'One archive', zh: '一个归档' },
      licence: 'none',
      sources: [{ type: 'warc', name: 'warc', licence: 'none', paths: [archive] }],
      stages: ['decode', 'extract', 'repair', 'language', 'simplify', 'normalise'].map((use) => ({ use })),
      split: { validation: 0, test: 0, seed: 1 },
    });
    await buildCorpus(recipe, { out, workers: 1 });
    const texts: string[] = [];
    const corpus = openCorpus(out);
    for (const split of SPLITS) {
      for await (const { text } of corpus.documents(split)) texts.push(text.replace(/[\w-]+(\.[\w-]+)+/g, ''));
    }
    return texts;
  } finally {
    rmSync(out, { recursive: true });
  }
}

/**
 * Makes src/stages/extract/block-model.json from pages with the text that a person kept.
 *
 *   node packages/corpus/scripts/block-model/train.ts PAGES LABELLED FOREIGN                          trains on all pages and writes the model
 *   node packages/corpus/scripts/block-model/train.ts PAGES LABELLED FOREIGN --evaluate source|site   leave-one-source-out, or five folds by site; writes nothing
 *     --out DIR   with --evaluate: {id}.txt as a model that has not seen the page writes it, in DIR/source or DIR/site
 *
 * PAGES and FOREIGN hold manifest.json ({pages: [{id, path, gold, source, reliable}]}), the pages and the texts. Pages
 * whose text a tool made (reliable: false) count a third. LABELLED holds the public pages of labels.jsonl
 * (fetch-pages.ts brings them), FOREIGN English pages made to look Chinese (foreign-pages.ts); they are many, so each
 * counts little, and nothing is measured on them. Every Chinese page is seen a second time without class names and title,
 * so that the trees do not lean on names alone. What is scored has never been seen, nor has another page of its site.
 * The same input gives the same bytes.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { isRejection } from '../../src/document.ts';
import { decodePage } from '../../src/stages/decode/decode-page.ts';
import { blockFeatures, FEATURE_NAMES } from '../../src/stages/extract/block-features.ts';
import { BlockModel, joinColumns, modelColumns, type StoredBlockModel } from '../../src/stages/extract/block-model.ts';
import { Forest } from '../../src/stages/extract/boosted-trees.ts';
import { CONTEXT_NAMES, contextFeatures } from '../../src/stages/extract/context-features.ts';
import type { TextCounts } from '../../src/stages/extract/element-statistics.ts';
import { extractTree } from '../../src/stages/extract/extract-page.ts';
import { type PageTree, readPage } from '../../src/stages/extract/page-tree.ts';
import { alignGold, bare } from './align-gold.ts';
import { type BoostingOptions, boost } from './gradient-boosting.ts';
import { matchScore } from './match-score.ts';
import { type PageLabel, readLabels, sharesOf } from './page-labels.ts';

const FIRST: BoostingOptions = {
  trees: 120,
  depth: 5,
  rate: 0.08,
  ridge: 5,
  leafWeight: 2,
  columnShare: 0.3,
  groupShare: 0.8,
  seed: 7,
};
const SECOND: BoostingOptions = { ...FIRST, trees: 80, columnShare: 0.4, seed: 11 };

/** The second forest is trained on what first forests say about pages that they have not seen. */
const INNER_FOLDS = 4;
const OUTER_FOLDS = 5;

/** What all wrong blocks of a page may weigh together, in units of its right text. */
const MOST_WRONG = 3;
/** A page with less to keep weighs as if it had this many characters. */
const LEAST_TEXT = 150;
const SILVER_WEIGHT = 0.3;
const NAMELESS_WEIGHT = 0.4;
/** Threads are few, and the foreign pages have next to none. */
const FORUM_WEIGHT = 3;
const FOREIGN_WEIGHT = 0.15;
/** A foreign page of whose gold less is found among its blocks is left out: the text was taken from another version. */
const LEAST_FOUND = 0.9;

type PageEntry = { id: string; path: string; gold: string; source: string; reliable: boolean; gold_kind?: string };

type Example = {
  id: string;
  source: string;
  reliable: boolean;
  /** Of labels.jsonl, not of PAGES. */
  labelled: boolean;
  forum: boolean;
  tree: PageTree;
  gold: string;
  rows: Float32Array;
  targets: number[];
  weights: number[];
  counts: TextCounts[];
  site: string;
  /** The same page without names. */
  variants: Example[];
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { evaluate: { type: 'string' }, out: { type: 'string' } },
});
if (positionals.length !== 3)
  throw new Error('usage: train.ts PAGES LABELLED FOREIGN [--evaluate source|site [--out DIR]]');
const examples = [...readPages(positionals[0]!), ...readLabelled(positionals[1]!)];
const foreign = readForeign(positionals[2]!);
if (values.evaluate === undefined) writeModel();
else if (values.evaluate === 'source') leaveOneSourceOut();
else if (values.evaluate === 'site') foldsBySite();
else throw new Error(`--evaluate takes source or site, not ${values.evaluate}`);

function readPages(folder: string): Example[] {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as { pages: PageEntry[] };
  return manifest.pages.map(({ id, path: file, gold: goldFile, source, reliable, gold_kind: kind = '' }) => {
    const gold = readFileSync(path.join(folder, goldFile), 'utf8');
    const html = textOf(path.join(folder, file));
    return withVariant(
      html,
      { id, source, reliable, labelled: false, forum: kind.endsWith('forum'), gold },
      ({ blocks }) => alignGold(blocks, gold),
    );
  });
}

function readLabelled(folder: string): Example[] {
  return readLabels(path.join(import.meta.dirname, 'labels.jsonl')).map((label) => {
    const html = textOf(path.join(folder, label.id));
    const about = {
      id: label.id,
      source: label.repository,
      reliable: true,
      labelled: true,
      forum: label.kind === 'forum',
    };
    return withVariant(html, { ...about, gold: goldOf(html, label) }, ({ blocks }) => sharesOf(blocks, label.keep));
  });
}

function readForeign(folder: string): Example[] {
  const { pages } = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as { pages: PageEntry[] };
  return pages.flatMap(({ id, path: file, gold: goldFile, source, reliable }) => {
    const gold = readFileSync(path.join(folder, goldFile), 'utf8');
    const tree = readPage(textOf(path.join(folder, file)));
    const about = { id, source, reliable, labelled: false, forum: false, gold };
    const example = exampleOf(tree, about, ({ blocks }) => alignGold(blocks, gold), FOREIGN_WEIGHT);
    const found = tree.blocks.reduce((sum, { text }, i) => sum + bare(text).length * example.targets[i]!, 0);
    return found < LEAST_FOUND * bare(gold).length ? [] : [example];
  });
}

function goldOf(html: string, { keep }: PageLabel): string {
  const text = readPage(html).blocks.map((block) => block.text.replace(/\s/gu, ''));
  return keep.map(([start, end]) => text.join('').slice(start, end)).join('');
}

function textOf(file: string): string {
  const page = decodePage(readFileSync(file));
  if (isRejection(page)) throw new Error(`${file}: ${page.reason}`);
  return page.text;
}

type About = Pick<Example, 'id' | 'source' | 'reliable' | 'labelled' | 'forum' | 'gold'>;

function withVariant(html: string, about: About, targetsOf: (tree: PageTree) => number[]): Example {
  const nameless = exampleOf(withoutNames(readPage(html)), about, targetsOf, NAMELESS_WEIGHT);
  const example = exampleOf(readPage(html), about, targetsOf, 1);
  return { ...example, site: siteOf(html) ?? about.id, variants: [nameless] };
}

function exampleOf(tree: PageTree, about: About, targetsOf: (tree: PageTree) => number[], weight: number): Example {
  const { rows, page } = blockFeatures(tree);
  const targets = targetsOf(tree);
  const sizes = page.counts.map(({ characters }) => characters + 1);
  const scale = weight * (about.reliable ? 1 : SILVER_WEIGHT) * (about.forum ? FORUM_WEIGHT : 1);
  const weights = weightsOf(sizes, targets).map((share) => share * scale);
  return { ...about, tree, rows, targets, weights, counts: page.counts, site: '', variants: [] };
}

/** The domain that most links of the page lead to. */
function siteOf(html: string): string | undefined {
  const counts = new Map<string, number>();
  for (const [, host] of html.matchAll(/href=["']?https?:\/\/([\w.-]+)/g)) {
    const labels = host!.toLowerCase().split('.');
    const domain = labels.slice(/^(com|net|org|gov|edu)$/.test(labels.at(-2) ?? '') ? -3 : -2).join('.');
    counts.set(domain, (counts.get(domain) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

function withoutNames(tree: PageTree): PageTree {
  for (const element of tree.elements) element.hint = '';
  return { ...tree, title: '' };
}

/** Every page weighs the same, each block by its share of the text to be kept: what it costs in F1. */
function weightsOf(sizes: number[], targets: number[]): number[] {
  const right = Math.max(
    LEAST_TEXT,
    sizes.reduce((sum, size, i) => sum + size * targets[i]!, 0),
  );
  const shares = sizes.map((size) => Math.min(1, size / right));
  const wrong = shares.reduce((sum, share, i) => sum + (targets[i]! < 0.5 ? share : 0), 0);
  const damp = Math.min(1, MOST_WRONG / Math.max(wrong, 1e-9));
  return shares.map((share, i) => 100 * share * (targets[i]! < 0.5 ? damp : 1));
}

function trainModel(chinese: Example[]): StoredBlockModel {
  const pages = [...chinese, ...foreign];
  const first = trainFirst(pages);
  const seen = new Map<Example, Float32Array>();
  for (let fold = 0; fold < INNER_FOLDS; fold++) {
    const forest = new Forest(trainFirst(pages.filter((_, i) => i % INNER_FOLDS !== fold)));
    for (const page of withVariants(pages.filter((_, i) => i % INNER_FOLDS === fold))) {
      const context = contextFeatures(page.tree, page.counts, forest.probabilities(page.rows, FEATURE_NAMES.length));
      seen.set(
        page,
        joinColumns(page.rows, FEATURE_NAMES.length, context, CONTEXT_NAMES.length, [...page.targets.keys()]),
      );
    }
  }
  const width = FEATURE_NAMES.length + CONTEXT_NAMES.length;
  const second = boost(
    trainingRows(withVariants(pages), (page) => seen.get(page)!, width),
    SECOND,
  );
  return { about: 'Made by packages/corpus/scripts/block-model/train.ts.', features: modelColumns(), first, second };
}

function trainFirst(pages: Example[]) {
  return boost(
    trainingRows(withVariants(pages), ({ rows }) => rows, FEATURE_NAMES.length),
    FIRST,
  );
}

function withVariants(pages: Example[]): Example[] {
  return pages.flatMap((page) => [page, ...page.variants]);
}

function trainingRows(pages: Example[], rowsOf: (page: Example) => Float32Array, width: number) {
  const n = pages.reduce((sum, { targets }) => sum + targets.length, 0);
  const data = {
    rows: new Float32Array(n * width),
    width,
    targets: new Float64Array(n),
    weights: new Float64Array(n),
    groups: new Int32Array(n),
  };
  let at = 0;
  pages.forEach((page, group) => {
    data.rows.set(rowsOf(page), at * width);
    data.targets.set(
      page.targets.map((share) => Math.min(1, share)),
      at,
    );
    data.weights.set(page.weights, at);
    data.groups.fill(group, at, at + page.targets.length);
    at += page.targets.length;
  });
  return data;
}

function writeModel(): void {
  const stored = trainModel(examples);
  const file = new URL('../../src/stages/extract/block-model.json', import.meta.url);
  writeFileSync(file, `${JSON.stringify(stored, undefined, 2)}\n`);
  const model = new BlockModel(stored);
  const scores = examples.filter(({ reliable, labelled }) => reliable && !labelled).map((page) => scoreOf(page, model));
  console.log(`pages it was trained on: F1 ${mean(scores).toFixed(4)}`);
}

function leaveOneSourceOut(): void {
  const sources = [...new Set(examples.filter(({ labelled }) => !labelled).map(({ source }) => source))];
  report(
    'leave one source out',
    'source',
    sources.map((source) => [source, examples.filter((page) => page.source === source)]),
  );
}

function foldsBySite(): void {
  const sites = [...new Set(examples.map(({ site }) => site))];
  const folds = Array.from({ length: OUTER_FOLDS }, (_, fold): [string, Example[]] => [
    String(fold),
    examples.filter(({ site }) => sites.indexOf(site) % OUTER_FOLDS === fold),
  ]);
  report(`${OUTER_FOLDS} folds, a site in one`, 'site', folds);
}

/** Each part is scored by a model that has seen neither its pages nor others of their sites. */
function report(title: string, name: string, parts: [string, Example[]][]): void {
  const all: { page: Example; f1: number }[] = [];
  for (const [part, held] of parts) {
    const sites = new Set(held.map(({ site }) => site));
    const test = held.filter(({ reliable }) => reliable);
    if (test.length === 0) continue;
    const unseen = new Set(held);
    const model = new BlockModel(trainModel(examples.filter((page) => !unseen.has(page) && !sites.has(page.site))));
    const scored = test.map((page) => ({ page, f1: scoreOf(page, model, name) }));
    console.log(`  ${part}: ${summary(scored)}`);
    all.push(...scored);
  }
  console.log(`${title}, PAGES: ${summary(all.filter(({ page }) => !page.labelled))}`);
  const labelled = all.filter(({ page }) => page.labelled);
  if (labelled.length > 0) console.log(`${title}, LABELLED: ${summary(labelled)}`);
}

/** Articles by F1; index pages by how many are told. */
function summary(scored: { page: Example; f1: number }[]): string {
  const articles = scored.filter(({ page }) => page.gold !== '').map(({ f1 }) => f1);
  const indexes = scored.filter(({ page }) => page.gold === '').map(({ f1 }) => f1);
  const low = articles.filter((f1) => f1 < 0.5).length;
  const told =
    indexes.length === 0 ? '' : `; ${indexes.filter((f1) => f1 === 1).length} of ${indexes.length} index pages told`;
  return `${articles.length} pages, F1 ${mean(articles).toFixed(4)}, below 0.5: ${low}${told}`;
}

/** F1 of characters; for a page without main text 1 where it is rejected, else 0. */
function scoreOf({ id, tree, gold }: Example, model: BlockModel, folder?: string): number {
  const page = extractTree(tree, model);
  const body = isRejection(page) ? '' : page.body;
  if (values.out !== undefined && folder !== undefined) {
    mkdirSync(path.join(values.out, folder), { recursive: true });
    writeFileSync(path.join(values.out, folder, `${id}.txt`), body);
  }
  if (gold === '') return body === '' ? 1 : 0;
  return matchScore(bare(gold), bare(body));
}

function mean(numbers: number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0) / Math.max(1, numbers.length);
}

/**
 * Makes src/stages/extract/block-model.json from pages with the text that a person kept.
 *
 *   node packages/corpus/scripts/block-model/train.ts PAGES             trains on all pages and writes the model
 *   node packages/corpus/scripts/block-model/train.ts PAGES --evaluate  leave-one-source-out and tenfold by site, writes nothing
 *     --out DIR   with --evaluate: {id}.txt as a model that has not seen the page writes it, in DIR/source and DIR/fold
 *
 * PAGES holds manifest.json ({pages: [{id, path, gold, source, reliable}]}), the pages and the texts. Pages whose text a
 * tool made (reliable: false) count a third. Every page is seen a second time without class names and title, so that
 * the trees do not lean on names alone. The same input gives the same bytes.
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
const OUTER_FOLDS = 10;

/** What all wrong blocks of a page may weigh together, in units of its right text. */
const MOST_WRONG = 3;
/** A page with less to keep weighs as if it had this many characters. */
const LEAST_TEXT = 150;
const SILVER_WEIGHT = 0.3;
const NAMELESS_WEIGHT = 0.4;

type PageEntry = { id: string; path: string; gold: string; source: string; reliable: boolean };

type Example = {
  entry: PageEntry;
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
  options: { evaluate: { type: 'boolean' }, out: { type: 'string' } },
});
if (positionals.length !== 1) throw new Error('usage: train.ts PAGES [--evaluate [--out DIR]]');
const examples = readExamples(positionals[0]!);
if (values.evaluate) evaluate();
else writeModel();

function readExamples(folder: string): Example[] {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as { pages: PageEntry[] };
  return manifest.pages.map((entry) => {
    const page = decodePage(readFileSync(path.join(folder, entry.path)));
    if (isRejection(page)) throw new Error(`${entry.path}: ${page.reason}`);
    const gold = readFileSync(path.join(folder, entry.gold), 'utf8');
    const example = exampleOf(entry, readPage(page.text), gold, 1);
    const nameless = exampleOf(entry, withoutNames(readPage(page.text)), gold, NAMELESS_WEIGHT);
    return { ...example, site: siteOf(page.text) ?? entry.id, variants: [nameless] };
  });
}

function exampleOf(entry: PageEntry, tree: PageTree, gold: string, weight: number): Example {
  const { rows, page } = blockFeatures(tree);
  const targets = alignGold(tree.blocks, gold);
  const sizes = page.counts.map(({ characters }) => characters + 1);
  const scale = weight * (entry.reliable ? 1 : SILVER_WEIGHT);
  const weights = weightsOf(sizes, targets).map((share) => share * scale);
  return { entry, tree, gold, rows, targets, weights, counts: page.counts, site: '', variants: [] };
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

function trainModel(pages: Example[]): StoredBlockModel {
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
  const pages = examples.filter(({ entry }) => entry.reliable);
  const scores = pages.map((page) => scoreOf(page, new BlockModel(stored)));
  console.log(`pages it was trained on: F1 ${mean(scores).toFixed(4)}`);
}

function evaluate(): void {
  report('leave one source out', 'source', ({ entry }) => entry.source);
  const sites = [...new Set(examples.map(({ site }) => site))];
  report(`${OUTER_FOLDS} folds, a site in one`, 'fold', ({ site }) => String(sites.indexOf(site) % OUTER_FOLDS));
}

function report(title: string, name: string, partOf: (page: Example) => string): void {
  const scores = new Map<string, number[]>();
  for (const part of new Set(examples.map(partOf))) {
    const test = examples.filter((page) => partOf(page) === part && page.entry.reliable);
    if (test.length === 0) continue;
    const model = new BlockModel(trainModel(examples.filter((page) => partOf(page) !== part)));
    scores.set(
      part,
      test.map((page) => scoreOf(page, model, name)),
    );
    console.log(`  ${part}: ${test.length} pages, F1 ${mean(scores.get(part)!).toFixed(4)}`);
  }
  const all = [...scores.values()].flat();
  console.log(
    `${title}: ${all.length} pages, F1 ${mean(all).toFixed(4)}, below 0.5: ${all.filter((f1) => f1 < 0.5).length}`,
  );
}

function scoreOf({ tree, entry, gold }: Example, model: BlockModel, folder?: string): number {
  const page = extractTree(tree, model);
  const body = isRejection(page) ? '' : page.body;
  if (values.out !== undefined && folder !== undefined) {
    mkdirSync(path.join(values.out, folder), { recursive: true });
    writeFileSync(path.join(values.out, folder, `${entry.id}.txt`), body);
  }
  return matchScore(bare(gold), bare(body));
}

function mean(numbers: number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0) / Math.max(1, numbers.length);
}

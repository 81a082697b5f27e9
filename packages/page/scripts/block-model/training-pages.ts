/** The pages that train.ts learns from: their blocks with features, what of each block is to be kept, and how much it weighs. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { decodePage } from '../../src/decode/decode-page.ts';
import { blockFeatures } from '../../src/extract/block-features.ts';
import type { TextCounts } from '../../src/extract/element-statistics.ts';
import type { PageTree } from '../../src/extract/page-tree.ts';
import { readPage } from '../../src/extract/read-page.ts';
import { isRejection } from '../../src/rejection.ts';
import { alignGold, bare } from './align-gold.ts';
import { madePages } from './made-pages.ts';
import { type PageKind, type PageLabel, readLabels, sharesOf } from './page-labels.ts';

/** What all wrong blocks of a page may weigh together, in units of its right text. */
const MOST_WRONG = 3;
/** A page with less to keep weighs as if it had this many characters. */
const LEAST_TEXT = 150;
const SILVER_WEIGHT = 0.3;
const NAMELESS_WEIGHT = 0.4;
/** Threads are few, and the foreign pages have next to none. */
const THREAD_WEIGHT = 3;
const FOREIGN_WEIGHT = 0.15;
/** Of the foreign pages one in so many: more of them cost time and change little since there are some 500 Chinese ones. */
const ONE_FOREIGN_IN = 3;
/** A foreign page of whose gold less is found among its blocks is left out: the text was taken from another version. */
const LEAST_FOUND = 0.9;
const MADE_PAGES = 540;
const MADE_WEIGHT = 0.3;
const MADE_SEED = 1_000;
/** Texts that made-up pages take their sentences from. */
const MADE_TEXTS = 300;

interface PageEntry {
  id: string;
  path: string;
  gold: string;
  source: string;
  reliable: boolean;
  gold_kind?: string;
}

export type Example = About & {
  tree: PageTree;
  rows: Float32Array;
  targets: number[];
  weights: number[];
  counts: TextCounts[];
  /** The kind of place of each block. */
  kindOf: string[];
  /** The same page without names. */
  variants: Example[];
};

interface About {
  id: string;
  source: string;
  reliable: boolean;
  /** Of labels.jsonl, not of PAGES. */
  labelled: boolean;
  kind: PageKind;
  gold: string;
  site: string;
}

export function readPages(folder: string): Example[] {
  return entriesOf(folder).map(({ id, path: file, gold: goldFile, source, reliable, gold_kind: goldKind = '' }) => {
    const gold = readFileSync(path.join(folder, goldFile), 'utf8');
    const html = textOf(path.join(folder, file));
    const kind = goldKind.endsWith('forum') ? 'thread' : 'article';
    const about: About = { id, source, reliable, labelled: false, kind, gold, site: siteOf(html) ?? id };
    return withVariant(html, about, ({ blocks }) => alignGold(blocks, gold));
  });
}

export function readLabelled(folder: string): Example[] {
  return readLabels(path.join(import.meta.dirname, 'labels.jsonl')).map((label) => {
    const html = textOf(path.join(folder, label.id));
    const { id, repository: source, kind, site } = label;
    const about: About = { id, source, reliable: true, labelled: true, kind, gold: goldOf(html, label.keep), site };
    return withVariant(html, about, ({ blocks }) => sharesOf(blocks, label.keep));
  });
}

/** English pages made to look Chinese, and pages made up from their text. */
export function readForeign(folder: string): Example[] {
  const entries = entriesOf(folder).filter((_, i) => i % ONE_FOREIGN_IN === 0);
  const foreign = entries.flatMap(({ id, path: file, gold: goldFile, source, reliable }) => {
    const gold = readFileSync(path.join(folder, goldFile), 'utf8');
    const tree = readPage(textOf(path.join(folder, file)));
    const about: About = { id, source, reliable, labelled: false, kind: 'article', gold, site: id };
    const example = exampleOf(tree, about, alignGold(tree.blocks, gold), FOREIGN_WEIGHT);
    const found = tree.blocks.reduce((sum, { text }, i) => sum + bare(text).length * example.targets[i]!, 0);
    return found < LEAST_FOUND * bare(gold).length ? [] : [example];
  });
  const files = readdirSync(path.join(folder, 'gold')).sort().slice(0, MADE_TEXTS);
  const texts = files.map((file) => readFileSync(path.join(folder, 'gold', file), 'utf8'));
  const made = madePages(texts, MADE_PAGES, MADE_SEED).map(({ id, html, keep, kind }) => {
    const tree = readPage(html);
    const about: About = {
      id,
      source: 'made',
      reliable: true,
      labelled: false,
      kind,
      gold: goldOf(html, keep),
      site: id,
    };
    return exampleOf(tree, about, sharesOf(tree.blocks, keep), MADE_WEIGHT);
  });
  return [...foreign, ...made];
}

function entriesOf(folder: string): PageEntry[] {
  return (JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as { pages: PageEntry[] }).pages;
}

function goldOf(html: string, keep: PageLabel['keep']): string {
  const text = readPage(html).blocks.map((block) => block.text.replace(/\s/gu, ''));
  return keep.map(([start, end]) => text.join('').slice(start, end)).join('');
}

function textOf(file: string): string {
  const page = decodePage(readFileSync(file));
  if (isRejection(page)) throw new Error(`${file}: ${page.reason}`);
  return page.text;
}

function withVariant(html: string, about: About, targetsOf: (tree: PageTree) => number[]): Example {
  const bareTree = withoutNames(readPage(html));
  const thread = about.kind === 'thread' ? THREAD_WEIGHT : 1;
  const nameless = exampleOf(bareTree, about, targetsOf(bareTree), NAMELESS_WEIGHT * thread);
  const tree = readPage(html);
  return { ...exampleOf(tree, about, targetsOf(tree), thread), variants: [nameless] };
}

function exampleOf(tree: PageTree, about: About, targets: number[], weight: number): Example {
  const { rows, page } = blockFeatures(tree);
  const sizes = page.counts.map(({ characters }) => characters + 1);
  const scale = weight * (about.reliable ? 1 : SILVER_WEIGHT);
  const weights = weightsOf(sizes, targets).map((share) => share * scale);
  return { ...about, tree, rows, targets, weights, counts: page.counts, kindOf: page.kindOf, variants: [] };
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

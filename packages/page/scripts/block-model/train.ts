/**
 * Makes src/extract/block-model.json from pages with the text that a person kept.
 *
 *   node packages/page/scripts/block-model/train.ts PAGES LABELLED FOREIGN                               trains on all pages and writes the model
 *   node packages/page/scripts/block-model/train.ts PAGES LABELLED FOREIGN --evaluate held|source|site   writes nothing but figures
 *     held: sites that no choice was made by; source: leave one source out; site: five folds, a site in one
 *     --write     with --evaluate: then trains on all pages and writes the model
 *     --out DIR   with --evaluate: {id}.txt as a model that has not seen the page's site writes it, in DIR/{how}
 *
 * PAGES and FOREIGN hold manifest.json ({pages: [{id, path, gold, source, reliable}]}), the pages and the texts. Pages
 * whose text a tool made (reliable: false) count a third. LABELLED holds the public pages of labels.jsonl
 * (fetch-pages.ts brings them), FOREIGN English pages made to look Chinese (foreign-pages.ts); they are many, so each
 * counts little, and nothing is measured on them; neither on the pages made up from their text (made-pages.ts). Every
 * Chinese page is seen a second time without class names and title, so that the trees do not lean on names alone. What is
 * scored has never been seen, nor has another page of its site. The same input gives the same bytes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BlockModel } from '../../src/extract/block-model.ts';
import { extractTree } from '../../src/extract/extract-page.ts';
import { isRejection } from '../../src/rejection.ts';
import { bare } from './align-gold.ts';
import { trainModel } from './block-trainer.ts';
import { matchScore } from './match-score.ts';
import { type Example, readForeign, readLabelled, readPages } from './training-pages.ts';

/** Sites that no choice was made by: told by the letters of their names, one in so many. */
const ONE_SITE_HELD_IN = 3;
const OUTER_FOLDS = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { evaluate: { type: 'string' }, write: { type: 'boolean', default: false }, out: { type: 'string' } },
});
if (positionals.length !== 3)
  throw new Error('usage: train.ts PAGES LABELLED FOREIGN [--evaluate held|source|site [--write] [--out DIR]]');
const examples = [...readPages(positionals[0]!), ...readLabelled(positionals[1]!)];
const foreign = readForeign(positionals[2]!);
if (values.evaluate === 'held') heldSites();
else if (values.evaluate === 'source') leaveOneSourceOut();
else if (values.evaluate === 'site') foldsBySite();
else if (values.evaluate !== undefined)
  throw new Error(`--evaluate takes held, source or site, not ${values.evaluate}`);
if (values.evaluate === undefined || values.write) writeModel();

function writeModel(): void {
  const stored = trainModel(examples, foreign);
  const file = new URL('../../src/extract/block-model.json', import.meta.url);
  writeFileSync(file, `${JSON.stringify(stored, undefined, 2)}\n`);
  const model = new BlockModel(stored);
  const scores = examples.filter(({ reliable, labelled }) => reliable && !labelled).map((page) => scoreOf(page, model));
  console.log(`pages it was trained on: F1 ${mean(scores).toFixed(4)}`);
}

function heldSites(): void {
  report('held sites', 'held', [['held', examples.filter(({ site }) => isHeld(site))]]);
}

/** By the sum of the letters: no choice, and the same for ever. */
function isHeld(site: string): boolean {
  let sum = 0;
  for (let i = 0; i < site.length; i++) sum = (sum * 31 + site.charCodeAt(i)) >>> 0;
  return sum % ONE_SITE_HELD_IN === 0;
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

interface Scored {
  page: Example;
  f1: number;
}

/** Each part is scored by a model that has seen neither its pages nor others of their sites. */
function report(title: string, name: string, parts: [string, Example[]][]): void {
  const all: Scored[] = [];
  for (const [part, held] of parts) {
    const sites = new Set(held.map(({ site }) => site));
    const test = held.filter(({ reliable }) => reliable);
    if (test.length === 0) continue;
    const unseen = new Set(held);
    const model = new BlockModel(
      trainModel(
        examples.filter((page) => !unseen.has(page) && !sites.has(page.site)),
        foreign,
      ),
    );
    const scored = test.map((page) => ({ page, f1: scoreOf(page, model, name) }));
    console.log(`  ${part}: ${summary(scored)}`);
    all.push(...scored);
  }
  console.log(`${title}, PAGES: ${summary(all.filter(({ page }) => !page.labelled))}`);
  const labelled = all.filter(({ page }) => page.labelled);
  if (labelled.length === 0) return;
  console.log(`${title}, LABELLED: ${summary(labelled)}`);
  for (const kind of new Set(all.map(({ page }) => page.kind)))
    console.log(`  ${kind}: ${summary(all.filter(({ page }) => page.kind === kind))}`);
}

/** Articles by F1; index pages by how many are told. */
function summary(scored: Scored[]): string {
  const articles = scored.filter(({ page }) => page.gold !== '').map(({ f1 }) => f1);
  const indexes = scored.filter(({ page }) => page.gold === '').map(({ f1 }) => f1);
  const low = articles.filter((f1) => f1 < 0.5).length;
  const told =
    indexes.length === 0 ? '' : `; ${indexes.filter((f1) => f1 === 1).length} of ${indexes.length} index pages told`;
  const bySite = Map.groupBy(
    scored.filter(({ page }) => page.gold !== ''),
    ({ page }) => page.site,
  );
  const sites = [...bySite.values()].map((pages) => mean(pages.map(({ f1 }) => f1)));
  const eachOnce = `each of ${sites.length} sites once ${mean(sites).toFixed(4)}`;
  return `${articles.length} pages, F1 ${mean(articles).toFixed(4)}, ${eachOnce}, below 0.5: ${low}${told}`;
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

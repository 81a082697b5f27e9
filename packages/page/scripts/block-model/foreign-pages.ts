/**
 * English pages with gold text → pages that look Chinese, for train.ts: there are thousands of labelled English pages and
 * hundreds of Chinese ones, and how a page is built hardly depends on its language.
 *
 *   node packages/page/scripts/block-model/foreign-pages.ts MERGED BENCHMARK OUT
 *
 * MERGED is a checkout of github.com/j-szulc/html-cleaning-dataset-merged (CleanEval 2007, dragnet_data, readability),
 * BENCHMARK one of github.com/scrapinghub/article-extraction-benchmark. OUT gets manifest.json, html/ and gold/.
 * Every word becomes one to three common Chinese characters, the same wherever it stands, so that page and gold still
 * agree; marks become full-width, dates Chinese; words of the surroundings («share», «related») become those that
 * Chinese pages use. Tags, class names and scripts stay.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { foreignHtml, foreignText } from './foreign-text.ts';

const LEAST_GOLD = 200;
const LARGEST_PAGE = 1_500_000;
/** Pages in Chinese or Japanese are left out: some may stand among those that the model is measured on. */
const MOST_HAN = 200;

const [merged, benchmark, out] = process.argv.slice(2);
if (merged === undefined || benchmark === undefined || out === undefined) {
  throw new Error('usage: foreign-pages.ts MERGED BENCHMARK OUT');
}
mkdirSync(path.join(out, 'html'), { recursive: true });
mkdirSync(path.join(out, 'gold'), { recursive: true });
const pages: { id: string; path: string; gold: string; source: string; reliable: boolean }[] = [];
for (const set of ['cleaneval-final', 'cleaneval-dev', 'dragnet_data', 'readability']) addMerged(set);
addBenchmark();
writeFileSync(path.join(out, 'manifest.json'), `${JSON.stringify({ pages })}\n`);
console.log(`${pages.length} pages in ${out}`);

function addMerged(set: string): void {
  const folder = path.join(merged!, set);
  for (const file of readdirSync(path.join(folder, 'input')).sort()) {
    const name = path.parse(file).name;
    const goldFile = path.join(folder, 'GoldStandard', `${name}.txt`);
    if (!existsSync(goldFile)) continue;
    const html = decoded(readFileSync(path.join(folder, 'input', file)));
    add(`${set}-${name}`, set, html, goldOf(set, decoded(readFileSync(goldFile))));
  }
}

/** CleanEval marks paragraphs with tags of its own, dragnet adds the comments after a line, readability keeps HTML. */
function goldOf(set: string, text: string): string {
  if (set === 'dragnet_data') return text.split('!@#$%^&*()')[0]!;
  if (set === 'readability') return text.replace(/<[^>]+>/g, ' ');
  return text.replace(/^\s*URL:.*$/m, '').replace(/<(h|p|l)>/gi, '');
}

function addBenchmark(): void {
  const truth = JSON.parse(readFileSync(path.join(benchmark!, 'ground-truth.json'), 'utf8')) as Record<
    string,
    { articleBody: string }
  >;
  for (const [name, { articleBody }] of Object.entries(truth)) {
    const file = path.join(benchmark!, 'html', `${name}.html.gz`);
    if (existsSync(file))
      add(`benchmark-${name.slice(0, 12)}`, 'benchmark', decoded(gunzipSync(readFileSync(file))), articleBody);
  }
}

function add(id: string, source: string, html: string, gold: string): void {
  if (gold.trim().length < LEAST_GOLD || html.length > LARGEST_PAGE) return;
  if ((html.match(/[\u3040-\u9fff]/g)?.length ?? 0) > MOST_HAN) return;
  writeFileSync(path.join(out!, 'html', `${id}.html`), foreignHtml(html));
  writeFileSync(path.join(out!, 'gold', `${id}.txt`), foreignText(gold));
  pages.push({ id, path: `html/${id}.html`, gold: `gold/${id}.txt`, source, reliable: true });
}

/** UTF-8 where it is, else what the page declares, else windows-1252; written as UTF-8. */
function decoded(bytes: Buffer): string {
  const declared = /charset=["']?([\w-]+)/i.exec(bytes.toString('latin1', 0, 3_000))?.[1];
  for (const charset of ['utf-8', declared, 'windows-1252']) {
    try {
      const text = new TextDecoder(charset ?? 'utf-8', { fatal: true }).decode(bytes);
      return text.replace(/<meta[^>]*charset[^>]*>/gi, '<meta charset="utf-8">');
    } catch (error) {
      // An unknown name or other bytes: the next one is tried.
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    }
  }
  return new TextDecoder('windows-1252').decode(bytes);
}

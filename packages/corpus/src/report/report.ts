/**
 * report.html: one self-contained page that a person shows a colleague: what came in, what each stage dropped and why,
 * with texts to judge it by, and what the corpus looks like. No script, no network; the same input gives the same page.
 */
import type { Said } from '@tunan/protocol/mistakes';
import { type Manifest, SPLITS } from '../directory/manifest.ts';
import { escapeHtml, funnelChart, group, histogram, partsChart } from './report-charts.ts';
import { labelOf } from './report-labels.ts';
import type { Sample } from './samples.ts';

const STYLE = `
:root{--ink:#1d2129;--soft:#697079;--line:#dfe3e8;--paper:#fff;--wash:#f4f6f8;--main:#2b6cb0;--drop:#c05621;--near:#d9a441}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa3ad;--line:#343a42;--paper:#16191d;--wash:#1f2429;--main:#63a4e8;--drop:#ed8f55;--near:#e3c078}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.2rem 4rem}h1{font-size:1.9rem;margin:0}h2{font-size:1.25rem;margin:2.6rem 0 .8rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
h3{font-size:1rem;margin:1.4rem 0 .4rem}p{margin:.4rem 0}.soft{color:var(--soft);font-size:.9rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.4rem,1fr));gap:.8rem;margin:1.4rem 0}.tile{background:var(--wash);border-radius:.6rem;padding:.8rem 1rem}.tile b{display:block;font-size:1.45rem;font-variant-numeric:tabular-nums}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}td.n,th.n{text-align:right}
.bar{display:block;height:.75rem;border-radius:.2rem;background:var(--main);min-width:1px}.bar.drop{background:var(--drop)}td.chart{width:38%;vertical-align:middle}
svg{width:100%;height:auto;display:block}svg rect,i.main{fill:var(--main);background:var(--main)}svg rect.drop,i.drop{fill:var(--drop);background:var(--drop)}svg rect.near,i.near{fill:var(--near);background:var(--near)}svg rect.bytes{fill:var(--soft);opacity:.55}svg text{fill:var(--ink);font-size:13px;font-variant-numeric:tabular-nums}svg text.soft,svg[viewBox^="0 0 720"] text{fill:var(--soft);font-size:11px}.key{margin-right:1.2rem}.key i{display:inline-block;width:.8em;height:.8em;border-radius:.15em;margin-right:.35em}svg line{stroke:var(--line)}
details{border-bottom:1px solid var(--line);padding:.45rem 0}summary{cursor:pointer}blockquote{margin:.5rem 0;padding:.4rem .8rem;background:var(--wash);border-left:3px solid var(--drop);white-space:pre-wrap}blockquote.kept{border-color:var(--main)}code{font-size:.85em;color:var(--soft);overflow-wrap:anywhere}`;

/** The beginning of a document that is kept. */
export interface KeptSample {
  id: string;
  text: string;
}

/** What the report shows and the manifest does not hold. */
export interface ReportData {
  samples: Sample[];
  kept: KeptSample[];
  /** Code points of each kept text. */
  lengths: Uint32Array;
  /** Scores of kept documents, from 0 to 1; empty where no stage gave one. */
  quality: number[];
}

export function corpusReport(manifest: Manifest, { samples, kept, lengths, quality }: ReportData): string {
  const { title, description } = manifest.recipe;
  const scores = quality.length === 0 ? '' : `<h2>质量 Quality</h2>${qualityChart(quality)}`;
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(title.zh)} · ${escapeHtml(manifest.name)}</title><style>${STYLE}</style></head><body><main>
<h1>${escapeHtml(title.zh)}${title.en === title.zh ? '' : ` <span class="soft">${escapeHtml(title.en)}</span>`}</h1>
<p>${escapeHtml(description.zh)}</p>${description.en === description.zh ? '' : `<p class="soft">${escapeHtml(description.en)}</p>`}
${tiles(manifest)}
<h2>漏斗 Funnel</h2>${funnel(manifest)}
<h2>保留的文本 What is kept</h2>
<p class="soft">随机取样，只显示开头。A fixed random choice, the beginning of each.</p>
${kept.map(keptQuote).join('')}
${changes(manifest)}
<h2>剔除的原因 What was dropped, and why</h2>
<p class="soft">每类随机取样，引文是该阶段所见的文字。A fixed random choice of each kind; the text is what the stage saw. All of them: <code>rejects/</code></p>
${reasons(manifest, samples)}
<h2>重复 Duplicates</h2>${duplicates(manifest)}
<h2>篇幅 Length of documents</h2>${lengthChart(lengths)}
${scores}
<h2>来源 Sources</h2>${sources(manifest)}
<h2>划分 Splits</h2>${splits(manifest)}
<h2>复核 Provenance</h2>${provenance(manifest)}
</main></body></html>
`;
}

function tiles({ counts, nearDuplicates }: Manifest): string {
  const mean = counts.kept === 0 ? 0 : counts.characters / counts.kept;
  const list: [string, string][] = [
    [group(counts.kept), '保留 documents kept'],
    [`${share(counts.dropped, counts.read)}`, `剔除 dropped of ${group(counts.read)}`],
    [group(counts.characters), '字符 characters'],
    [group(Math.round(mean)), '篇均字符 characters a document'],
    [group(counts.distinctCharacters), '不同字符 distinct characters'],
    [group(nearDuplicates.clusters), `近似组 near-duplicate clusters of ${group(nearDuplicates.documents)}`],
  ];
  return `<div class="tiles">${list.map(([n, label]) => `<div class="tile"><b>${n}</b><span class="soft">${label}</span></div>`).join('')}</div>`;
}

function funnel({ stages, counts, splits }: Manifest): string {
  const rows = stages.map(({ stage, documents, bytes, reasons }) => {
    const dropped = Object.values(reasons).reduce((a, b) => a + b, 0);
    return { label: bothNames(stage), documents, dropped, bytes };
  });
  const left = SPLITS.reduce((n, split) => n + splits[split].documents, 0);
  rows.push({ label: '语料 Corpus', documents: left, dropped: 0, bytes: counts.contentBytes });
  return `<p class="soft">每个阶段读入的文档；末端为该阶段剔除的部分，细线为字节数（抽取前为网页字节）。Documents that came into each stage; the end of a bar is what it dropped, the thin line its bytes (of pages before they are extracted).</p>${funnelChart(rows)}`;
}

function duplicates({ stages, counts, nearDuplicates }: Manifest): string {
  const lost = (name: string) => {
    const stage = stages.find(({ stage }) => stage === name);
    return Object.values(stage?.reasons ?? {}).reduce((a, b) => a + b, 0);
  };
  const chart = partsChart([
    { label: '保留 kept', count: counts.kept, kind: 'main' },
    { label: '完全重复 exact', count: lost('exact-duplicates'), kind: 'drop' },
    { label: '近似重复 near', count: lost('near-duplicates'), kind: 'near' },
  ]);
  const { clusters, documents, largest, comparisons } = nearDuplicates;
  return `${chart}<p class="soft">近似重复组 near-duplicate clusters: ${group(clusters)} · 组内文档 documents in them: ${group(documents)} · 最大组 largest: ${group(largest)} · 逐对核对 pairs compared exactly: ${group(comparisons)}</p>`;
}

function reasons({ stages, counts }: Manifest, samples: Sample[]): string {
  const all = stages.flatMap(({ stage, reasons }) =>
    Object.entries(reasons).map(([reason, n]) => ({ stage, reason, n })),
  );
  const most = Math.max(1, ...all.map(({ n }) => n));
  return all
    .map(({ stage, reason, n }) => {
      const shown = samples.filter((sample) => sample.stage === stage && sample.reason === reason);
      const head = `${label(reason)} <span class="soft">${label(stage)} · ${group(n)} · ${share(n, counts.read)}</span>${bar(n, most, 'drop')}`;
      return `<details><summary>${head}</summary>${shown.map(quote).join('')}</details>`;
    })
    .join('');
}

function keptQuote({ id, text }: KeptSample): string {
  return `<details><summary>${escapeHtml(text.split('\n')[0]!.slice(0, 60))}</summary><blockquote class="kept">${escapeHtml(text)}\n<code>${escapeHtml(id)}</code></blockquote></details>`;
}

/** What stages did to the text: documents that each changed, and what meta says of it. */
function changes({ stages, marks = {} }: Manifest): string {
  const changed = stages.filter((stage) => (stage.changed ?? 0) > 0);
  const rows = changed.map(
    ({ stage, documents, changed: n = 0 }) =>
      `<tr><td>${label(stage)}</td><td class="n">${group(n)}</td><td class="n">${share(n, documents)}</td></tr>`,
  );
  const table =
    rows.length === 0
      ? ''
      : `<table><tr><th>阶段 Stage</th><th class="n">改动的文档 documents changed</th><th class="n"></th></tr>${rows.join('')}</table>`;
  const lists = Object.entries(marks).map(([name, kinds]) => {
    const counts = Object.entries(kinds)
      .sort(([, a], [, b]) => b - a)
      .map(([kind, n]) => `${label(kind)} ${group(n)}`);
    return `<p><b>${label(name)}</b> <span class="soft">${counts.join(' · ')}</span></p>`;
  });
  const all = table + lists.join('');
  return all === '' ? '' : `<h2>阶段所做的改动 What stages changed</h2>${all}`;
}

function quote({ id, text, kept, detail }: Sample): string {
  const proof = detail === undefined ? '' : ` ${escapeHtml(bothOf(detail))}`;
  const copy = kept === undefined ? '' : ` = <code>${escapeHtml(kept)}</code>`;
  return `<blockquote>${escapeHtml(text)}\n<code>${escapeHtml(id)}</code>${copy}${proof}</blockquote>`;
}

/** Bins grow by half powers of two, since lengths spread over three decades. */
function lengthChart(lengths: Uint32Array): string {
  if (lengths.length === 0) return '';
  const bins: number[] = [];
  for (const length of lengths) {
    const bin = Math.floor(2 * Math.log2(Math.max(1, length)));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  const first = bins.findIndex((n) => n !== undefined);
  const shown = Array.from(bins.slice(first), (n) => n ?? 0);
  const bounds = Array.from({ length: shown.length + 1 }, (_, i) => Math.ceil(2 ** ((first + i) / 2)));
  const sorted = lengths.toSorted();
  const at = (q: number) => group(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!);
  return `${histogram(shown, bounds, group, 'length histogram')}
<p class="soft">字符数（对数坐标） characters, logarithmic · 中位 median ${at(0.5)} · 90 % ${at(0.9)} · 99 % ${at(0.99)} · 最长 longest ${at(1)}</p>`;
}

const QUALITY_BINS = 20;

function qualityChart(quality: number[]): string {
  const counts = new Array<number>(QUALITY_BINS).fill(0);
  for (const score of quality) counts[Math.min(QUALITY_BINS - 1, Math.floor(score * QUALITY_BINS))]!++;
  const bounds = Array.from({ length: QUALITY_BINS + 1 }, (_, i) => i / QUALITY_BINS);
  const mean = quality.reduce((a, b) => a + b, 0) / quality.length;
  return `${histogram(counts, bounds, (value) => value.toFixed(2), 'quality histogram')}
<p class="soft">分类器给出的高质量概率 probability of high quality by the classifier · 平均 mean ${mean.toFixed(3)}</p>`;
}

function sources({ collections }: Manifest): string {
  const most = Math.max(1, ...Object.values(collections).map((c) => c.kept));
  const rows = Object.entries(collections).map(
    ([name, c]) =>
      `<tr><td>${escapeHtml(name)}</td><td class="n">${group(c.read)}</td><td class="n">${group(c.kept)}</td><td class="n">${nearNote(c)}</td><td class="n">${group(c.characters)}</td><td class="chart">${bar(c.kept, most)}</td></tr>`,
  );
  return `<table><tr><th>集 Collection</th><th class="n">读入 read</th><th class="n">保留 kept</th><th class="n">近似重复 near duplicates</th><th class="n">字符 characters</th><th></th></tr>${rows.join('')}</table>`;
}

/** How many near duplicates a source lost, and their share of it. */
function nearNote({ read, nearDuplicates = 0 }: Manifest['collections'][string]): string {
  return nearDuplicates === 0 ? '' : `${group(nearDuplicates)} (${share(nearDuplicates, read)})`;
}

function splits(manifest: Manifest): string {
  const rows = SPLITS.map((name) => {
    const { documents, characters, shards } = manifest.splits[name];
    return `<tr><td>${label(name)}</td><td class="n">${group(documents)}</td><td class="n">${group(characters)}</td><td class="n">${shards.length}</td></tr>`;
  });
  return `<table><tr><th></th><th class="n">文档 documents</th><th class="n">字符 characters</th><th class="n">分片 shards</th></tr>${rows.join('')}</table>
<p class="soft">近似重复的文档总在同一侧。Near duplicates always stand on one side; see <code>near-duplicates.jsonl.zst</code>.</p>`;
}

function provenance({ provenance, recipeSha256, inputsSha256, licence, unread = {} }: Manifest): string {
  const rows = provenance.map(
    (p) =>
      `<tr><td>${escapeHtml(p.source)}</td><td>${escapeHtml(p.licence)}</td><td class="n">${group(p.files)}</td><td class="n">${group(p.bytes)}</td><td class="soft">${escapeHtml([p.homepage ?? '', skippedNote(p.skipped)].filter((part) => part !== '').join(' · '))}</td></tr>`,
  );
  return `<table><tr><th>来源 Source</th><th>许可 Licence</th><th class="n">文件 files</th><th class="n">字节 bytes</th><th></th></tr>${rows.join('')}</table>
${unreadNote(unread)}<p class="soft">许可 Licence: ${escapeHtml(licence)}</p><p><code>recipe ${recipeSha256}</code><br><code>input ${inputsSha256}</code></p>`;
}

/** Files beside the sources that nothing reads. */
function unreadNote(unread: Record<string, number>): string {
  const kinds = Object.entries(unread).map(([ending, n]) => `${escapeHtml(ending)} ${group(n)}`);
  return kinds.length === 0 ? '' : `<p>未读取的文件 files that were not read: ${kinds.join(', ')}</p>`;
}

/** Records of a source that are no documents, by kind. */
function skippedNote(skipped: Record<string, number> = {}): string {
  const kinds = Object.entries(skipped).map(([kind, n]) => `${kind} ${group(n)}`);
  return kinds.length === 0 ? '' : `未取 passed over: ${kinds.join(', ')}`;
}

function bothNames(name: string): string {
  return bothOf(labelOf(name));
}

function bothOf({ zh, en }: Said): string {
  return zh === en ? zh : `${zh} ${en}`;
}

function label(name: string): string {
  return escapeHtml(bothNames(name));
}

function bar(n: number, of: number, kind = ''): string {
  return `<span class="bar ${kind}" style="width:${((100 * n) / Math.max(1, of)).toFixed(2)}%"></span>`;
}

function share(n: number, of: number): string {
  return `${((100 * n) / Math.max(1, of)).toFixed(1)} %`;
}

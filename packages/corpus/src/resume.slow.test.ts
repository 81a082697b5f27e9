/**
 * The campaign to resume.test.ts: builds with every stage but the classifier, over pages, archives and texts, killed with
 * SIGKILL at dozens of seeded moments with one worker and with two. Each ends with the bytes of a build that was never disturbed.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { readManifest } from './directory/manifest.ts';
import { mix } from './duplicates/shingles.ts';
import { trainPerplexity } from './quality/train-perplexity.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-resume-slow-'));
after(() => rmSync(folder, { recursive: true }));

const WORDS =
  '春天 来了 山上 的花 都开了 孩子们 跑到 河边 去看 新长的 柳树 老人 坐在 门前 说起 从前 村里 一场 大雨 过后 田野 安静 得很 风吹 稻子 远处 有人 唱歌 我们 走过 石桥 买了 两斤 桃子 又问 他家 还有 多少 地要 种完'.split(
    ' ',
  );

function sentences(seed: number, count: number): string[] {
  return Array.from({ length: count }, (_, line) => {
    const words = Array.from({ length: 14 }, (_, k) => WORDS[mix(seed * 4096 + line * 32 + k) % WORDS.length]);
    return `${words.join('')}。`;
  });
}

/** Some repeat others whole, some but a sentence; some hold a telephone number, damage or adverts. */
function body(n: number): string[] {
  const seed = n % 7 === 3 ? n - 3 : n;
  const lines = sentences(seed, 12);
  if (n % 14 === 3) lines[5] = sentences(n + 100_000, 1)[0]!;
  if (n % 5 === 0) lines.push('有事请打13800138000，或者写信到someone@example.com。');
  if (n % 9 === 0) lines.push('他说&#30340;&#35805;我还记得很清楚，那一年的雪下得很大。');
  if (n % 11 === 0) return lines.slice(0, 1);
  return [...lines, '本站所有文章均由读者自愿投稿，转载须经同意。'];
}

function page(n: number): string {
  const paragraphs = body(n).map((line) => `<p>${line}</p>`);
  return `<!doctype html><html><head><meta charset="utf-8"><title>第${n}篇</title></head><body><div><a href="/">首页</a> <a href="/b">目录</a></div><article><h1>第${n}篇</h1>${paragraphs.join('')}</article></body></html>`;
}

function archive(from: number, count: number): Buffer {
  const records = Array.from({ length: count }, (_, i) => {
    const http = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n${page(from + i)}`);
    const head = `WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://site${i % 3}.example/${from + i}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:${from + i}>\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: ${http.length}\r\n\r\n`;
    return gzipSync(Buffer.concat([Buffer.from(head), http, Buffer.from('\r\n\r\n')]));
  });
  return Buffer.concat(records);
}

async function writeInput(): Promise<void> {
  mkdirSync(join(folder, 'pages'));
  for (let n = 0; n < 300; n++) writeFileSync(join(folder, 'pages', `${n}.html`), page(n));
  const crawls = Array.from({ length: 6 }, (_, i) => `crawl-${i}.warc.gz`);
  for (const [i, name] of crawls.entries()) writeFileSync(join(folder, name), archive(250 + 150 * i, 160));
  const texts = Array.from({ length: 6 }, (_, i) => `texts-${i}.jsonl`);
  for (const [i, name] of texts.entries()) {
    const lines = Array.from({ length: 200 }, (_, k) => JSON.stringify({ text: body(1000 + 190 * i + k).join('\n') }));
    writeFileSync(join(folder, name), lines.join('\n'));
  }
  const set = Array.from({ length: 5 }, (_, n) => JSON.stringify({ passage: sentences(40 + n, 12).join('') }));
  writeFileSync(join(folder, 'evaluation.jsonl'), set.join('\n'));
  await trainPerplexity(join(folder, 'texts-0.jsonl'), { out: join(folder, 'perplexity') });
  const described = { licence: 'CC0-1.0' };
  const recipe = {
    name: 'every-stage',
    title: { en: 'Every stage', zh: '全部阶段' },
    description: { en: 'Made up', zh: '自拟' },
    ...described,
    sources: [
      { type: 'html', name: 'pages', ...described, paths: ['pages'] },
      { type: 'warc', name: 'crawl', ...described, paths: crawls },
      { type: 'jsonl', name: 'texts', ...described, paths: texts },
    ],
    stages: [
      ...['decode', 'extract', 'repair', 'language', 'simplify', 'normalise', 'mark-missing'].map((use) => ({ use })),
      { use: 'rules', minHan: 20 },
      { use: 'coarse-rules' },
      { use: 'sensitive' },
      { use: 'personal-data' },
      { use: 'perplexity', model: 'perplexity' },
      { use: 'decontaminate', sets: [{ name: 'evaluation', paths: ['evaluation.jsonl'], fields: ['passage'] }] },
      { use: 'exact-duplicates' },
      { use: 'near-duplicates', ngram: 5, bands: 24, rows: 6, similarity: 0.7, keep: 'best' },
      { use: 'repeated-lines' },
    ],
    split: { validation: 0.05, test: 0.05, seed: 1 },
  };
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
  writeFileSync(
    join(folder, 'build.mjs'),
    `import { buildCorpus } from ${JSON.stringify(new URL('./build.ts', import.meta.url).href)};
import { readRecipe } from ${JSON.stringify(new URL('./recipe/recipe.ts', import.meta.url).href)};
const [, , base, out, workers] = process.argv;
await buildCorpus(readRecipe(base + '/recipe.json'), { base, out, workers: Number(workers) });`,
  );
}

await writeInput();

function startBuild(out: string, workers: number) {
  const args = [join(folder, 'build.mjs'), folder, out, String(workers)];
  return spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

async function build(out: string, workers: number): Promise<void> {
  assert.deepEqual(await once(startBuild(out, workers), 'exit'), [0, null]);
}

function contents(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return new Map(
    paths.map((path) => [path.slice(directory.length), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  );
}

const KILLS = 24;

const whole = join(folder, 'whole');
await build(whole, 2);
const expected = contents(whole);

test('the input meets every stage', () => {
  const dropping = readManifest(whole).stages.filter(({ reasons }) => Object.keys(reasons).length > 0);
  const names = dropping.map(({ stage }) => stage);
  for (const stage of ['decontaminate', 'exact-duplicates', 'near-duplicates']) assert.ok(names.includes(stage), stage);
  const { metaFields = [] } = readManifest(whole);
  for (const field of ['repaired', 'masked', 'repeatedLines', 'perplexity'])
    assert.ok(metaFields.includes(field), field);
});

for (const workers of [1, 2]) {
  test(`${workers} at work: killed ${KILLS} times at seeded moments, each build ends with the same bytes`, {
    timeout: 900_000,
  }, async (t) => {
    const began = performance.now();
    await build(join(folder, `timed-${workers}`), workers);
    const duration = performance.now() - began;
    const out = join(folder, `killed-${workers}`);
    let kills = 0;
    let builds = 0;
    const left = new Map<string, number>();
    while (kills < KILLS || existsSync(`${out}.building`)) {
      const child = startBuild(out, workers);
      const exit = once(child, 'exit');
      const wait = kills < KILLS ? duration * (0.1 + (mix(1000 * workers + kills) % 1000) / 1100) : 600_000;
      await Promise.race([exit, sleep(wait, undefined, { ref: false })]);
      if (child.exitCode === null && child.kill('SIGKILL')) kills++;
      const [code] = (await exit) as [number | null];
      if (code === null) left.set(stateOf(out), (left.get(stateOf(out)) ?? 0) + 1);
      if (!existsSync(out)) continue;
      await build(out, workers); // clears the traces of one that was killed between its last two steps
      assert.deepEqual(contents(out), expected);
      builds++;
      rmSync(out, { recursive: true });
    }
    t.diagnostic(`${kills} kills in ${builds} builds: ${[...left].map(([state, n]) => `${state} ${n}`).join(', ')}`);
    assert.ok(left.size >= 2, 'all kills hit the same step');
  });
}

/** How far a build had come when it was killed. */
function stateOf(out: string): string {
  const building = `${out}.building`;
  const has = (name: string, end: string) =>
    existsSync(join(building, name)) && readdirSync(join(building, name)).some((file) => file.endsWith(end));
  if (existsSync(out)) return 'in place';
  if (has('shards', '.zst')) return 'writing';
  return has('work', '.unit') ? 'reading or comparing' : 'starting';
}

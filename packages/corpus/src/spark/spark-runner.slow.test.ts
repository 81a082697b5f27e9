/**
 * A build on a real Apache Spark in local-cluster mode (a master, two workers, an executor process each) gives the bytes of
 * a build on this machine, killed or not. Spark is that of SPARK_HOME, of the PATH, or of pyspark in the peers' environment
 * (.peers); without one the tests skip.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { buildCorpus } from '../build.ts';
import { readManifest } from '../directory/manifest.ts';
import { mix } from '../duplicates/shingles.ts';
import { parseRecipe } from '../recipe/recipe.ts';
import { findSparkSql } from './spark-sql.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-spark-test-'));
after(() => rmSync(folder, { recursive: true }));

const peers = resolve(import.meta.dirname, '../../../../.peers');
const [pyspark] = globSync(join(peers, 'lib/python3*/site-packages/pyspark'));
if (process.env.SPARK_HOME === undefined && pyspark !== undefined) process.env.SPARK_HOME = pyspark;

function findSpark(): string | undefined {
  try {
    return dirname(dirname(realpathSync(findSparkSql())));
  } catch {
    return undefined;
  }
}

const spark = findSpark();
const skip = spark === undefined ? 'no Apache Spark: set SPARK_HOME, or pip install pyspark into .peers' : false;
if (spark !== undefined) prepare(spark);

/** A home beside the real one, since the workers of a local cluster keep their files in it; the master stands in its configuration. */
function prepare(real: string): void {
  const home = join(folder, 'spark-home');
  mkdirSync(join(home, 'conf'), { recursive: true });
  for (const name of ['bin', 'jars']) symlinkSync(join(real, name), join(home, name));
  // What is small and short-lived is not worth compiling well.
  const java = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';
  const settings = {
    'spark.master': 'local-cluster[2,1,1024]',
    'spark.ui.enabled': 'false',
    'spark.sql.shuffle.partitions': '4',
    'spark.driver.extraJavaOptions': java,
    'spark.executor.extraJavaOptions': java,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} ${value}`);
  writeFileSync(join(home, 'conf/spark-defaults.conf'), `${lines.join('\n')}\n`);
  process.env.SPARK_HOME = home;
}

function text(seed: number, length: number): string {
  return Array.from({ length }, (_, i) => String.fromCharCode(0x4e00 + (mix(seed * 1000 + i) % 3000))).join('');
}

/** Texts with exact and near copies, lines of their site, titles, and what a JSON column may stumble over. */
function writeTexts(): string[] {
  return Array.from({ length: 5 }, (_, file) => {
    const lines = Array.from({ length: 120 }, (_, i) => {
      const number = file * 120 + i;
      const seed = i % 10 === 3 ? (number * 7) % 300 : number;
      const body = i % 10 === 7 ? `${text(seed % 50, 200)}某` : text(seed, 120 + (number % 300));
      const odd = i % 40 === 0 ? '\t\\N "引"\u2028\u0001 \\t C:\\路径 😀\r' : '';
      const footer = number % 3 === 0 ? '\n本站声明：第 12 版' : '';
      const url = `https://${number % 2 === 0 ? 'a' : 'b'}.example/${number}`;
      return JSON.stringify({ id: `文-${number}`, title: `题${number}\t一`, url, text: `${body}${odd}${footer}` });
    });
    const name = `texts-${file}.jsonl`;
    writeFileSync(join(folder, name), file === 4 ? '' : lines.join('\n'));
    return name;
  });
}

/** A small web archive: pages in two encodings, one record cut off at its end. */
function writeArchive(): string {
  const page = (i: number) =>
    `<html><head><title>第${i}页</title></head><body><h1>第${i}页</h1><p>${text(5000 + (i % 9), 260)}。</p><p>${text(6000 + i, 200)}。</p></body></html>`;
  const record = (i: number) => {
    const body = Buffer.from(page(i));
    const http = Buffer.concat([
      Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n'),
      body,
    ]);
    const head = `WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://c.example/${i}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:${i}>\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: ${http.length}\r\n\r\n`;
    return gzipSync(Buffer.concat([Buffer.from(head), http, Buffer.from('\r\n\r\n')]));
  };
  const all = Buffer.concat(Array.from({ length: 20 }, (_, i) => record(i)));
  writeFileSync(join(folder, 'crawl.warc.gz'), all.subarray(0, all.length - 100));
  return 'crawl.warc.gz';
}

const recipe = () =>
  parseRecipe({
    name: 'spark-and-local',
    title: { en: 'Spark and local', zh: '两种引擎' },
    description: { en: 'Made up', zh: '自拟' },
    licence: 'CC0-1.0',
    sources: [
      {
        type: 'jsonl',
        name: 'texts',
        licence: 'CC0-1.0',
        paths: writeTexts(),
        fields: { id: 'id', title: 'title', meta: ['url'] },
      },
      { type: 'warc', name: 'crawl', licence: 'CC0-1.0', paths: [writeArchive()] },
    ],
    stages: [
      { use: 'decode' },
      { use: 'extract' },
      { use: 'rules', minHan: 140 },
      { use: 'exact-duplicates' },
      { use: 'near-duplicates', ngram: 5, bands: 14, rows: 4, similarity: 0.7, keep: 'best' },
      { use: 'repeated-lines', minDocuments: 4, minShare: 0.05 },
    ],
    split: { validation: 0.1, test: 0.1, seed: 3 },
  });

function contents(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return new Map(
    paths.map((path) => [path.slice(directory.length), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  );
}

const program = join(folder, 'build.mjs');
writeFileSync(
  program,
  `import { readFileSync } from 'node:fs';
import { buildCorpus } from ${JSON.stringify(new URL('../build.ts', import.meta.url).href)};
const [, , recipe, base, out] = process.argv;
await buildCorpus(JSON.parse(readFileSync(recipe, 'utf8')), { base, out, runner: 'spark' });`,
);

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20, undefined, { ref: false });
}

test('Spark and the local runner: the same bytes, after the build and after Spark were killed in the middle', {
  skip,
  timeout: 600_000,
}, async () => {
  const [local, out] = [join(folder, 'local'), join(folder, 'spark out')];
  const work = join(`${out}.building`, 'work/spark');
  const made = recipe();
  const { manifest } = await buildCorpus(made, { out: local, base: folder });
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(made));

  // The build dies while Spark reads; Spark lives on.
  const first = spawn(process.execPath, [program, join(folder, 'recipe.json'), folder, out], { stdio: 'inherit' });
  const exit = once(first, 'exit');
  await until(() => existsSync(join(work, 'rows')) || first.exitCode !== null);
  assert.equal(first.kill('SIGKILL'), true, 'the first build had ended');
  await exit;
  const begun = statSync(join(work, 'read.begun')).mtimeMs;

  // The second one takes over what Spark had read. Spark dies while it writes the shards.
  const second = buildCorpus(made, { out, base: folder, runner: 'spark' });
  const refused = assert.rejects(second, {
    code: 'CORPUS_SPARK',
    message: /ended with .* in step write: .*run the same/,
  });
  const writing = () => existsSync(join(work, 'parts')) && readdirSync(join(work, 'parts')).length > 0;
  await Promise.race([until(writing), refused]);
  process.kill(Number(readFileSync(join(work, 'spark.pid'), 'utf8')), 'SIGKILL');
  await refused;

  const beginnings = () => ['read', 'lines', 'write'].map((name) => statSync(join(work, `${name}.begun`)).mtimeMs);
  const [read, lines, write] = beginnings();
  assert.equal(read, begun, 'nothing was read a second time');
  const third = buildCorpus(made, { out, base: folder, runner: 'spark' });
  await Promise.race([until(() => beginnings()[2] !== write), third]);
  assert.deepEqual(beginnings().slice(0, 2), [read, lines], 'what was finished is kept');
  await third;

  const [expected, found] = [contents(local), contents(out)];
  assert.deepEqual([...found.keys()], [...expected.keys()]);
  for (const [name, bytes] of expected) if (name !== '/manifest.json') assert.equal(found.get(name), bytes, name);
  const ofSpark = readManifest(out);
  // A local build compares fewer pairs: it knows which are joined already.
  assert.ok(ofSpark.nearDuplicates.comparisons >= manifest.nearDuplicates.comparisons);
  assert.deepEqual({ ...ofSpark, nearDuplicates: manifest.nearDuplicates }, manifest);
  const reasons = Object.fromEntries(manifest.stages.map(({ stage, reasons }) => [stage, Object.keys(reasons)]));
  assert.deepEqual(reasons['exact-duplicates'], ['duplicate']);
  assert.deepEqual(reasons['near-duplicates'], ['near-duplicate']);
  assert.ok(reasons.read!.length > 0, 'the cut record is reported');
  assert.equal(existsSync(`${out}.spark.log`), false);
});

test('a mistake in the input is told as in a local build, and leaves nothing behind', {
  skip,
  timeout: 300_000,
}, async () => {
  const base = join(folder, 'broken');
  mkdirSync(base);
  writeFileSync(join(base, 'a.jsonl'), '{"text": "好"}\n{"text": \n');
  const broken = parseRecipe({
    ...recipe(),
    sources: [{ type: 'jsonl', name: 'a', licence: 'CC0-1.0', paths: ['a.jsonl'] }],
  });
  const out = join(base, 'out');
  await assert.rejects(buildCorpus(broken, { out, base, runner: 'spark' }), {
    code: 'CORPUS_MALFORMED_LINE',
    message: /a\.jsonl:2: not JSON/,
  });
  assert.equal(existsSync(`${out}.building`), false);
});

/** Downloads from a real server: ranges, resuming, busy servers, digests; and an index that chooses records. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parquetWriteFile } from 'hyparquet-writer';
import { buildCorpus } from '../build.ts';
import { openCorpus } from '../directory/open-corpus.ts';
import { parseRecipe } from '../recipe/recipe.ts';
import { download, downloadedPath } from './download.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-download-'));
let serial = 0;
const fresh = () => join(folder, String(serial++));

/** Files of the server, and what was asked of it. */
const files = new Map<string, { bytes: Buffer; etag: string }>();
const requests: { path: string; range: string | undefined; sent: number }[] = [];
/** Answers to give before the file: a status, or after so many bytes a broken connection. */
const troubles: ({ status: number } | { cutAfter: number })[] = [];

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url!;
  const file = files.get(path);
  const trouble = troubles.shift();
  if (trouble !== undefined && 'status' in trouble) return void response.writeHead(trouble.status).end();
  if (file === undefined) return void response.writeHead(404).end('{"message":"No Captures found"}');
  const wanted = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const current = request.headers['if-range'] === undefined || request.headers['if-range'] === file.etag;
  const start = wanted !== null && current ? Number(wanted[1]) : 0;
  const end = wanted !== null && current && wanted[2] !== '' ? Number(wanted[2]) + 1 : file.bytes.length;
  const headers = { etag: file.etag, 'content-length': end - start };
  response.writeHead(wanted !== null && current ? 206 : 200, headers);
  const body = file.bytes.subarray(start, end);
  requests.push({ path, range: request.headers.range, sent: body.length });
  if (trouble === undefined) return void response.end(body);
  response.write(body.subarray(0, trouble.cutAfter), () => response.destroy());
}

const server = createServer(answer);
let origin = '';
before(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function put(path: string, bytes: Buffer, etag = `"${path}"`): string {
  files.set(path, { bytes, etag });
  return origin + path;
}

test('a download that breaks off goes on where it stopped; one that is there is not asked for', async () => {
  const bytes = randomBytes(3 << 20);
  const url = put('/a.bin', bytes);
  const into = fresh();
  troubles.push({ cutAfter: 2 << 20 }, { status: 503 });
  const path = await download({ url, sha256: createHash('sha256').update(bytes).digest('hex') }, into);
  assert.deepEqual(readFileSync(path), bytes);
  assert.match(requests.at(-1)!.range!, /^bytes=\d{5,}-$/);
  assert.ok(requests.at(-1)!.sent < bytes.length, 'the whole was sent again');
  assert.deepEqual(readdirSync(into), [path.slice(into.length + 1)]);
  const before = requests.length;
  await download({ url }, into);
  assert.equal(requests.length, before);
});

test('a file that changed meanwhile begins anew', async () => {
  const url = put('/b.bin', Buffer.alloc(1 << 20, 'old'));
  const into = fresh();
  troubles.push({ cutAfter: 1 << 19 }, { status: 404 });
  await assert.rejects(download({ url }, into), {
    code: 'CORPUS_DOWNLOAD',
    message: /the server answers 404.*; check the address$/,
  });
  const bytes = Buffer.alloc(1 << 20, 'new');
  put('/b.bin', bytes, '"other"');
  assert.deepEqual(readFileSync(await download({ url }, into)), bytes);
});

test('another content than the recipe names, and a server that is not there, are errors', async () => {
  const url = put('/c.bin', Buffer.from('c'));
  const into = fresh();
  const sha256 = '0'.repeat(64);
  await assert.rejects(download({ url, sha256 }, into), {
    code: 'CORPUS_CHECKSUM',
    message: /is not what the recipe names: SHA-256/,
  });
  assert.equal(existsSync(downloadedPath(into, url)), false);
});

const page = (n: number) =>
  `<html><head><title>第${n}篇</title></head><body><article>${`<p>这是第${n}篇文章，讲的是图南的故事，北冥有鱼，其名为鲲，鲲之大，不知其几千里也。</p>`.repeat(6)}</article></body></html>`;

function archive(count: number): { bytes: Buffer; ranges: [number, number][] } {
  const members = Array.from({ length: count }, (_, n) => {
    const http = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n${page(n)}`);
    const head = `WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://s${n}.example/\r\nWARC-Date: 2026-01-01T00:00:00Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: ${http.length}\r\n\r\n`;
    return gzipSync(Buffer.concat([Buffer.from(head), http, Buffer.from('\r\n\r\n')]));
  });
  const ranges: [number, number][] = [];
  for (const { length } of members) {
    const [offset, before] = ranges.at(-1) ?? [0, 0];
    ranges.push([offset + before, length]);
  }
  return { bytes: Buffer.concat(members), ranges };
}

const recipe = (source: Record<string, unknown>) =>
  parseRecipe({
    name: 'crawl',
    title: { en: 'x', zh: 'x' },
    description: { en: 'x', zh: 'x' },
    licence: 'unknown',
    sources: [{ name: 'cc', licence: 'unknown', ...source }],
    stages: [{ use: 'decode' }, { use: 'extract' }],
    split: { validation: 0, test: 0, seed: 1 },
  });

async function ids(directory: string): Promise<string[]> {
  const all: string[] = [];
  for await (const { id } of openCorpus(directory).documents('train')) all.push(id);
  return all;
}

test('the index chooses the Chinese records, and their ranges alone are fetched', async () => {
  const { bytes, ranges } = archive(12);
  put('/crawl/0.warc.gz', bytes);
  const chinese = [1, 2, 5, 9];
  const rows = ranges.map(([offset, length], n) => ({ url: `http://s${n}.example/`, n, offset, length }));
  const languages = (n: number) => (chinese.includes(n) ? (n === 5 ? 'eng,zho' : 'zho') : n === 3 ? '' : 'eng');
  const cdx = rows.map(
    ({ url, n, offset, length }) =>
      `example,s${n})/ 20260101000000 ${JSON.stringify({ url, mime: 'text/html', 'mime-detected': 'text/html', status: n === 9 ? '404' : '200', length: String(length), offset: String(offset), filename: 'crawl/0.warc.gz', languages: languages(n) })}`,
  );
  const index = put('/cdx-00000.gz', gzipSync(cdx.join('\n')));
  const prefix = `${origin}/`;
  const out = fresh();
  requests.length = 0;
  const first = await buildCorpus(recipe({ type: 'common-crawl', index: [index], prefix }), { out, base: folder });
  const expected = [1, 2, 5].map((n) => `0.warc.gz#${ranges[n]![0]}`);
  assert.deepEqual(await ids(first.directory), expected);
  const sent = requests.filter(({ path }) => path === '/crawl/0.warc.gz');
  assert.deepEqual(
    sent.map(({ range }) => range),
    [
      [1, 2],
      [5, 5],
    ].map(([a, b]) => `bytes=${ranges[a!]![0]}-${ranges[b!]![0] + ranges[b!]![1] - 1}`),
  );

  // The columnar index says the same; a block list takes one record out before it is fetched.
  const columns: [string, (row: (typeof rows)[number]) => unknown][] = [
    ['url', ({ url }) => url],
    ['fetch_status', ({ n }) => (n === 9 ? 404 : 200)],
    ['content_mime_detected', () => 'text/html'],
    ['content_languages', ({ n }) => languages(n)],
    ['warc_filename', () => 'crawl/0.warc.gz'],
    ['warc_record_offset', ({ offset }) => offset],
    ['warc_record_length', ({ length }) => length],
  ];
  const columnar = join(folder, 'index.parquet');
  parquetWriteFile({
    filename: columnar,
    columnData: columns.map(([name, of]) => ({ name, data: rows.map(of) as string[] })),
  });
  writeFileSync(join(folder, 'blocked.txt'), 's2.example\n');
  const second = await buildCorpus(
    recipe({ type: 'common-crawl', index: ['index.parquet'], prefix, blockLists: ['blocked.txt'] }),
    { out: fresh(), base: folder },
  );
  assert.deepEqual(await ids(second.directory), [expected[0], expected[2]]);

  // A CDX server, page by page; its second page is empty.
  const query = (rest: string) =>
    `/index?url=*.example&output=json&filter=%3Dstatus%3A200&filter=%7Elanguages%3A.*%28zho%29.*&${rest}`.replace(
      '*.example',
      '*.example',
    );
  put(query('showNumPages=true'), Buffer.from('{"pages": 2, "pageSize": 5, "blocks": 6}'));
  put(query('page=0'), Buffer.from(cdx.map((line) => line.slice(line.indexOf('{'))).join('\n')));
  const asked = { server: `${origin}/index`, match: '*.example' };
  const third = await buildCorpus(recipe({ type: 'common-crawl', index: [asked], prefix, limit: 2 }), {
    out: fresh(),
    base: folder,
  });
  assert.deepEqual(await ids(third.directory), expected.slice(0, 2));

  // The same pages from the whole archive, by a list of paths: the same ids for the same records.
  const list = put('/warc.paths.gz', gzipSync('crawl/0.warc.gz\n'));
  const whole = await buildCorpus(recipe({ type: 'warc', lists: [list], prefix }), { out: fresh(), base: folder });
  const all = await ids(whole.directory);
  assert.equal(all.length, 12);
  for (const id of expected)
    assert.ok(
      all.some((one) => one === id),
      id,
    );
});

test('one archive of a list that is none is counted; one that is named by itself is an error', async () => {
  put('/crawl/1.warc.gz', archive(2).bytes);
  put('/crawl/2.warc.gz', Buffer.from('<html>not found</html>'));
  put('/crawl/3.warc.gz', Buffer.alloc(0));
  const lists = [put('/two.paths', Buffer.from('crawl/1.warc.gz\ncrawl/2.warc.gz\ncrawl/3.warc.gz\n'))];
  const prefix = `${origin}/`;
  const { manifest } = await buildCorpus(recipe({ type: 'warc', lists, prefix }), { out: fresh(), base: folder });
  assert.deepEqual(manifest.stages[0]!.reasons, { 'damaged-gzip': 1, 'no-archive': 1 });
  assert.equal(manifest.counts.kept, 2);
  const named = recipe({ type: 'warc', paths: [`${prefix}crawl/2.warc.gz`] });
  await assert.rejects(buildCorpus(named, { out: fresh(), base: folder }), { code: 'CORPUS_SOURCE_FORMAT' });
});

test('an index that names no Chinese page, and one of another kind, are errors', async () => {
  const index = join(folder, 'none.cdx');
  writeFileSync(index, '');
  const none = recipe({ type: 'common-crawl', index: [index], prefix: `${origin}/` });
  await assert.rejects(buildCorpus(none, { out: fresh() }), { code: 'CORPUS_EMPTY', message: /names no page in zho/ });
  writeFileSync(index, '{"url":"http://a.example/","languages":"zho"}\n');
  await assert.rejects(buildCorpus(none, { out: fresh() }), {
    code: 'CORPUS_SOURCE_FORMAT',
    message: /none\.cdx:1: the index names no archive/,
  });
  writeFileSync(index, 'nothing\n');
  await assert.rejects(buildCorpus(none, { out: fresh() }), { code: 'CORPUS_MALFORMED_LINE' });
});

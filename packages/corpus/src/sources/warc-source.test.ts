/** Archives written by warcio, an independent implementation, read whole, cut and damaged. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { WARCRecord, WARCSerializer } from 'warcio';
import type { Draft } from '../document.ts';
import type { SourceItem } from './source-item.ts';
import { UrlBlockList } from './url-block-list.ts';
import { readWarcFile } from './warc-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-warc-'));
after(() => rmSync(folder, { recursive: true }));

interface Response {
  url: string;
  body: string | Uint8Array;
  headers?: Record<string, string>;
  status?: string;
}

async function record(
  { url, body, headers = {}, status = '200 OK' }: Response,
  type: 'response' | 'request' | 'conversion' = 'response',
): Promise<Buffer> {
  const content = async function* () {
    yield typeof body === 'string' ? Buffer.from(body) : body;
  };
  const options =
    type === 'conversion'
      ? { url, type, date: '2026-01-02T03:04:05Z', warcHeaders: { 'Content-Type': 'text/plain' } }
      : {
          url,
          type,
          date: '2026-01-02T03:04:05Z',
          statusline: type === 'request' ? 'GET / HTTP/1.1' : `HTTP/1.1 ${status}`,
          httpHeaders: { 'Content-Type': 'text/html; charset=GBK', ...headers },
        };
  return Buffer.from(await WARCSerializer.serialize(WARCRecord.create(options, content()), { gzip: false }));
}

const page = (n: number) => `<html><body><p>第${n}页：床前明月光，疑是地上霜。</p></body></html>`;
const url = (n: number) => `https://site${n}.example/a?b=${n}`;

async function items(bytes: Buffer, name = 'a.warc.gz', blocked?: UrlBlockList): Promise<SourceItem[]> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const found: SourceItem[] = [];
  for await (const item of readWarcFile('crawl', { path, name }, blocked)) found.push(item);
  return found;
}

const pages = (found: SourceItem[]) => found.filter((item): item is Draft => 'page' in item);
const damages = (found: SourceItem[]) => found.flatMap((item) => ('damaged' in item ? [item.damaged] : []));
const textOf = ({ page }: Draft) => Buffer.from(page!.bytes).toString();

test('plain, gzip with a member a record, one gzip member and zstd frames give the same pages', async () => {
  const records = await Promise.all([1, 2, 3].map((n) => record({ url: url(n), body: page(n) })));
  const forms: [string, Buffer][] = [
    ['a.warc', Buffer.concat(records)],
    ['a.warc.gz', Buffer.concat(records.map((one) => gzipSync(one)))],
    ['b.warc.gz', gzipSync(Buffer.concat(records))],
    ['a.warc.zst', Buffer.concat(records.map((one) => zstdCompressSync(one)))],
  ];
  for (const [name, bytes] of forms) {
    const found = pages(await items(bytes, name));
    assert.deepEqual(found.map(textOf), [1, 2, 3].map(page), name);
    assert.deepEqual(
      found.map((draft) => draft.url),
      [1, 2, 3].map(url),
    );
    assert.equal(new Set(found.map(({ id }) => id)).size, 3, 'ids differ');
    assert.equal(found[0]!.page!.declared, 'GBK');
    assert.deepEqual(found[0]!.meta, { fetched: '2026-01-02T03:04:05Z' });
  }
});

test('ids are the places that the index of a crawl names', async () => {
  const members = await Promise.all([1, 2].map(async (n) => gzipSync(await record({ url: url(n), body: page(n) }))));
  const found = await items(Buffer.concat(members));
  assert.deepEqual(
    found.map((item) => ('id' in item ? item.id : '')),
    ['a.warc.gz#0', `a.warc.gz#${members[0]!.length}`],
  );
});

test('bodies are freed of their encodings; text of WET is taken as it is', async () => {
  const chunked = Buffer.from(`5\r\n<html\r\n1;x=y\r\n>\r\n0\r\n\r\n`);
  const records = [
    await record({ url: url(1), body: gzipSync(page(1)), headers: { 'Content-Encoding': 'gzip' } }),
    await record({ url: url(2), body: brotliCompressSync(page(2)), headers: { 'Content-Encoding': 'br' } }),
    await record({ url: url(3), body: chunked, headers: { 'Transfer-Encoding': 'chunked' } }),
    // Stored decoded under fields that were left as they were.
    await record({
      url: url(4),
      body: page(4),
      headers: { 'Content-Encoding': 'gzip', 'Transfer-Encoding': 'chunked' },
    }),
    await record({ url: url(5), body: '举头望明月，低头思故乡。' }, 'conversion'),
  ];
  const found = await items(Buffer.concat(records), 'a.warc');
  assert.deepEqual(pages(found).map(textOf), [page(1), page(2), '<html>', page(4)]);
  assert.equal((found[4] as Draft).body, '举头望明月，低头思故乡。');
});

test('what is no document is counted by its kind', async () => {
  const records = [
    await record({ url: url(1), body: '' }, 'request'),
    await record({ url: url(2), body: 'gone', status: '404 Not Found' }),
    await record({ url: url(3), body: 'PNG', headers: { 'Content-Type': 'image/png' } }),
    await record({ url: 'http://www.blocked.example/x', body: page(4) }),
    await record({ url: 'http://half.example/bad/x', body: page(5) }),
    await record({ url: 'http://half.example/good/x', body: page(6) }),
  ];
  const list = join(folder, 'blocked.txt');
  writeFileSync(list, '# not wanted\nblocked.example\nhalf.example/bad/\n');
  const found = await items(Buffer.concat(records), 'a.warc', UrlBlockList.read([list]));
  const kinds = found.map((item) => ('skipped' in item ? item.skipped : 'page'));
  assert.deepEqual(kinds, ['record-request', 'status-404', 'not-html', 'blocked-address', 'blocked-address', 'page']);
  writeFileSync(list, 'two words\n');
  assert.throws(() => UrlBlockList.read([list]), {
    code: 'CORPUS_MALFORMED_LINE',
    message: /blocked\.txt:1: "two words"/,
  });
});

test('an archive cut anywhere gives its whole records and says that it is cut', async () => {
  const records = await Promise.all([1, 2, 3].map((n) => record({ url: url(n), body: page(n) })));
  const plain = Buffer.concat(records);
  const compressed = records.map((one) => gzipSync(one));
  const ends = (parts: Buffer[]) => parts.map((_, i) => parts.slice(0, i + 1).reduce((n, part) => n + part.length, 0));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: plain.length }), fc.boolean(), async (cut, gzip) => {
      const parts = gzip ? compressed : records;
      const whole = Buffer.concat(parts);
      const at = 1 + (cut % whole.length);
      const atEnd = ends(parts).find((end) => at <= end && at > end - (gzip ? 1 : 5)); // the line ends may be missing
      const found = await items(whole.subarray(0, at), gzip ? 'a.warc.gz' : 'a.warc').catch((error: Error) => error);
      if (found instanceof Error) {
        assert.ok(at < 10, `${at}: ${found.message}`);
        return;
      }
      const expected = ends(parts).filter((end) => end <= at).length;
      assert.ok(pages(found).length >= expected, `${at}: ${pages(found).length} of ${expected}`);
      if (atEnd === undefined) assert.match(damages(found).join(), /^truncated-/, `cut at ${at}`);
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('a damaged member loses its record alone', async () => {
  const members = await Promise.all(
    [1, 2, 3, 4].map(async (n) => gzipSync(await record({ url: url(n), body: page(n) }))),
  );
  members[1]!.fill(0xaa, 40, 90);
  members[2]![members[2]!.length - 6]! ^= 1; // in the checksum
  const found = await items(Buffer.concat(members));
  assert.deepEqual(pages(found).map(textOf), [page(1), page(4)]);
  assert.ok(damages(found).length >= 1 && damages(found).every((kind) => kind === 'damaged-gzip'));
});

test('a wrong length, garbage between records and a record that is too large are passed over', async () => {
  const records = await Promise.all([1, 2, 3, 4].map((n) => record({ url: url(n), body: page(n) })));
  const wrong = Buffer.from(
    records[1]!.toString().replace(/Content-Length: (\d+)/, (_, n) => `Content-Length: ${Number(n) - 9}`),
  );
  const large = await record({ url: url(9), body: Buffer.alloc(40 * 2 ** 20, 'x') });
  const found = await items(
    Buffer.concat([records[0]!, wrong, records[2]!, Buffer.from('garbage\r\n\r\n'), large, records[3]!]),
    'a.warc',
  );
  assert.deepEqual(pages(found).map(textOf), [page(1), page(3), page(4)]);
  assert.deepEqual(damages(found).toSorted(), ['not-a-record', 'record-too-large', 'wrong-length']);
});

test('changed bytes anywhere lose their own records and no other, and never the program', async () => {
  const records = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => record({ url: url(n), body: page(n) })));
  const compressed = records.map((one) => gzipSync(one));
  const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), fc.boolean(), async (changes, gzip) => {
      const parts = gzip ? compressed : records;
      const whole = Buffer.concat(parts);
      for (const { at, to } of changes) whole[at % whole.length] = to;
      const found = await items(whole, gzip ? 'm.warc.gz' : 'm.warc');
      const sound = pages(found).filter((draft) => /^https:\/\/site(\d)\.example\/a\?b=\1$/.test(draft.url!));
      const intact = sound.filter((draft) => textOf(draft) === page(Number(draft.url!.at(-1))));
      // A change may hide the record that it is in, and in a plain file the border to the next.
      assert.ok(intact.length >= 6 - (gzip ? 1 : 2) * changes.length, `${intact.length} of 6 after ${changes.length}`);
      assert.equal(new Set(pages(found).map(({ id }) => id)).size, pages(found).length);
    }),
    { numRuns: 300, seed: 2 },
  );
});

test('the parts of a file give what the whole gives, damage and all, wherever it is cut', async () => {
  const members = await Promise.all(
    Array.from({ length: 30 }, async (_, n) =>
      gzipSync(await record({ url: url(n), body: page(n).repeat(1 + (n % 4)) })),
    ),
  );
  const path = join(folder, 'p.warc.gz');
  const read = async (part?: { start: number; end: number }) => {
    const found: string[] = [];
    for await (const item of readWarcFile(
      'crawl',
      { path, name: 'p', ...(part === undefined ? {} : { part }) },
      undefined,
    )) {
      found.push('damaged' in item ? `${item.damaged} ${item.id}` : (item as Draft).id);
    }
    return found;
  };
  const size = members.reduce((n, { length }) => n + length, 0);
  // The first part is large enough to hold a sound record, whose lack would make the file one of another kind.
  const first = members.slice(0, 6).reduce((n, { length }) => n + length, 0);
  const places = fc.uniqueArray(fc.integer({ min: first, max: size - 1 }), { maxLength: 5 });
  const changes = fc.array(
    fc.record({ at: fc.integer({ min: 0, max: size - 1 }), to: fc.integer({ min: 0, max: 255 }) }),
    { maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(places, changes, async (cuts, damage) => {
      const bytes = Buffer.concat(members);
      for (const { at, to } of damage) bytes[at] = to;
      writeFileSync(path, bytes);
      const bounds = [0, ...cuts.toSorted((a, b) => a - b), size];
      const parts: string[] = [];
      for (let i = 0; i + 1 < bounds.length; i++)
        parts.push(...(await read({ start: bounds[i]!, end: bounds[i + 1]! })));
      assert.deepEqual(parts, await read());
    }),
    { numRuns: 200, seed: 3 },
  );
});

test('bombs are bounded: a member of gigabytes and a body of gigabytes', async () => {
  const zeros = Buffer.alloc(1 << 20);
  // 256 MiB of zeros under a record head: the record is too large, the member is read in pieces.
  const head = Buffer.from('WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 268435456\r\n\r\n');
  const bomb = gzipSync(Buffer.concat([head, ...Array.from({ length: 256 }, () => zeros)]));
  const body = gzipSync(Buffer.alloc(64 * 2 ** 20));
  const inner = gzipSync(await record({ url: url(1), body, headers: { 'Content-Encoding': 'gzip' } }));
  const good = gzipSync(await record({ url: url(2), body: page(2) }));
  const found = await items(Buffer.concat([bomb, inner, good]));
  assert.deepEqual(pages(found).map(textOf), [page(2)]);
  assert.deepEqual(damages(found).toSorted(), ['damaged-content-encoding', 'record-too-large']);
});

/** A record as the archives of others have them: version, line ends and what follows as given. */
interface Form {
  version?: string;
  end?: string;
  after?: string;
  http?: string;
}
function written(n: number, { version = 'WARC/1.0', end = '\r\n', after = end + end, http = '' }: Form = {}): Buffer {
  const head = http === '' ? `HTTP/1.1 200 OK${end}Content-Type: text/html${end}${end}` : http;
  const content = `${head}${page(n)}`;
  const fields = [
    version,
    'WARC-Type: response',
    `WARC-Target-URI: ${url(n)}`,
    'Content-Type: application/http',
    `Content-Length: ${Buffer.byteLength(content)}`,
  ];
  return Buffer.from(`${fields.join(end)}${end}${end}${content}${after}`);
}

test('drafts of the standard, bare line feeds, one line end or none between records, a mark before the first', async () => {
  const forms: Form[] = [
    { version: 'WARC/0.18', end: '\n' },
    { end: '\n' },
    { after: '' },
    { after: '\r\n' },
    { after: '\n' },
  ];
  for (const form of forms) {
    for (const bytes of [
      [1, 2, 3].map((n) => written(n, form)),
      [Buffer.from('\ufeff'), ...[1, 2, 3].map((n) => written(n, form))],
    ]) {
      const found = await items(Buffer.concat(bytes), 'a.warc');
      assert.deepEqual(
        found.map((item) => textOf(item as Draft)),
        [1, 2, 3].map(page),
        JSON.stringify(form),
      );
    }
  }
});

test('ARC, the format before WARC, is read, plain and compressed', async () => {
  const body = (n: number) => Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n${page(n)}`);
  const line = (name: string, type: string, length: number) => `${name} 192.0.2.1 20090806040200 ${type} ${length}\n`;
  const note = '1 0 archive\nURL IP-address Archive-date Content-type Archive-length\n';
  const records = [
    Buffer.from(`${line('filedesc://a.arc', 'text/plain', note.length)}${note}\n`),
    ...[1, 2].map((n) =>
      Buffer.concat([Buffer.from(line(url(n), 'text/html', body(n).length)), body(n), Buffer.from('\n')]),
    ),
  ];
  for (const bytes of [Buffer.concat(records), Buffer.concat(records.map((one) => gzipSync(one)))]) {
    const found = await items(bytes, 'a.arc');
    assert.deepEqual(pages(found).map(textOf), [1, 2].map(page));
    assert.deepEqual(damages(found), []);
    assert.equal(pages(found)[0]!.meta.fetched, '2009-08-06T04:02:00Z');
  }
});

test('answers as servers and crawlers write them: what comes first, spaces, line feeds before a body with empty lines', async () => {
  const heads = [
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n',
    'HTTP/1.1  200 OK\r\nContent-Type: text/html\r\n\r\n',
    'HTTP/2 200\r\nContent-Type: "text/html"\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Type: html; charset=gbk\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n',
    'HTTP/1.1 200 OK\nContent-Type: text/html\n\n<!-- \r\n\r\n -->',
  ];
  const found = pages(await items(Buffer.concat(heads.map((http, n) => written(n, { http }))), 'a.warc'));
  assert.deepEqual(
    found.map((item) => textOf(item).replace('<!-- \r\n\r\n -->', '')),
    heads.map((_, n) => page(n)),
  );
});

test('compressed bodies that are cut, have a wrong checksum, bytes behind their end or no field are read as far as they go', async () => {
  const whole = gzipSync(page(1));
  const wrong = Buffer.from(whole);
  wrong[wrong.length - 6]! ^= 1;
  const long = Array.from({ length: 3_000 }, (_, n) => `<p>${n * 7919}</p>`).join('');
  const gzip = { 'Content-Encoding': 'gzip' };
  const cases: [body: Uint8Array, headers: Record<string, string>, expected: string][] = [
    [Buffer.concat([whole, Buffer.from('garbage')]), gzip, page(1)],
    [wrong, gzip, page(1)],
    [whole, {}, page(1)],
    [gzipSync(whole), gzip, page(1)],
    [Buffer.from(`第一行。${page(1)}`), { 'Content-Encoding': 'br' }, `第一行。${page(1)}`],
    [gzipSync(long).subarray(0, 5_000), gzip, long],
    [brotliCompressSync(long).subarray(0, 5_000), { 'Content-Encoding': 'br' }, long],
  ];
  for (const [body, headers, expected] of cases) {
    const found = pages(await items(await record({ url: url(1), body, headers }), 'a.warc'));
    const text = textOf(found[0]!);
    assert.ok(text.length > 30 && expected.startsWith(text), `${JSON.stringify(headers)} ${text.slice(0, 60)}`);
    if (expected !== long) assert.equal(text, expected);
  }
});

test('a file of another kind and an empty one are errors', async () => {
  const format = { code: 'CORPUS_SOURCE_FORMAT' };
  await assert.rejects(items(Buffer.from('{"text":"山"}\n'), 'a.jsonl'), {
    ...format,
    message: /holds no WARC record/,
  });
  await assert.rejects(items(Buffer.alloc(0), 'a.warc'), { ...format, message: /is empty/ });
});

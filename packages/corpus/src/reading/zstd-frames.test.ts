import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { readJsonLines } from './json-lines.ts';
import { readZstd, zstdFrame } from './zstd-frames.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-zstd-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, ...parts: Uint8Array[]): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

async function content(path: string): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of readZstd(path)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const text = (seed: number, lines: number) =>
  Array.from({ length: lines }, (_, i) => `${seed}:${(i * 7919) % 1009} 床前明月光\n`).join('');

test('every frame is read, of ours and of other writers, with skippable frames between', async () => {
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const random = Buffer.from(Uint32Array.from({ length: 60_000 }, (_, i) => Math.imul(i, 2654435761)).buffer);
  const frames = [text(1, 20_000), '', text(2, 3), 'a'.repeat(400_000)];
  const path = file(
    'many.zst',
    zstdFrame(Buffer.from(frames[0]!)),
    zstdFrame(Buffer.alloc(0)),
    skippable,
    zstdCompressSync(frames[2]!),
    zstdCompressSync(frames[3]!),
    zstdFrame(random),
  );
  const all = Buffer.concat([...frames.map((f) => Buffer.from(f)), random]);
  assert.equal(await content(path), all.toString());
});

test('a file cut anywhere is truncated, where node:zlib says nothing', async () => {
  const whole = Buffer.concat([zstdFrame(Buffer.from(text(1, 30_000))), zstdFrame(Buffer.from(text(2, 30_000)))]);
  for (const cut of [whole.length - 1, whole.length - 5, (whole.length >> 1) + 3, 9, 5, 3]) {
    const path = file('cut.zst', whole.subarray(0, cut));
    await assert.rejects(content(path), { code: 'CORPUS_TRUNCATED' }, `cut at ${cut}`);
  }
  // The reason for our own walk: a second frame is dropped without a word.
  assert.equal(zstdDecompressSync(whole).length, Buffer.byteLength(text(1, 30_000)));
});

test('a changed byte and a file of another kind are reported', async () => {
  const frame = zstdFrame(Buffer.from(text(1, 30_000)));
  frame[frame.length - 2]! ^= 1; // inside the content checksum
  await assert.rejects(content(file('flip.zst', frame)), { code: 'CORPUS_SOURCE_FORMAT' });
  await assert.rejects(content(file('plain.zst', Buffer.from('{"text":"山"}\n'))), /is not a zstd file/);
});

test('JSON lines: values with line numbers, blank lines skipped, no final newline needed', async () => {
  const path = file('a.jsonl', Buffer.from('\uFEFF{"a":1}\n\n{"a":2}'));
  const seen = [];
  for await (const item of readJsonLines(path)) seen.push(item);
  assert.deepEqual(seen, [
    { value: { a: 1 }, line: 1 },
    { value: { a: 2 }, line: 3 },
  ]);
});

test('JSON lines: the file and line of a malformed line, plain and compressed', async () => {
  const bad = Buffer.from('{"a":1}\n{"a":\n{"a":3}\n');
  const read = async (path: string) => {
    for await (const _ of readJsonLines(path));
  };
  await assert.rejects(read(file('b.jsonl', bad)), /b\.jsonl:2: not JSON/);
  await assert.rejects(read(file('b.jsonl.zst', zstdFrame(bad.subarray(0, 3)), zstdFrame(bad.subarray(3)))), {
    code: 'CORPUS_MALFORMED_LINE',
    message: /b\.jsonl\.zst:2:/,
  });
  await assert.rejects(read(file('c.jsonl', Buffer.from([0x7b, 0xff, 0x7d]))), /c\.jsonl:1: not valid UTF-8/);
});

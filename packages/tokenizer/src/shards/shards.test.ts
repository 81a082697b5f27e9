import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { IndexedDataset } from './indexed-dataset.ts';
import { IndexedDatasetWriter } from './indexed-dataset-writer.ts';

/** Written by Megatron-LM's own builder; see tests/golden/shards.py. */
const golden = JSON.parse(readFileSync(new URL('../../../../tests/golden/shards.json', import.meta.url), 'utf8')) as {
  documents: number[][];
  cases: { vocabularySize: number; dtype: string; bin: string; idx: string }[];
};

const folder = mkdtempSync(join(tmpdir(), 'tunan-shards-'));
after(() => rmSync(folder, { recursive: true }));

let serial = 0;
function write(documents: number[][], vocabularySize: number): string {
  const prefix = join(folder, String(serial++));
  using writer = new IndexedDatasetWriter(prefix, vocabularySize);
  for (const document of documents) writer.addDocument(document);
  writer.finish();
  return prefix;
}

for (const { vocabularySize, dtype, bin, idx } of golden.cases) {
  test(`byte-equal to Megatron's builder, vocabulary ${vocabularySize} (${dtype})`, () => {
    const prefix = write(golden.documents, vocabularySize);
    assert.equal(readFileSync(`${prefix}.bin`).toString('base64'), bin);
    assert.equal(readFileSync(`${prefix}.idx`).toString('base64'), idx);
    using dataset = new IndexedDataset(prefix);
    assert.equal(dataset.elementType, dtype);
    for (const [i, document] of golden.documents.entries()) assert.deepEqual([...dataset.document(i)], document);
  });
}

test('any stretch reads as the same stretch of the concatenated documents', () => {
  const documents = fc.array(fc.array(fc.nat(70_000), { minLength: 1, maxLength: 30 }), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(documents, fc.nat(), fc.nat(), (all, a, b) => {
      using dataset = new IndexedDataset(write(all, 70_001));
      const stream = all.flat();
      assert.equal(dataset.tokenCount, stream.length);
      assert.equal(dataset.documentCount, all.length);
      const start = a % (stream.length + 1);
      const length = b % (stream.length - start + 1);
      assert.deepEqual([...dataset.read(start, length)], stream.slice(start, start + length));
      const i = a % all.length;
      assert.equal(dataset.documentLength(i), all[i]!.length);
      assert.equal(dataset.documentStart(i), all.slice(0, i).flat().length);
    }),
    { numRuns: 30 },
  );
});

test('reading outside the stream is refused, not clamped', () => {
  using dataset = new IndexedDataset(write([[1, 2], [3]], 10));
  for (const [start, length] of [
    [0, 4],
    [3, 1],
    [-1, 1],
    [0, -1],
    [Number.NaN, 1],
  ] as const) {
    assert.throws(() => dataset.read(start, length), RangeError);
  }
  assert.equal(dataset.read(3, 0).length, 0);
  assert.throws(() => dataset.documentLength(2), RangeError);
});

test('ids outside the vocabulary are refused, and an unfinished writer leaves no file', () => {
  const prefix = join(folder, 'unfinished');
  {
    using writer = new IndexedDatasetWriter(prefix, 100);
    for (const id of [100, -1, Number.NaN]) assert.throws(() => writer.addDocument([id]), RangeError);
    writer.addDocument([99]);
  }
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('unfinished')),
    [],
  );
  const nowhere = join(folder, 'no', 'where');
  assert.throws(() => new IndexedDatasetWriter(nowhere, 100), { code: 'FILES_WRITE_FAILED' });
});

test('damaged and foreign files are told by what is wrong with them', () => {
  const whole = write([[1, 2, 3], [4, 5], [6]], 100);
  const damaged = (edit: (prefix: string) => void, message: RegExp, code = 'TOKENIZER_INDEXED_DATASET') => {
    const prefix = join(folder, String(serial++));
    for (const name of ['bin', 'idx']) copyFileSync(`${whole}.${name}`, `${prefix}.${name}`);
    edit(prefix);
    assert.throws(() => new IndexedDataset(prefix), { code, message });
  };
  const patch = (at: number, value: number) => (prefix: string) => {
    const bytes = readFileSync(`${prefix}.idx`);
    bytes[at] = value;
    writeFileSync(`${prefix}.idx`, bytes);
  };
  damaged((p) => rmSync(`${p}.bin`), /\.bin is missing/, 'TOKENIZER_SHARD_MISSING');
  damaged((p) => rmSync(`${p}.idx`), /\.idx is missing/, 'TOKENIZER_SHARD_MISSING');
  damaged((p) => truncateSync(`${p}.bin`, 10), /\.bin .*10 bytes where its index says 12/);
  damaged((p) => truncateSync(`${p}.idx`, 50), /\.idx .*50 bytes where its header says 102/);
  damaged((p) => truncateSync(`${p}.idx`, 5), /does not start with MMIDIDX/);
  damaged(patch(0, 0), /does not start with MMIDIDX/);
  damaged(patch(9, 2), /version 2 is not known/);
  damaged(patch(17, 7), /element type 7 holds no token ids/);
  damaged(patch(18, 200), /where its header says/);
  damaged(patch(70 + 16, 9), /document boundary 2 is 9, out of order/);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SpillReader, SpillWriter } from './spill.ts';

test('records read back by offset, with and without read-ahead, across its windows and between files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tunan-spill-'));
  try {
    const records = Array.from({ length: 300 }, (_, i) => Buffer.from(`${i} `.repeat(1 + (i % 17))));
    const paths = ['a', 'b'].map((name) => join(folder, name));
    for (const path of paths) {
      using writer = new SpillWriter(path);
      for (const record of records) writer.write(record);
      assert.deepEqual(
        [...writer.finish()],
        records.map((record) => record.length),
      );
    }
    for (const readAhead of [0, 64, 1000]) {
      using reader = new SpillReader(readAhead);
      let offset = 0;
      for (const [i, record] of records.entries()) {
        const path = paths[Math.floor(i / 7) % 2]!;
        assert.deepEqual(reader.read(path, offset, record.length), record, `record ${i}, read-ahead ${readAhead}`);
        offset += record.length;
      }
      assert.throws(() => reader.read(paths[0]!, offset - 1, 2), /changed while it was read/);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

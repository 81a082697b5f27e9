import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { EncodePool } from './encode-pool.ts';
import { TokenizerError } from './errors.ts';
import { Tokenizer } from './tokenizer.ts';
import { trainBpe } from './train.ts';

const fixture: { texts: string[] } = JSON.parse(
  readFileSync(new URL('../../../tests/golden/tokenizer-fixture.json', import.meta.url), 'utf8'),
);
const tokenizer = Tokenizer.fromFile(await trainBpe(fixture.texts, { vocabularySize: 700 }));
/** Several chunks a thread, with empty texts between. */
const texts = Array.from({ length: 60 }, () => [...fixture.texts, '']).flat();

for (const threads of [1, 2]) {
  test(`${threads} thread(s) give the ids of one, in order`, { timeout: 60_000 }, async () => {
    await using pool = new EncodePool(tokenizer, { threads });
    const [first, second, none] = await Promise.all([
      pool.encodeBatch(texts),
      pool.encodeBatch(['<eod>'], { specials: false }),
      pool.encodeBatch([]),
    ]);
    assert.deepEqual(
      first.map((ids) => [...ids]),
      texts.map((text) => [...tokenizer.encode(text)]),
    );
    assert.deepEqual([...second[0]!], [...tokenizer.encode('<eod>', { specials: false })]);
    assert.deepEqual(none, []);
  });
}

test('an error inside a thread reaches the caller, and the pool refuses further work', async () => {
  const pool = new EncodePool(tokenizer, { threads: 1 });
  const isPoolError = (error: unknown) => error instanceof TokenizerError && error.code === 'TOKENIZER_POOL';
  await assert.rejects(
    pool.encodeBatch([undefined as unknown as string, 'a'].slice(1).concat([7 as unknown as string])),
    isPoolError,
  );
  await assert.rejects(pool.encodeBatch(['a']), isPoolError);
  await pool.close();
});

test('closing fails what is pending and what comes after', async () => {
  const pool = new EncodePool(tokenizer, { threads: 1 });
  const pending = pool.encodeBatch(texts);
  const closed = pool.close();
  const isClosed = (error: unknown) => error instanceof TokenizerError && /closed/.test(error.message);
  await assert.rejects(pending, isClosed);
  await closed;
  await assert.rejects(pool.encodeBatch(['a']), isClosed);
});

test('a pool without threads is refused', () => {
  assert.throws(() => new EncodePool(tokenizer, { threads: 0 }), TokenizerError);
});

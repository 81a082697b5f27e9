import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { IndexedDataset } from '@tunan/tokenizer/shards';
import { buildCorpus } from '../build.ts';
import { removeDocuments } from '../changes/remove-documents.ts';
import { SPLITS } from '../directory/manifest.ts';
import { openCorpus } from '../directory/open-corpus.ts';
import { readRecipe } from '../recipe/recipe.ts';
import { readTokensManifest, shardCorpus } from './shard-corpus.ts';

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tunan-tokens-'));
const directory = join(folder, 'corpus');
const tokenizerFile = join(folder, 'tokenizer.json');
after(() => rmSync(folder, { recursive: true }));
before(async () => {
  await buildCorpus(readRecipe(join(fixtures, 'poems.json')), { out: directory, base: fixtures });
  const texts: string[] = [];
  for await (const { text } of openCorpus(directory).documents('train')) texts.push(text);
  writeFileSync(tokenizerFile, JSON.stringify(await trainBpe(texts, { vocabularySize: 300 })));
});

test('every split decodes to its texts, each followed by <eod>; the same bytes for any number of workers', async () => {
  const tokenizer = Tokenizer.load(tokenizerFile);
  const outs = [1, 2].map((workers) => ({ workers, out: join(folder, `w${workers}`) }));
  for (const { workers, out } of outs) {
    let documents = 0;
    const onProgress = (p: { documents: number; total: number }) => (documents = p.documents);
    const { tokens, resumed } = await shardCorpus(directory, { tokenizerFile, out, workers, onProgress });
    assert.equal(resumed, false);
    assert.equal(documents, openCorpus(directory).manifest.counts.kept);
    assert.deepEqual(readTokensManifest(out), tokens);
    for (const split of SPLITS) {
      using dataset = new IndexedDataset(join(out, split));
      assert.equal(dataset.tokenCount, tokens.splits[split].tokens);
      let i = 0;
      for await (const { text } of openCorpus(directory).documents(split)) {
        const ids = [...dataset.document(i++)];
        assert.equal(ids.pop(), tokenizer.eod);
        assert.equal(tokenizer.decode(ids), text);
      }
      assert.equal(i, dataset.documentCount);
    }
  }
  for (const name of readdirSync(outs[0]!.out)) {
    assert.deepEqual(readFileSync(join(outs[0]!.out, name)), readFileSync(join(outs[1]!.out, name)), name);
  }
});

test('finished shards are recognised, incomplete ones made again, those of another tokenizer refused', async () => {
  const out = join(folder, 'again');
  await shardCorpus(directory, { tokenizerFile, out });
  assert.equal((await shardCorpus(directory, { tokenizerFile, out })).resumed, true);
  const whole = readFileSync(join(out, 'train.bin'));
  truncateSync(join(out, 'train.bin'), 10);
  assert.equal((await shardCorpus(directory, { tokenizerFile, out })).resumed, false);
  assert.deepEqual(readFileSync(join(out, 'train.bin')), whole);
  const other = join(folder, 'other.json');
  writeFileSync(other, `${readFileSync(tokenizerFile, 'utf8')}\n`);
  await assert.rejects(shardCorpus(directory, { tokenizerFile: other, out }), { code: 'CORPUS_OUTPUT' });
  await assert.rejects(shardCorpus(directory, { tokenizerFile, out: join(tokenizerFile, 'x') }), {
    code: 'CORPUS_OUTPUT',
  });
});

test('a directory without tokens.json is named', () => {
  assert.throws(() => readTokensManifest(folder), { code: 'CORPUS_TOKENS', message: /tunan corpus shard/ });
});

test('token shards of a corpus that was changed are stale, however many changes ago; others are not', async () => {
  const tokens = join(directory, 'tokens');
  const elsewhere = join(folder, 'elsewhere');
  for (const out of [tokens, elsewhere]) await shardCorpus(directory, { tokenizerFile, out });
  const foreign = join(folder, 'foreign');
  await shardCorpus(directory, { tokenizerFile, out: foreign });
  const manifest = readFileSync(join(foreign, 'tokens.json'), 'utf8');
  writeFileSync(join(foreign, 'tokens.json'), manifest.replace('fixture-poems', 'another'));
  const ids: string[] = [];
  for await (const { id } of openCorpus(directory).documents('train')) ids.push(id);
  for (const id of ids.slice(0, 2)) {
    const { staleTokens } = await removeDocuments(directory, { ids: [id], urls: [] }, [elsewhere, foreign]);
    assert.deepEqual(staleTokens, [tokens, elsewhere]);
  }
  rmSync(tokens, { recursive: true });
  await shardCorpus(directory, { tokenizerFile });
  const removed = await removeDocuments(directory, { ids: [ids[2]!], urls: [] }, []);
  assert.deepEqual(removed.staleTokens, [tokens]);
});

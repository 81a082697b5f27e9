/** The card says what was done, and the real `datasets` library loads the directory by it, where it is installed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildCorpus } from '../build.ts';
import { removeDocuments } from '../changes/remove-documents.ts';
import { parseRecipe } from '../recipe/recipe.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-card-'));
after(() => rmSync(folder, { recursive: true }));

// Fields that only late documents have: `datasets` takes the first lines for all where the card does not name them.
const lines = Array.from({ length: 60 }, (_, n) =>
  JSON.stringify({
    text: `第${n}封信：我的手机号是1380013${String(8000 + n)}，请在明天以前打给我。`,
    kind: n % 2 ? 'a' : undefined,
  }),
);
writeFileSync(join(folder, 'in.jsonl'), lines.join('\n'));
const recipe = parseRecipe({
  name: 'letters',
  title: { en: 'Letters', zh: '书信' },
  description: { en: 'Letters', zh: '书信' },
  licence: 'CC0-1.0',
  sources: [{ type: 'jsonl', name: 's', licence: 'CC0-1.0', paths: ['in.jsonl'], fields: { meta: ['kind', 'late'] } }],
  stages: [{ use: 'personal-data' }],
  split: { validation: 0.2, test: 0.2, seed: 1 },
});
const corpus = join(folder, 'corpus');
const { manifest } = await buildCorpus(recipe, { out: corpus, base: folder });
const card = () => readFileSync(join(corpus, 'README.md'), 'utf8');

test('what was done about personal data, take-downs and size', async () => {
  assert.match(card(), /mobile → 〈手机号〉/);
  assert.match(card(), /size_categories:\n {2}- "n<1K"/);
  assert.match(card(), /So far nothing was asked for/);
  assert.match(card(), /- `kind`: .* kind of page.*\n- `masked`: .*personal data that was masked/);
  assert.doesNotMatch(card(), /□/);
  await removeDocuments(corpus, { ids: ['in#3'], urls: [] });
  assert.match(card(), /So far 1 requests took out 1 documents/);
  assert.match(card(), /1 taken out on request, 59 kept/);
  assert.match(card(), /revision 1\}/);
});

const python = fileURLToPath(new URL('../../../../.peers/bin/python', import.meta.url));
const has = existsSync(python) && spawnSync(python, ['-c', 'import datasets, zstandard']).status === 0;

test('loads as a Hugging Face dataset', { skip: has ? false : 'needs .peers with datasets and zstandard' }, () => {
  const program = `
import json, sys
from datasets import load_dataset
sets = load_dataset(sys.argv[1], cache_dir=sys.argv[2])
print(json.dumps({name: [len(rows), rows[0]["text"]] for name, rows in sets.items()}))`;
  const env = { ...process.env, HF_HUB_OFFLINE: '1', HF_HOME: join(folder, 'hf') };
  const { stdout, stderr } = spawnSync(python, ['-c', program, corpus, join(folder, 'cache')], {
    encoding: 'utf8',
    env,
  });
  const sets = JSON.parse(stdout.trim().split('\n').at(-1) ?? stderr) as Record<string, [number, string]>;
  const total = Object.values(sets).reduce((n, [rows]) => n + rows, 0);
  assert.equal(total, manifest.counts.kept - 1);
  assert.match(sets.train![1], /〈手机号〉/);
});

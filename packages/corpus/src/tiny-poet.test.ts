/** The recipe itself on the small collections of its source, which npm installs with the development dependencies. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildCorpus } from './build.ts';
import { openCorpus } from './directory/open-corpus.ts';
import { readRecipe } from './recipe/recipe.ts';
import type { NpmPackageSource } from './recipe/recipe-sources.ts';

test('tiny-poet reads every form of its collections', async () => {
  const recipe = readRecipe(fileURLToPath(new URL('../../../recipes/corpus/tiny-poet.json', import.meta.url)));
  const source = recipe.sources[0] as NpmPackageSource;
  const small = source.collections.filter(
    ({ name }) => !['quantangshi', 'quansongshi', 'songci', 'yuanqu'].includes(name),
  );
  const folder = mkdtempSync(join(tmpdir(), 'tunan-tiny-poet-'));
  try {
    const out = join(folder, 'corpus');
    const { manifest } = await buildCorpus({ ...recipe, sources: [{ ...source, collections: small }] }, { out });
    for (const { name } of small) {
      const { read, kept } = manifest.collections[name]!;
      assert.ok(kept > 0 && read > 0, `${name}: ${kept} of ${read}`);
    }
    assert.ok(manifest.counts.kept > 0.9 * manifest.counts.read - 300, 'most of the classics pass');
    const titles = new Map<string, string>();
    for await (const { text } of openCorpus(out).documents('train')) titles.set(text.split('\n')[0]!, text);
    assert.equal(titles.get('关雎')!.split('\n')[1], '关关雎鸠，在河之洲。窈窕淑女，君子好逑。');
    assert.match(titles.get('弟子规·入则孝')!, /父母呼，应勿缓，父母命，行勿懒。/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPage } from '../../src/extract/read-page.ts';
import { madePages } from './made-pages.ts';
import { sharesOf } from './page-labels.ts';

const TEXT =
  '清晨的雾还没有散，老街的灯先亮了。掌柜把豆子舀进石磨，水声和磨声混在一起。排队的人拐过了街角，谁也不着急。';

test('made-up pages: the same seed gives the same pages, and what is kept are whole blocks of the page', () => {
  const pages = madePages([TEXT], 50, 7);
  assert.deepEqual(madePages([TEXT], 50, 7), pages);
  for (const { html, keep, kind } of pages) {
    assert.doesNotMatch(html, /[\ue000\ue001]/);
    const { blocks } = readPage(html);
    const shares = sharesOf(blocks, keep);
    const kept = blocks.filter((_, i) => shares[i] === 1);
    const characters = keep.reduce((sum, [start, end]) => sum + end - start, 0);
    assert.equal(
      kept.reduce((sum, { text }) => sum + text.replace(/\s/g, '').length, 0),
      characters,
    );
    assert.equal(characters === 0, kind === 'index');
  }
});

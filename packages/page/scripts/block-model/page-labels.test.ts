import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPage } from '../../src/extract/read-page.ts';
import { foreignHtml, foreignText } from './foreign-text.ts';
import { placesOf, sharesOf } from './page-labels.ts';

const PAGE = '<title>t</title><div>首页 导航</div><p>第一段 文字。</p><p>第二段。</p><div>版权所有</div><p>尾声。</p>';

test('what a label keeps is found again, also where blocks are cut otherwise', () => {
  const { blocks } = readPage(PAGE);
  const places = placesOf(blocks, [1, 2, 4]);
  assert.deepEqual(places, [
    [4, 14],
    [18, 21],
  ]);
  assert.deepEqual(sharesOf(blocks, places), [0, 1, 1, 0, 1]);
  const joined = readPage(PAGE.replace('</p><p>', '')).blocks;
  assert.deepEqual(sharesOf(joined, places), [0, 1, 0, 1]);
  const cut = readPage(PAGE.replace('段 文字', '段<br>文字')).blocks;
  assert.deepEqual(sharesOf(cut, places), [0, 1, 1, 1, 0, 1]);
});

test('an English page and its gold text become the same Chinese words; tags and scripts stay', () => {
  const sentence = 'The river&nbsp;rose on May 3, 2012, and nobody&#39;s boat held.';
  const page = `<p class="lead">${sentence}</p><script>var share = 1;</script><a href="/next">Share this</a>`;
  const html = foreignHtml(page);
  const text = foreignText(sentence);
  assert.match(html, /^<p class="lead">[^<]*2012年5月3日，[^<a-z]*。<\/p><script>var share = 1;<\/script>/);
  assert.ok(html.includes(`>${text}<`));
  assert.match(html, /<a href="\/next">分享.+<\/a>$/);
  assert.doesNotMatch(text, /[a-z ]/i);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PageContext } from './page-context.ts';
import { readPage } from './read-page.ts';

const THREAD =
  '<h1>东岭露营求助</h1>' +
  ['夜里冷不冷，要不要带厚睡袋？', '同问', '十度左右。']
    .map(
      (said, i) =>
        `<div id="pid${i}7"><b>${i + 1}楼</b><p>2022-10-0${i + 1} 20:11</p><div id="said_${i}">${said}</div></div>`,
    )
    .join('') +
  '<h3>相关主题</h3><ul><li><a href="/1">搬家处理一批花盆</a></li></ul>';

test('places whose names differ by a number alone are of one kind, and posts are told by their dates', () => {
  const page = new PageContext(readPage(THREAD));
  const said = page.blocks.flatMap(({ element }, i) => (element.hint.startsWith('said') ? [i] : []));
  assert.equal(said.length, 3);
  assert.equal(new Set(said.map((i) => page.kindOf[i])).size, 1);
  assert.equal(new Set(said.map((i) => page.postOf(page.blocks[i]!.element))).size, 3);
  assert.equal(page.postOf(page.blocks[page.heading]!.element), undefined);
});

test('each block knows the heading above it, and whether that heads comments or other pages', () => {
  const page = new PageContext(readPage(`${THREAD}<div>3 条评论</div><p>好帖。</p>`));
  const { heading, says, afterComments } = page.sections;
  const last = page.blocks.length - 1;
  assert.equal(page.blocks[heading[last]!]!.text, '3 条评论');
  assert.equal(says[heading[last]!], 1);
  assert.equal(afterComments[last], 1);
  const link = page.blocks.findIndex(({ text }) => text === '搬家处理一批花盆');
  assert.equal(page.blocks[heading[link]!]!.text, '相关主题');
  assert.equal(says[heading[link]!], 2);
  assert.equal(afterComments[link], 0);
});

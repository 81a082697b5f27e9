import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PageContext } from './page-context.ts';
import { withoutPostLines } from './post-lines.ts';
import { readPage } from './read-page.ts';

/** What stays of the lines of a page, all of them chosen. */
function said(html: string): string[] {
  const page = new PageContext(readPage(html));
  return withoutPostLines(page, [...page.blocks.keys()]).map((i) => page.blocks[i]!.text);
}

test('of a letter what was said stays, without head, motto and the line of where it came from', () => {
  const letter = (author: string, text: string, motto: string): string =>
    `<p>发信人: ${author} (${author}), 信区: Food<br>标  题: Re: 夜市<br>发信站: 南岸社区 (Sat Jun  8 21:03:11 2019), 站内<br><br>` +
    `${text}<br>--<br>${motto}※ 来源:·南岸社区·[FROM: 10.31.4.*]</p>`;
  const page = `<title>老码头夜市几点收摊</title><h1>老码头夜市几点收摊</h1>${letter('lin', '周末想去。', '')}${letter('max', '早点去。', '慢慢走<br>不着急<br>')}`;
  assert.deepEqual(said(page), ['老码头夜市几点收摊', '周末想去。', '早点去。']);
});

test('where no letter stands, a rule and what is below it are text', () => {
  assert.deepEqual(said('<p>第一段。</p><p>--</p><p>标题：可有可无。</p>'), ['第一段。', '--', '标题：可有可无。']);
});

test('the only subject is kept where the page has no heading', () => {
  const page =
    '发信人: lin (林), 信区: Joke<br>标  题: 一个老故事<br>发信站: 南岸社区 (Sat Jun  8 21:03:11 2019)<br>从前有座山。';
  assert.deepEqual(said(page), ['标 题: 一个老故事', '从前有座山。']);
});

test('who edited a post and whom a quote is from is left out, sentences that say so are not', () => {
  for (const line of [
    '本帖最后由 阿林 于 2023-4-18 14:38 编辑',
    '[ 本帖最後由 lin99 於 2009-3-2 08:11 編輯 ]',
    '原帖由 阿林 于 2009-3-1 10:00 发表',
    '引用: 原帖由 lin99 于 2009-3-1 10:00 发表',
    '阿林 发表于 2012-5-1 10:00',
    '回复 3# 阿林',
  ])
    assert.deepEqual(said(`<p>${line}</p><p>好的。</p>`), ['好的。'], line);
  for (const line of [
    '这篇论文发表于 2012 年。',
    '本帖最后由大家投票决定去哪里。',
    '回复 3 楼的问题：可以。',
    '原帖由谁写的已不可考。',
  ])
    assert.deepEqual(said(`<p>${line}</p>`), [line]);
});

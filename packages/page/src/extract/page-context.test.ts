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

const LONG = '昨天傍晚到了营地，风很大，帐篷搭了两次才稳，夜里只有六度，睡袋要带厚的，炉子也别忘了。';

/** The post that a text stands in, and its place there. */
function placeOf(page: PageContext, text: string) {
  const { element } = page.blocks.find((block) => block.text === text)!;
  const post = page.postOf(element);
  return post && { post, place: page.placeIn(post, element) };
}

test('the opening post is one of the posts, also without names and dates; an article is none of the comments below it', () => {
  const entry = (said: string): string => `<div><div><a href="/u">阿林</a></div><div><p>${said}</p></div></div>`;
  const replies = ['同问', '谢谢分享', '收藏了', '顶'].map(entry).join('');
  const thread = new PageContext(readPage(`<h1>东岭露营求助</h1><div>${entry(LONG)}${replies}</div>`));
  const [opening, reply] = [placeOf(thread, LONG)!, placeOf(thread, '收藏了')!];
  assert.ok(thread.isOpening(opening.post) && !thread.isOpening(reply.post));
  assert.equal(opening.place, reply.place);
  const article = new PageContext(readPage(`<h1>东岭露营记</h1><div><p>${LONG}</p></div><ul>${replies}</ul>`));
  assert.equal(placeOf(article, '同问'), undefined);
});

test('what stands in the same place of every post is told from the same tags elsewhere', () => {
  const post = (said: string): string =>
    `<div><table><tr><td>2022-10-01</td></tr></table><table><tr><td><p>${said}</p></td></tr></table></div>`;
  const form = '<form><table><tr><td><p>密码</p></td></tr></table></form>';
  const page = new PageContext(readPage(`${form}<div>${['同问', '谢谢分享', '收藏了'].map(post).join('')}</div>`));
  assert.equal(placeOf(page, '密码'), undefined);
  assert.equal(placeOf(page, '同问')!.place, placeOf(page, '收藏了')!.place);
});

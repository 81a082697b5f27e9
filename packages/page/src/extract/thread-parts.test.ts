import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PageContext } from './page-context.ts';
import { readPage } from './read-page.ts';
import { withoutThreadParts } from './thread-parts.ts';

/** What stays of the blocks of a page, all of them chosen. */
function said(html: string): string[] {
  const page = new PageContext(readPage(html));
  return withoutThreadParts(page, [...page.blocks.keys()]).map((i) => page.blocks[i]!.text);
}

const TITLE = '旧自行车链条怎么保养';
const OPENING = '链条骑了三年，沾满油泥，换挡也不顺，想自己清洗，大家有什么好办法？';
const REPLIES = ['煤油泡一夜。', '同问', '洗完一定要上油，不然很快生锈。', '换新的吧'];

function post(text: string, number: number, author: string): string {
  const date = `<div class="info">${number}楼 发表于 2011-5-${number + 1} 20:14</div>`;
  return `<div class="post"><div class="author">${author}</div><div>${date}<div class="message">${text}</div><div class="bar">顶部</div></div></div>`;
}

function board(heading: string, posts: readonly string[], motto: (n: number) => string): string {
  const rules = '<div class="notice"><p>发帖前请先搜索，重复的话题会被合并，广告一律删除，谢谢大家配合。</p></div>';
  const rows = posts.map((text, n) => post(text, n + 1, `<a href="/u">骑友${n}</a><p>${motto(n)}</p>`)).join('');
  return `<title>${heading} - 山地车论坛</title>${rules}<h1>${heading}</h1>${rows}<div class="foot"><p>版主：老马、阿吉。本站文字属发帖人所有，转载请先联系，谢谢。</p></div>`;
}

const motto = (n: number) => (n % 2 === 0 ? '慢慢骑，不着急，路还长' : '铁锈斑斑');

test('of a thread the posts stay, without the rules above, the line of the board below, mottos and labels', () => {
  assert.deepEqual(said(board(TITLE, [OPENING, ...REPLIES], motto)), [TITLE, OPENING, ...REPLIES]);
});

test('the title stays once where posts repeat it', () => {
  const page = board(TITLE, [`<h2>${TITLE}</h2>${OPENING}`, ...REPLIES], motto);
  assert.deepEqual(said(page), [TITLE, OPENING, ...REPLIES]);
});

test('replies that are all alike are what was said', () => {
  const replies = Array.from({ length: 6 }, () => '顶');
  const rows = [OPENING, ...replies].map(
    (text, n) => `<li class="reply"><span>2011-5-${n + 1} 08:00</span><p>${text}</p></li>`,
  );
  const page = `<title>${TITLE} - 山地车论坛</title><h1>${TITLE}</h1><ul>${rows.join('')}</ul>`;
  assert.deepEqual(said(page), [TITLE, OPENING, ...replies]);
});

test('where the date stands below what was said, nothing is taken for a word about the author', () => {
  const rows = [OPENING, ...REPLIES].map(
    (text, n) => `<li class="reply"><p>${text}</p><span>2011-5-${n + 1} 08:00</span></li>`,
  );
  const texts = said(`<title>${TITLE} - 山地车论坛</title><h1>${TITLE}</h1><ul>${rows.join('')}</ul>`);
  for (const text of [OPENING, ...REPLIES]) assert.ok(texts.includes(text), text);
});

test('comments below an article do not make it a thread', () => {
  const article = '<div class="text"><p>春天的雨下了三天，河水涨到桥边，孩子们都站在堤上看。</p></div>';
  const comments = REPLIES.map((text, n) => `<li class="reply"><span>2011-5-${n + 1}</span><p>${text}</p></li>`);
  const page = `<title>雨</title><h1>春天的雨</h1>${article}<ul>${comments.join('')}</ul>`;
  assert.equal(said(page)[1], '春天的雨下了三天，河水涨到桥边，孩子们都站在堤上看。');
});

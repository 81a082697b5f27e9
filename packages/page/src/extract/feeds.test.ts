import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutFeed } from './feeds.ts';
import { PageContext } from './page-context.ts';
import { readPage } from './read-page.ts';

const REPORT = '县图书馆从六月一日起延长开放时间，周二至周日晚上开到九点半，儿童阅览室周末增设两场故事会。';
const OTHER = '渡口在镇子西边，天不亮就有人等船。老船工说，桥修好以后，坐船的人少了，可是赶集的日子，船还是满的。';

function rest(html: string): string[] {
  const page = new PageContext(readPage(html));
  const prose = [...page.blocks.keys()].filter((i) => page.counts[i]!.prose > 0);
  return withoutFeed(page, prose).map((i) => page.blocks[i]!.text);
}

function pageOf(entries: string, title = '图书馆夜间开放'): string {
  return `<title>${title}_青川网</title><h1>图书馆夜间开放</h1><div class="text"><p>${REPORT}</p></div><div>${entries}</div>`;
}

const entry = (heading: string, name = 'item'): string => `<div class="${name}">${heading}<p>${OTHER}</p></div>`;

test('whole articles under linked titles of their own, below the page’s article, are none of it', () => {
  const [first, second] = ['河湾的渡船', '修表的老人'];
  assert.deepEqual(
    rest(pageOf(entry(`<h3><a href="/1">${first}</a></h3>`) + entry(`<h3><a href="/2">${second}</a></h3>`))),
    [REPORT],
  );
  const named = (text: string): string => entry(`<div class="item-title"><a href="/1">${text}</a></div>`);
  assert.deepEqual(rest(pageOf(named(first) + named(second))), [REPORT]);
});

test('sections of the article, answers and the posts of a forum stay', () => {
  const all = [REPORT, OTHER, OTHER];
  assert.deepEqual(rest(pageOf(entry('<h3>从渡口说起</h3>') + entry('<h3>再说修表</h3>'))), all);
  const author = (name: string): string => `<div class="author"><a href="/u">${name}</a></div>`;
  assert.deepEqual(rest(pageOf(entry(author('山里人家')) + entry(author('老邮差先生')))), all);
  const linked = (name: string): string => entry(`<h3><a href="/u">${name}</a></h3>`, 'answer');
  assert.deepEqual(rest(pageOf(linked('山里人家') + linked('老邮差先生'))), all);
});

test('without prose of its own above them, the entries are what the page holds', () => {
  const entries = entry('<h3><a href="/1">河湾的渡船</a></h3>') + entry('<h3><a href="/2">修表的老人</a></h3>');
  assert.deepEqual(rest(`<title>图书馆夜间开放</title><h1>图书馆夜间开放</h1><div>${entries}</div>`), [OTHER, OTHER]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRejection } from '../rejection.ts';
import { extractPage } from './extract-page.ts';

const paragraphs = [
  '渔港的早市天不亮就开了，船还没有靠稳，挑鱼的人已经站满了石阶，问价的声音压过了浪声。',
  '老陈的摊子在最里头，他只卖自己夜里打来的鱼，卖完就收，从不替别人代卖，街坊都信他。',
  '今年休渔期长了半个月，他把船拖上岸重新刷了漆，又把破了的网一张一张补好，等着开海。',
];
const html = paragraphs.map((text) => `<p>${text}</p>`).join('');
const body = paragraphs.join('\n');
const page = (inside: string): string =>
  `<html><head><title>渔港早市</title></head><body><div id="app">加载中…</div>${inside}</body></html>`;
const escaped = (text: string): string => text.replace(/[\u4e00-\u9fff]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
const json = (value: unknown): string => `<script type="application/json">${JSON.stringify(value)}</script>`;

test('the article of a page that shows nothing is found in its scripts', () => {
  const article = { title: '渔港早市', content: html, author: '海风' };
  const pages: Record<string, string> = {
    'data of a framework': json({
      props: { page: { article, more: [{ title: '别的文章', summary: '这里只有一句话，不是全文。' }] } },
    }),
    'plain text with line ends': json({ a: { text: body } }),
    'linked data': `<script type="application/ld+json">${JSON.stringify({ '@type': 'NewsArticle', headline: '渔港早市', articleBody: body })}</script>`,
    'a call with escaped letters': `<script>window.d = {title: f('渔港早市'), text: f('${html.replaceAll('<', '\\x3c').replaceAll('>', '\\x3e')}')};</script>`,
    'letters as numbers': `<script>var data = {"content":"${escaped(html.replaceAll('/', '\\/'))}"};</script>`,
    'JSON in a string': `<script>go(JSON.parse(${JSON.stringify(JSON.stringify({ article }))}))</script>`,
    'percent signs': `<script>go(decodeURIComponent("${encodeURIComponent(JSON.stringify({ article }))}"))</script>`,
    'a template string': `<script>// it's a note\nconst text = \`${body}\`;</script>`,
    'paragraphs apart': json({ blocks: paragraphs.map((text) => ({ type: 'p', text })), other: ['短。'] }),
    'letters that grow longer in lower case': `<p>${'İ'.repeat(90)}</p>${json({ text: body })}`,
    'a list of paragraphs': `<script>x(${JSON.stringify({ body: paragraphs })})</script>`,
  };
  for (const [name, inside] of Object.entries(pages)) {
    const found = extractPage(page(inside));
    assert.ok(!isRejection(found), `${name}: ${JSON.stringify(found)}`);
    assert.equal(found.body, body, name);
    assert.equal(found.title, '渔港早市', name);
  }
});

test('date and title in the script', () => {
  const found = extractPage(
    `<div id=app></div>${json({ title: '渔港早市', text: body, created_at: 'Mon May 06 08:30:00 +0800 2024' })}`,
  );
  assert.deepEqual(found, { title: '渔港早市', date: '2024-05-06T08:30:00+08:00', body, kind: 'article' });
});

test('what stands there for readers without scripts, in a form, or hidden', () => {
  const text = paragraphs.concat(paragraphs.map((line) => `后来又说：${line}`));
  const inner = text.map((line) => `<p>${line}</p>`).join('');
  const nav = '<ul><li><a href=1>首页</a></li><li><a href=2>新闻</a></li></ul>';
  for (const inside of [
    `<noscript>${inner}</noscript>`,
    `<textarea>${inner.replaceAll('<', '&lt;')}</textarea>`,
    `<noframes><body>${inner}</body></noframes>`,
    `<xmp style="display:none">${text.join('\n\n')}</xmp>`,
  ]) {
    const found = extractPage(page(nav + inside));
    assert.ok(!isRejection(found), inside.slice(0, 20));
    assert.equal(found.body.replaceAll('\n', ''), text.join(''), inside.slice(0, 20));
  }
});

test('a page that shows its text takes none from scripts, and an index page becomes none of its notices', () => {
  const shown = ['船厂今天开工。', '第一条船已经上了船台，预计秋天下水，工人们忙着铺设龙骨，码头上堆满了钢板。'];
  const article = `<h1>船厂开工</h1><div class="content">${shown.map((text) => `<p>${text}</p>`).join('')}</div>`;
  const found = extractPage(`<title>船厂开工</title>${article}${json({ feed: [{ content: html + html }] })}`);
  assert.ok(!isRejection(found) && !found.body.includes('渔港'));
  const links = Array.from({ length: 60 }, (_, i) => `<li><a href="/${i}">第${i}条新闻的标题写在这里</a></li>`).join(
    '',
  );
  assert.deepEqual(extractPage(`<ul>${links}</ul>${json({ notice: body })}`), { reason: 'index-page' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPage } from './page-tree.ts';

const texts = (html: string): string[] => readPage(html).blocks.map(({ text }) => text);

test('blocks end at block elements and line breaks, not at inline elements', () => {
  assert.deepEqual(texts('<div>甲<b>乙</b><a href=#>丙</a><br>丁<p>戊<div>己</div></div>'), [
    '甲乙丙',
    '丁',
    '戊',
    '己',
  ]);
  assert.deepEqual(texts('<table><tr><td>一<td>二<tr><td>三</table>四'), ['一', '二', '三', '四']);
  assert.deepEqual(texts('<ul><li>一<li>二<ul><li>三</ul><li>四</ul>'), ['一', '二', '三', '四']);
});

test('link and bold characters are counted', () => {
  const [block] = readPage('<p>前<a href="/x">链接</a>后<strong>重点字</strong></p>').blocks;
  assert.equal(block!.linked, 2);
  assert.equal(block!.stressed, 3);
  assert.equal(block!.links, 1);
});

test('an unclosed link ends with the next one, a stray end tag closes no outer block', () => {
  const blocks = readPage('<div id=a><p><a href=1>一</div></span></p>二<a name=x>三</a></div>').blocks;
  assert.deepEqual(
    blocks.map(({ text }) => text),
    ['一', '二三'],
  );
  const cell = readPage('<table><tr><td id=c>一</div>二</td></tr></table>').blocks;
  assert.equal(cell.at(-1)!.element.hint, 'c');
});

test('scripts, styles, forms and comments are silent', () => {
  const html = '<script>if (a<b) x="<p>字</p>"</script><style>p{}</style><!-- 注释 --><button>按</button><p>文</p>';
  assert.deepEqual(texts(html), ['文']);
});

test('entities, white space and source line ends', () => {
  assert.deepEqual(texts('<p>&#20013;&#x6587;&nbsp;&lt;b&gt; &hellip;</p>'), ['中文 <b> …']);
  assert.deepEqual(texts('<p>软件\n  下载 and\nmore</p>'), ['软件下载 and more']);
  assert.deepEqual(texts('<pre>\na = 1\n  b = 2\n</pre>'), ['a = 1\n  b = 2']);
});

test('title, meta and time', () => {
  const html =
    '<head><title>题&amp;目</title><meta property="og:title" content="甲&quot;"><meta name=Date content=2020-01-02></head>' +
    '<svg><title>图标</title></svg><time datetime=2021-03-04>昨天</time>';
  const page = readPage(html);
  assert.equal(page.title, '题&目');
  assert.equal(page.meta.get('og:title'), '甲"');
  assert.equal(page.meta.get('date'), '2020-01-02');
  assert.equal(page.time, '2021-03-04');
});

test('hidden elements and indents are marked', () => {
  const blocks = readPage('<div style="display: none"><p>甲</p></div><p hidden>乙</p><p>　　丙</p>').blocks;
  assert.deepEqual(
    blocks.map(({ element }) => element.hidden),
    [true, true, false],
  );
  assert.deepEqual(
    blocks.map(({ indented }) => indented),
    [false, false, true],
  );
});

test('a nest of 100 000 elements hangs at a depth of 512', () => {
  const bottom = '<script>var a = "字";</script>底';
  const page = readPage(`${'<div>'.repeat(100_000)}${bottom}${'</div>'.repeat(100_000)}<p>后</p>`);
  assert.deepEqual(
    page.blocks.map(({ text }) => text),
    ['底', '后'],
  );
  assert.ok(Math.max(...page.blocks.map(({ element }) => element.depth)) < 512);
});

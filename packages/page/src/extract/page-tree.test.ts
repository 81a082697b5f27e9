import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPage } from './read-page.ts';

const texts = (html: string): string[] => readPage(html).blocks.map(({ text }) => text);

test('blocks end at block elements and line breaks, not at inline elements', () => {
  assert.deepEqual(texts('<div>甲<b>乙</b><a href=#>丙</a><br>丁<p>戊<div>己</div></div>'), [
    '甲乙丙',
    '丁',
    '戊',
    '己',
  ]);
  assert.deepEqual(texts('<table><tr><td>一<tr><td>二<tr><td>三</table>四'), ['一', '二', '三', '四']);
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

test('indents are marked', () => {
  assert.deepEqual(
    readPage('<p>甲</p><p>　　丙</p>').blocks.map(({ indented }) => indented),
    [false, true],
  );
});

test('what the page hides is not read: attributes, styles, style sheets', () => {
  const noise = (attributes: string): string => `<p>前半句<span ${attributes}>勿抄</span>后半句。</p>`;
  for (const attributes of [
    'hidden',
    'aria-hidden=true',
    'style="display:none"',
    'style="color:red; VISIBILITY : hidden"',
    'style="font-size:0"',
    'style="font-size: 0px;color:#fff"',
    'style="position:absolute;left:-9999px"',
    'style="position:absolute;left:-999em"',
    'style="height:0;overflow:hidden"',
    'class=jammer',
  ])
    assert.deepEqual(texts(noise(attributes)), ['前半句后半句。'], attributes);
  const sheet = (css: string, attributes: string): string[] => texts(`<style>${css}</style>${noise(attributes)}`);
  assert.deepEqual(sheet('/* x */ @import "a.css"; .q1, .q2 {display:none}', 'class="b q2"'), ['前半句后半句。']);
  assert.deepEqual(sheet('p > span.q{font-size:0}', 'class=q'), ['前半句后半句。']);
  assert.deepEqual(sheet('.q{display:none} p .q.on{display:inline}', 'class="q on"'), ['前半句勿抄后半句。']);
  assert.deepEqual(sheet('@media print{.q{display:none}} div .q{display:none} .q:hover{display:none}', 'class=q'), [
    '前半句勿抄后半句。',
  ]);
  assert.deepEqual(sheet('.q{display:none}', 'class=q style="display:inline-block"'), ['前半句勿抄后半句。']);
  assert.deepEqual(texts('<ul style="font-size:0"><li style="font-size:14px">一</li></ul>'), ['一']);
  assert.deepEqual(texts('<p hidden>甲<p>乙<div style="display:none"><p>丙</p></div>'), ['乙']);
});

test('a page that hides most of its sentences shows them by a script: they are read, noise in them is not', () => {
  const sentence = '雨停了，街上又有了人声，卖花的推着车走过。';
  const page = `<h1>题</h1><div style="visibility:hidden">${`<p>${sentence}<i style="display:none">防抄</i></p>`.repeat(4)}</div>`;
  assert.deepEqual(texts(`${page}<div hidden>登录后，可查看。</div>`), ['题', ...Array(4).fill(sentence)]);
});

test('unknown and silent elements break no line', () => {
  assert.deepEqual(texts('<p>去<st1:place>老街</st1:place>，笑<g-emoji>哈</g-emoji>了<x-y/>。</p>'), [
    '去老街，笑哈了。',
  ]);
  assert.deepEqual(
    texts(
      '<p>点<svg><path/></svg>图，<script>a("</p>")</script>再<noscript><div><p>无</p></div></noscript>看<iframe></iframe>。</p>',
    ),
    ['点图，再看。'],
  );
  assert.deepEqual(texts('<p>先按<button>保存</button>按钮。</p><p>完了。<button>分享</button></p>'), [
    '先按保存按钮。',
    '完了。',
  ]);
});

test('ruby without readings, also in the long form and without end tags', () => {
  assert.deepEqual(texts('<p><ruby>汉<rp>(</rp><rt>hàn</rt><rp>)</rp>字<rt>zì</ruby>好</p>'), ['汉字好']);
  assert.deepEqual(texts('<p><ruby><rb>北<rb>京<rtc><rt>běi<rt>jīng</rtc></ruby>人</p>'), ['北京人']);
});

test('characters without width part nothing; joiners stay in emoji; reversed letters are read as they look', () => {
  assert.deepEqual(texts('<p>亮\u200b起\u2060灯，Java\u00adScript\ufeff好\u200d。👩\u200d🚀</p>'), [
    '亮起灯，JavaScript好。👩\u200d🚀',
  ]);
  assert.deepEqual(
    texts('<p>作者‮三张‬，<bdo dir=rtl>eoJ</bdo>，<i style="unicode-bidi:bidi-override;direction:rtl">四李</i></p>'),
    ['作者张三，Joe，李四'],
  );
});

test('two references to the halves of one character', () => {
  assert.deepEqual(texts('<p>&#55362;&#57271;野家，&#xD842;&#xDFB7;屋，&#20013;</p>'), ['𠮷野家，𠮷屋，中']);
});

test('pages inside: srcdoc, shadow roots; substitutes only where asked for', () => {
  assert.deepEqual(texts('<p>一</p><iframe srcdoc="&lt;p>二&lt;/p>"></iframe><p>三'), ['一', '二', '三']);
  assert.deepEqual(
    texts('<x-a><template shadowrootmode=open><p>甲</p></template></x-a><template><p>乙</p></template>'),
    ['甲'],
  );
  const page = '<noscript><p>一</p></noscript><textarea>&lt;p&gt;二&lt;/p&gt;三\n四</textarea>';
  assert.deepEqual(texts(page), []);
  assert.deepEqual(
    readPage(page, true).blocks.map(({ text }) => text),
    ['一', '二', '三四'],
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

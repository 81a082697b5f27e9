import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPage } from './read-page.ts';

const blocks = (html: string): [text: string, code: boolean][] =>
  readPage(html).blocks.map(({ text, code }) => [text, code]);

const PROGRAM = 'def area(r):\n    # 圆的面积\n    return 3.14 * r ** 2';
const lines = PROGRAM.split('\n');
const hard = lines.map((line) => line.replaceAll(' ', '&nbsp;'));
const expected = [[PROGRAM, true]];

test('preformatted code keeps its lines, however they are marked', () => {
  const inner: Record<string, string> = {
    'plain lines': PROGRAM,
    breaks: lines.join('<br>'),
    'spans without line ends': lines.map((line) => `<span class="line">${line}</span>`).join(''),
    'spans set as blocks': lines.map((line) => `<span style="display:block">${line}</span>`).join(''),
    'spans with numbers': lines.map((line) => `<span class="ln">1</span>${line}`).join('\n'),
    'spans with numbers and without line ends': lines
      .map((line, i) => `<span class="line"><span class="line-number">${i + 1}</span>${line}</span>`)
      .join(''),
    'one <code> a line': lines.map((line) => `<code>${line}</code>`).join(''),
    'list entries': `<ol>${lines.map((line) => `<li>${line}</li>`).join('')}</ol>`,
    divisions: lines.map((line) => `<div>${line}</div>`).join(''),
    'a list of numbers behind': `<code>${PROGRAM}</code><div class="x">登录后复制</div><ul class="pre-numbering"><li>1</li><li>2</li><li>3</li></ul>`,
    'numbers before each line': lines.map((line, i) => `${i + 1} ${line}`).join('\n'),
    'a button': `<span class="copy">Copy</span><code>${PROGRAM}</code><button>复制</button>`,
  };
  for (const [name, html] of Object.entries(inner)) assert.deepEqual(blocks(`<pre>${html}</pre>`), expected, name);
});

test('listings in other elements', () => {
  const rows = (number: (i: number) => string): string =>
    `<table>${hard.map((line, i) => `<tr><td class="n">${number(i)}</td><td>${line}</td></tr>`).join('')}</table>`;
  const pages: Record<string, string> = {
    'divisions of a fixed width': `<div style="font-family:Consolas;white-space:pre">${lines.map((line) => `<div>${line}</div>`).join('')}</div>`,
    'a list in a named element': `<div class="dp-highlighter"><ol class="dp-py">${hard.map((line) => `<li>${line}</li>`).join('')}</ol></div>`,
    'a table with numbers': `<div class="syntaxhighlighter">${rows((i) => String(i + 1))}</div>`,
    'two columns of preformatted text': `<figure class="highlight"><table><tr><td class="gutter"><pre>1\n2\n3</pre></td><td class="code"><pre>${PROGRAM}</pre></td></tr></table></figure>`,
    'a list without any name': `<ol>${hard.map((line) => `<li>${line}</li>`).join('')}</ol>`,
    paragraphs: hard.map((line) => `<p>${line}</p>`).join(''),
    'lines with breaks': `<div>${hard.join('<br>')}</div>`,
    'a label before': `<p class="copy">复制代码</p><pre>${PROGRAM}</pre>`,
  };
  for (const [name, html] of Object.entries(pages)) assert.deepEqual(blocks(html), expected, name);
});

test('prose that is set like code is none', () => {
  const verse = '床前看月光\n疑是地上霜';
  assert.deepEqual(blocks(`<pre>${verse}</pre>`), [[verse, false]]);
  assert.deepEqual(blocks('<div class="source"><p>来源：本报</p><p>作者：某人</p></div>'), [
    ['来源：本报', false],
    ['作者：某人', false],
  ]);
  assert.deepEqual(
    blocks('<ol><li>&nbsp;先洗净豆子</li><li>&nbsp;再泡一夜</li><li>&nbsp;然后磨浆</li></ol>').length,
    3,
  );
});

test('code in a sentence stands between backticks', () => {
  assert.deepEqual(blocks('<p>用<code>print("你好")</code>输出，<code> </code>为空，<b>a</b>。</p>'), [
    ['用`print("你好")`输出， 为空，a。', false],
  ]);
  assert.deepEqual(blocks('<p>见<code>a`b</code></p>'), [['见a`b', false]]);
});

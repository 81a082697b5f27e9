import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertLinear } from '@tunan/page/testing/growth';
import fc from 'fast-check';
import { normalise } from './normalise.ts';

const normalised = (body: string) => normalise({ id: 'x#0', source: 's', title: '', body, meta: {} }).body;

function check(rows: readonly (readonly [string, string])[]): void {
  for (const [text, expected] of rows) {
    assert.equal(normalised(text), expected);
    assert.equal(normalised(expected), expected);
  }
}

const PROGRAM = [
  'function sum(rows) {',
  '    // 求和,不含表头',
  '    let total = 0;',
  '',
  '    for (const row of rows) total += row["金额"];',
  '\treturn total;',
  '}',
].join('\n');

test('code keeps its indentation, blank lines, quotes and marks, fenced or not', () => {
  const fenced = `\`\`\`js\n${PROGRAM}\n\n说明:"一行",两行\n\`\`\``;
  assert.equal(normalised(`先看,代码:\n\n${fenced}\n\n好了,结束。`), `先看，代码：\n${fenced}\n好了，结束。`);
  assert.equal(normalised(`先看,代码:\n\n${PROGRAM}\n\n好了,结束。`), `先看，代码：\n${PROGRAM}\n好了，结束。`);
  const script = 'print("你好,世界!") # 说明:一行\n{"姓名": "张三", "年龄": 18},\nlet x = `值(一)`;\nimport "fs";';
  assert.equal(normalised(script), script);
  assert.equal(normalised(`他说"好"。\n${script}`), `他说“好”。\n${script}`);
  assert.equal(normalised('```\n没有关上,对吗?'), '```\n没有关上，对吗？');
});

test('code, formulas and addresses in a sentence stay, the sentence around them does not', () => {
  check([
    ['用`a  b, "c"`,再试', '用`a  b, "c"`，再试'],
    ['写成 log.info("成功,返回", code) 即可,不难', '写成log.info("成功,返回", code)即可，不难'],
    ['先exclude("/login","/error"),好', '先exclude("/login","/error")，好'],
    ['属性 <img alt="图,一"> 与 id="主要,次要" 都行,对', '属性<img alt="图,一">与id="主要,次要"都行，对'],
    ['若\\(x, y\\)在$f(x, y) = 0$上,则', '若\\(x, y\\)在$f(x, y) = 0$上，则'],
    ['解得$$\n  x = 1, y = 2\n$$\n(证毕),好', '解得$$\n  x = 1, y = 2\n$$\n（证毕），好'],
    ['花了$5,他花了$10,都不多', '花了$5，他花了$10，都不多'],
    ['见 http://a.example/中文/页?x=1,2 ,谢谢', '见http://a.example/中文/页?x=1,2，谢谢'],
    ['见https://a.example/b?c=1,谢谢(好)', '见https://a.example/b?c=1，谢谢（好）'],
  ]);
});

test('emoji stay whole, other characters that nobody sees go', () => {
  const england = '🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}';
  const emoji = `👨\u200D👩\u200D👧\u200D👦❤\uFE0F🏳\uFE0F\u200D🌈👍🏽🇨🇳2\uFE0F\u20E3${england}👩🏾\u200D💻`;
  assert.equal(normalised(`好${emoji}啊`), `好${emoji}啊`);
  assert.equal(normalised('Java\u200BScript和\uFEFF汉\u200D字\uFE00\u{E0101}'), 'JavaScript和汉字');
});

test('digits, letters and marks of full width become ASCII where that changes no number', () => {
  check([
    ['圆周率３．１４，占１２．５％，见表２－１', '圆周率3.14，占12.5％，见表2-1'],
    ['访问ｗｗｗ．ａ．ｅｘａｍｐｌｅ或版本Ｖ２．０．１', '访问www.a.example或版本V2.0.1'],
    ['第３．２节。１２：３０开始，比分２：１', '第3.2节。12:30开始，比分2:1'],
    ['１．总则\n（２．附则', '1.总则\n（2.附则'],
    ['面积３５．其余不变', '面积35。其余不变'],
    ['Ｊ．Ｋ．罗琳用Ｃ＋＋和Ｃ＃', 'J.K.罗琳用C++和C#'],
    ['共1，234，567人，得5，000元', '共1,234,567人，得5,000元'],
    ['选1，200或3，5，第3，100页；他12。5号来', '选1，200或3，5，第3，100页；他12。5号来'],
    ['表1：3个村，步骤2：20分钟', '表1：3个村，步骤2：20分钟'],
  ]);
});

test('any text with code in it is the same after a second time, in time that grows with its length alone', () => {
  const unit = fc.constantFrom(
    ...'中a1 "\'`$#(){}<>=;:,.?/\\\n　０．，：',
    '```\n',
    'http://',
    '    x = f(1);\n',
    '// 注\n',
  );
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 30 }), (parts) => {
      const once = normalised(parts.join(''));
      assert.equal(normalised(once), once);
    }),
    { numRuns: 3000 },
  );
  for (const part of [
    '`',
    '```\n',
    '````\n```\n',
    '$',
    '\\(',
    'f("',
    '{"',
    '<a "',
    'a="',
    'a',
    'http://',
    '中 ',
    ' a',
    '"\n',
    '1，',
    '//\n',
  ]) {
    assertLinear(part, 40_000, normalised);
  }
});

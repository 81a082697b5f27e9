import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertLinear } from '@tunan/page/testing/growth';
import fc from 'fast-check';
import { normalise } from './normalise.ts';
import { widenMarks } from './punctuation.ts';

const normalised = (body: string) => normalise({ id: 'x#0', source: 's', title: '', body, meta: {} }).body;

test('brackets become Chinese in pairs or not at all', () => {
  for (const [text, expected] of [
    ['中国(China)经济', '中国（China）经济'],
    ['国内生产总值(GDP),又称', '国内生产总值（GDP），又称'],
    ['GDP(国内生产总值)增长', 'GDP（国内生产总值）增长'],
    ['中国(China) is large', '中国（China） is large'],
    ['(1)第一步;(2)第二步', '（1）第一步；（2）第二步'],
    ['他说(very (very) good)以后', '他说（very (very) good）以后'],
    ['注（见下)与(见上）', '注（见下）与（见上）'],
    ['函数f(x)返回g(y),其中', '函数f(x)返回g(y)，其中'],
    ['调用 open(path, mode)之后', '调用 open(path, mode)之后'],
    ['1)登录 2)注册', '1)登录 2)注册'],
    ['好的:)谢谢', '好的：)谢谢'],
    ['山色(一作\n“水色”\n)有无中', '山色（一作\n“水色”\n）有无中'],
  ] as const) {
    assert.equal(widenMarks(text), expected);
  }
});

test('marks beside Chinese become Chinese, those of numbers, addresses, English and code stay', () => {
  for (const [text, expected] of [
    ['会用C++,也会用C#.再说', '会用C++，也会用C#.再说'],
    ['涨了3.5,共10,000元', '涨了3.5，共10,000元'],
    ['v1.0:修复了错误;v1.1:完善', 'v1.0：修复了错误；v1.1：完善'],
    ['见https://a.example/b?c=1,谢谢', '见https://a.example/b?c=1，谢谢'],
    ['比分3:2,时间12:30!', '比分3:2，时间12:30!'],
    ['用std::vector和::操作符,a!=b不变:=号', '用std::vector和::操作符，a!=b不变:=号'],
    ['“Well,” he said, “it is (very) old.”说到这里', '“Well,” he said, “it is (very) old.”说到这里'],
    ['“Well,”他说', '“Well，”他说'],
  ] as const) {
    assert.equal(widenMarks(text), expected);
  }
});

test('a query behind a path in Chinese, a series with semicolons, ellipses, waves', () => {
  for (const [text, expected] of [
    ['打开/用户/资料?x=1看看', '打开/用户/资料?x=1看看'],
    ['甲股、乙股;C++、C#;x86_64。', '甲股、乙股；C++、C#；x86_64。'],
    ['Good morning, all! 大家早', 'Good morning, all! 大家早'],
    ['他说Good morning!大家早', '他说Good morning！大家早'],
    ['等一等。。。真的？？？！！', '等一等……真的？！'],
    ['好的。。走吧～', '好的。走吧～'],
    ['3〜5天', '3～5天'],
  ] as const) {
    assert.equal(normalised(text), expected);
  }
});

test('straight quotes pair within their line; one too many opens it, closes it, or mixes up nothing', () => {
  for (const [text, expected] of [
    ['他说"好"，她说"不"。', '他说“好”，她说“不”。'],
    ['屏幕5"大\n一\n二\n三\n四\n五\n六\n她说"不"。', '屏幕5"大\n一\n二\n三\n四\n五\n六\n她说“不”。'],
    ['"第一段。\n第二段。"', '“第一段。\n第二段。”'],
    ['"他说"好"。\n又一段', '“他说“好”。\n又一段'],
  ] as const) {
    assert.equal(normalised(text), expected);
  }
});

const units = fc.constantFrom(...'中山fx1 ()（），,:;!?！？：。"\'“”‘’…—=#/.、□\n𠀀');
const texts = fc.string({ unit: units, maxLength: 40 });

test('marks are widened where they stand, and twice is as once', () => {
  const narrow = (text: string) =>
    text.replace(/[，；：！？（）]/g, (mark) => ',;:!?()'['，；：！？（）'.indexOf(mark)]!);
  fc.assert(
    fc.property(texts, (text) => {
      const once = widenMarks(text);
      assert.equal(narrow(once), narrow(text));
      assert.equal(widenMarks(once), once);
    }),
    { numRuns: 3000 },
  );
});

test('normalise is idempotent, and brackets that pair in a line are of one width', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const once = normalised(text);
      assert.equal(normalised(once), once);
      if (/["'#/]/.test(once)) return; // may be code
      for (const line of once.split('\n')) {
        const open: string[] = [];
        for (const unit of line) {
          if (unit === '(' || unit === '（') open.push(unit);
          else if (unit === ')') assert.notEqual(open.pop(), '（', once);
          else if (unit === '）') assert.notEqual(open.pop(), '(', once);
        }
      }
    }),
    { numRuns: 3000 },
  );
});

test('marks are widened in time that grows with the length alone', () => {
  for (const unit of ['(', '()', '(中', ')', ', ', '"(', ':“', '\n(', '…', '(\n\n\n']) {
    assertLinear(unit, 200_000, widenMarks);
  }
});

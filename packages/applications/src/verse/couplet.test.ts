import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeAcrostic } from './acrostic.ts';
import { judgeCouplet } from './couplet.ts';
import { coupletGrammar } from './impose.ts';
import { rhymeBook } from './rhyme-book.ts';

const judge = (upper: string, lower: string, tones: 'last' | 'even' | 'off' = 'even') =>
  judgeCouplet(upper, lower, { book: rhymeBook('pingshui'), tones });

test('couplets that people know pass', () => {
  const known = [
    ['海内存知己', '天涯若比邻'],
    ['两个黄鹂鸣翠柳', '一行白鹭上青天'],
    ['天增岁月人增寿', '春满乾坤福满门'],
    ['风声雨声读书声，声声入耳', '家事国事天下事，事事关心'],
  ] as const;
  for (const [upper, lower] of known) {
    const judged = judge(upper, lower, lower.includes('，') ? 'last' : 'even');
    assert.ok(judged.passed, judged.message.zh);
  }
});

test('what is wrong is told', () => {
  assert.match(judge('海内存知己', '天涯若比邻居').message.zh, /上联 5 字，下联 6 字/);
  assert.match(judge('海内存知己', '海角若比邻').message.zh, /与上句重字：海/);
  assert.match(judge('天增岁月人增寿', '春满乾坤福到门').message.zh, /重复字位置不一致/);
  assert.match(judge('海内存知己', '天涯若比你').message.zh, /第 5 字“你”应为平声，与上联“己”相对/);
  assert.match(judge('风声雨声，声声入耳', '家事国事事事关心').message.en, /4\+4 characters, the lower 8/);
  assert.ok(judge('海内存知己', '天涯若比你', 'off').passed);
  assert.ok(!judge('海内存知己', '').passed);
});

test('an acrostic begins its lines with the characters', () => {
  assert.ok(judgeAcrostic('春夏', '春眠不觉晓，夏木阴阴', undefined).passed);
  assert.match(judgeAcrostic('春夏', '春眠不觉晓，冬去', undefined).message.zh, /第 2 句应以“夏”开头/);
  assert.match(judgeAcrostic('春夏', '春眠不觉晓，夏木', 5).message.zh, /第 2 句有 2 字，应为 5 字/);
  assert.match(judgeAcrostic('春夏秋', '春眠不觉晓', undefined).message.en, /3 lines are wanted, there are 1/);
});

test('where the upper line repeats a character, every line of the grammar does', () => {
  const book = rhymeBook('pingshui');
  for (const [upper, places] of [
    ['漠漠水田飞白鹭', [0, 1]],
    ['天增岁月人增寿', [1, 5]],
  ] as const) {
    let state = 0.1;
    const grammar = coupletGrammar(upper, { book, tones: 'even' }, () => (state = (state * 7.31 + 0.17) % 1));
    const lines = grammar.split('\n')[0]!.replace('root ::= ', '').split(' | ');
    assert.ok(lines.length > 5);
    for (const line of lines) {
      const [first, second] = places.map((place) => line.split(' ')[place]!);
      assert.match(first!, /^"\p{Script=Han}"$/u);
      assert.equal(first, second);
    }
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findDecidedPersonalData, findPersonalData, PERSONAL_DATA, type PersonalDataKind } from './index.ts';

const PIECES = [
  ...[
    '13812345678',
    '138 1234 5678',
    '010-82345678',
    '(010)8234-5678转123',
    '110101199003074610',
    '6222021234567890128',
    '５０００元',
  ],
  ...[
    'zhang.san@163.com',
    'li at qq dot com',
    'wang[at]126.com',
    'QQ：12345678',
    '微信号: abc_12345',
    '京A·12345',
    '护照号E12345678',
    '12345678',
  ],
  ...[
    '北京市海淀区中关村大街27号1101室',
    '家住朝阳区幸福路3号院2号楼',
    '地址：建国路88号5座302',
    '电话',
    '卡号：',
    '万元',
    '多人次',
    '个人',
    ' 次',
    '日',
    '车',
  ],
  ...[
    '今天天气很好',
    '，',
    '。',
    '\n',
    ' ',
    '、',
    ':',
    'the quick brown fox',
    'look at this',
    'dot',
    'ISBN 9787',
    '订单号',
    '2024年',
    '12',
    '3',
    '香港',
    '身份证',
    '一三八一二三四五六七八',
  ],
];
const texts = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join(''));

test('what stands before the undecided part of a text is found the same whatever comes', () => {
  const property = fc.property(
    texts,
    texts,
    fc.subarray([...PERSONAL_DATA], { minLength: 1 }),
    fc.nat(),
    (begun, rest, kinds, n) => {
      const whole = begun + rest;
      const cut = whole.slice(0, n % (whole.length + 1));
      const { found, border } = findDecidedPersonalData(cut, kinds);
      assert.deepEqual(
        found,
        findPersonalData(whole, kinds).filter(({ begin }) => begin < border),
        JSON.stringify([cut, whole.slice(cut.length)]),
      );
    },
  );
  fc.assert(property, { numRuns: 2000 });
});

const borderOf = (text: string, kinds: readonly PersonalDataKind[]) => findDecidedPersonalData(text, kinds).border;

test('a text without anything personal is held back by a word alone, and by a clause where addresses are looked for', () => {
  const others = PERSONAL_DATA.filter((kind) => kind !== 'address');
  assert.equal(borderOf('春眠不觉晓处处闻啼鸟', others), 10);
  assert.equal(borderOf('in 2024 the quick brown fox', others), 24);
  assert.equal(borderOf('春眠不觉晓，处处闻啼鸟', PERSONAL_DATA), 6);
  assert.equal(borderOf('春眠不觉晓，处处闻啼鸟。', PERSONAL_DATA), 12);
});

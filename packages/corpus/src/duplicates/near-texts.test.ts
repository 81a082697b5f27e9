// What nearly says what is held out is found; what shares an instruction with it, or is short, is not.
import assert from 'node:assert/strict';
import test from 'node:test';
import { NearTexts } from './near-texts.ts';

const signs = [...'天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈'];
/** Of its own for each number. */
function said(number: number, length = 60): string {
  let state = 1 + number;
  const draw = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state;
  };
  for (let i = 0; i < 8; i++) draw();
  return Array.from({ length }, () => signs[(draw() >> 8) % signs.length]).join('');
}
const ASKING = '请把下面这段古文逐句翻译成现代汉语，保持原意，不要添加原文没有的内容，也不要省略任何一句：';

test('one sign changed is nearly the same, another text behind the same instruction is not', () => {
  const held = Array.from({ length: 40 }, (_, number) => ASKING + said(number));
  const near = new NearTexts(held);
  for (const number of [0, 17, 39]) {
    const text = said(number);
    assert.ok(near.has(ASKING + text));
    assert.ok(near.has(`${ASKING}${text.slice(0, 30)}！${text.slice(31)}`), 'a sign changed');
    assert.ok(!near.has(ASKING + said(number + 100)), 'another text');
    assert.ok(!near.has(`${ASKING}${text.slice(0, 20)}${said(number + 100, 40)}`), 'a third of it');
  }
  assert.ok(!near.has(`${ASKING}天地`), 'too short to tell');
  assert.ok(!new NearTexts([]).has(said(1)));
});

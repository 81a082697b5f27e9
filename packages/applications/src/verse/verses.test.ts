import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRegular, parseQuatrain } from './verses.ts';

const SNOW = '千山鸟飞绝，万径人踪灭。\n孤舟蓑笠翁，独钓寒江雪。';
const SPRING = '春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。';
const SEVEN = '朝辞白帝彩云间，千里江陵一日还。两岸猿声啼不住，轻舟已过万重山。';

test('quatrains of five and of seven, with any verse mark', () => {
  assert.equal(parseQuatrain(SNOW).form, 'five');
  assert.equal(parseQuatrain(SEVEN).form, 'seven');
  assert.equal(parseQuatrain('红豆生南国\n春来发几枝？愿君多采撷；此物最相思！').form, 'five');
  assert.deepEqual(parseQuatrain(SNOW).verses[3], '独钓寒江雪');
});

test('what is no quatrain: verses of two lengths, too few, too many, other script', () => {
  assert.equal(parseQuatrain('千山鸟飞绝，万径人踪灭。孤舟蓑笠翁，独钓寒江上下雪。').form, undefined);
  assert.equal(parseQuatrain('千山鸟飞绝，万径人踪灭。孤舟蓑笠翁。').form, undefined);
  assert.equal(parseQuatrain(`${SNOW}\n千山鸟飞绝。`).form, undefined);
  assert.equal(parseQuatrain('千山鸟飞绝，万径人踪灭。孤舟蓑笠翁，abcde。').form, undefined);
  assert.equal(parseQuatrain('千山鸟飞绝，万径人踪灭。孤舟蓑笠翁，独钓寒江\uFFFD。').form, undefined);
  assert.deepEqual(parseQuatrain(''), { form: undefined, verses: [] });
});

test('regular form: four or eight verses of five or seven, behind a title', () => {
  assert.ok(isRegular(`江雪\n${SNOW}`) && isRegular(`早发白帝城\n${SEVEN}`));
  assert.ok(isRegular(`两首\n${SNOW}\n${SPRING}`));
  assert.ok(!isRegular(SNOW.slice(0, 12)), 'half of it, without a title');
  assert.ok(!isRegular(`江雪\n${SNOW}\n千山鸟飞绝，万径人踪灭。`), 'six verses');
  assert.ok(!isRegular(`江雪\n${SNOW.replace('翁', '老翁')}`));
  assert.ok(!isRegular('江雪'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPage } from './read-page.ts';

const texts = (html: string): string[] => readPage(html).blocks.map(({ text }) => text);

test('a table of data is read row by row', () => {
  const table =
    '<table><caption>用料</caption><thead><tr><th>名称<th>用量<th>说明</thead><tr><td>黄豆<td>500克<td>新豆' +
    '<tr><td>水<td><td>井水<br>或自来水</table>后';
  assert.deepEqual(texts(table), ['用料', '名称 | 用量 | 说明', '黄豆 | 500克 | 新豆', '水 |  | 井水 或自来水', '后']);
});

test('cells that cover others leave them empty, so that columns stay', () => {
  const table = '<table><tr><td rowspan=2>甲<td>一<td>二<tr><td>三<td>四<tr><td colspan=2>乙<td>五</table>';
  assert.deepEqual(texts(table), ['甲 | 一 | 二', '| 三 | 四', '乙 |  | 五']);
});

test('tables that lay out a page keep their lines', () => {
  const long = '豆子要选新豆，水要用井水，点卤全凭手上的感觉，急不得。'.repeat(10);
  for (const table of [
    '<table><tr><td>题目<tr><td>作者<tr><td>正文</table>',
    '<table><tr><td>左<td>右</table>',
    '<table><tr><td><a href=1>甲</a><td><a href=2>乙</a><tr><td><a href=3>丙</a><td><a href=4>丁</a></table>',
    '<table><tr><td>姓名<td><input><td>栏<tr><td>电话<td><input><td>栏</table>',
    `<table><tr><td>楼主<td>${long}<tr><td>网友<td>${long}</table>`,
    '<table><tr><td>甲<td><table><tr><td>一<tr><td>二</table><tr><td>乙<td>丙</table>',
  ])
    assert.ok(!texts(table).some((text) => text.includes(' | ')), table);
});

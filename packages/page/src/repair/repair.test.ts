import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MISSING } from '../missing.ts';
import { isRejection } from '../rejection.ts';
import { carelesslyDecoded, decoded, gbkOf, narrowed } from '../testing/gbk-damage.ts';
import { type RepairedText, repairText } from './repair.ts';

const ARTICLE = [
  '市气象台昨天下午发布消息，受冷空气影响，未来三天全市气温将下降八到十度，山区有小雪。',
  '“最近出门要多穿一件衣服。”住在河边的王师傅说，他每天早上六点出车，路上的车比去年少了一些。',
  '记者在菜市场看到，白菜和萝卜的价格都比上周便宜，买菜的人却不多！为什么？因为大家都在等周末的集市。',
  '专家提醒，老人和孩子要注意保暖，出行前先看天气预报；开车的人要检查轮胎和刹车，雪天慢行。',
].join('\n');

function mended(body: string): RepairedText {
  const result = repairText(body);
  assert.ok(!isRejection(result), JSON.stringify(result));
  return result;
}

function reasonOf(body: string): string | undefined {
  const result = repairText(body);
  return isRejection(result) ? result.reason : undefined;
}

test('undamaged text passes as the same object, without a mark', () => {
  for (const text of [
    ARTICLE,
    '什么?!他说不可能!!你再说一遍?',
    '栈(stack)和堆(heap)，蒯（kuǎi）姓，饕餮（tāo tiè）。',
    '写 &#60; 表示小于号，&amp; 表示和号。',
    'Résumé of the café: naïve façade.',
    '他喜欢看澳门的赌场新闻，也买彩票。',
    '鱼部的字有鲂、鲃、鲅、鲇、鲊、鲌、鲏、鲐、鲑、鲔、鲕、鲗、鲙、鲚、鲛、鲞、鲟、鲠、鲡、鲣、鲥、鲦、鲨、鲩、鲫、鲭、鲮。',
    '檐下有鸺鹠一双，夜闻窸窣之声，晨见挏醷满瓮。',
    '这位歌手日语写作ダニエル・パウター，俄语写作Даниэль Паутер，你听过吗？',
    '残碑首行云：□□元年□月，沙门□□建此塔，余皆漫漶。',
    '你说什么????我没听清啊??????',
  ]) {
    assert.deepEqual(repairText(text), { title: '', body: text, repaired: [] });
  }
});

test('character references of every spelling come back', () => {
  const escaped = [...'气温将下降'].map((c) => `&#${c.codePointAt(0)};`).join('');
  assert.equal(mended(`未来三天${escaped}八度`).body, '未来三天气温将下降八度');
  assert.equal(mended(`未来&amp;#19977;天&#x6C14&#28201;`).body, '未来三天气温');
  assert.equal(mended('&#31532;&#19968;&#34892;&#60;p&#62;').body, '第一行<p>');
  assert.equal(mended('天气&nbsp;预报&ldquo;晴&rdquo;').body, '天气 预报“晴”');
  assert.equal(mended(String.raw`标题\u5929\u6c14\u9884\u62a5`).body, '标题天气预报');
});

test('pinyin that a spinner inserted goes, an author’s reading stays', () => {
  assert.equal(mended('效應(yīng)明顯，設(shè)計(jì)合理。').body, '效應明顯，設計合理。');
  assert.equal(mended('這（zhè）個（gè）問題').body, '這個問題');
});

test('readings of polyphones, of rare characters, of every character and of lists stay', () => {
  for (const text of [
    '多音字练习：行(háng)列，行(xíng)走；长(cháng)短，生长(zhǎng)；教(jiāo)书，教(jiào)室；好(hǎo)人，爱好(hào)。',
    '草长（zhǎng）莺飞，散（sàn）学归来，放纸鸢（yuān）。',
    '山（shān）水（shuǐ）人（rén）天（tiān）日（rì）月（yuè）\n今天我们学习这六个字，请同学们打开课本，跟着老师读三遍。',
    '踱(duó)步、静谧(mì)、憋(biē)闷、匿(nì)名，都是这一课要会写的词，别的字大家已经学过。',
  ]) {
    assert.equal(mended(text).body, text);
  }
});

test('readings that stand between the bytes of characters go, and the characters come back', () => {
  const text = '因為中國的學生們都在學習這個領域的新知識，所以老師每天都要給大家講一個小時。';
  const bytes = gbkOf(text);
  // Inside 為, behind 國, inside 習.
  for (const [place, reading] of [
    [31, 'xí'],
    [8, 'guó'],
    [3, 'yàn'],
  ] as const) {
    bytes.splice(place, 0, ...gbkOf(`(${reading})`));
  }
  const shown = carelesslyDecoded(bytes);
  assert.match(shown, /^因\?yàn\)/);
  const { body, repaired } = mended(shown);
  assert.equal(body, text);
  assert.ok(repaired.includes('broken-marks'));
});

test('what is left of a tag goes, and the marks before it come back', () => {
  assert.equal(mended('“我们明天再去看看?!?/p>\n大家都同意了?/p>').body, '“我们明天再去看看。”\n大家都同意了□');
  assert.equal(mended('山上的雪，今年来得早?/p>\n路上没有人。').body, '山上的雪，今年来得早。\n路上没有人。');
});

test('a mark of a lost character is □, and a digit that went with a byte is not passed over', () => {
  assert.equal(mended('这条路修了三年，\uFFFD共花了两千万。').body, '这条路修了三年，□共花了两千万。');
  const bytes = gbkOf('山区的气温到明天早上会下降到18度，还有小雪，路上的车比去年少了一些，开车的人要检查轮胎和刹车。');
  bytes.splice(5, 1);
  assert.equal(
    mended(`${carelesslyDecoded(bytes)}\n${ARTICLE}`).body.split('\n')[0],
    '山区的气温到明天早上会下降□□8度，还有小雪，路上的车比去年少了一些，开车的人要检查轮胎和刹车。',
  );
});

test('behind the article of a damaged page its site’s furniture goes; a sound page keeps all it has', () => {
  const tail = [
    '上一篇：小镇上的三家书店',
    '热点话题',
    '城里的河边新开了一条步道，周末人很多',
    '相关热词搜索：气象 冷空气',
    `下一篇：${'雪天出门要注意的几件小事，'.repeat(8)}`,
    'Hi',
  ].join('\n');
  assert.equal(mended(`${ARTICLE}\n${tail}`).body, `${ARTICLE}\n${tail}`);
  const spun = ARTICLE.replace('气象', '氣(qì)象').replace('未来', '未來(lái)');
  const { body, repaired } = mended(`Hi\n？\n${spun}\n${tail}`);
  assert.equal(body, ARTICLE.replace('气象', '氣象').replace('未来', '未來'));
  assert.deepEqual(repaired, ['pinyin', 'page-furniture']);
});

test('many wounds at once: script, readings, halves, keywords before, furniture and keywords behind', () => {
  const line = (text: string) => decoded(narrowed(text), 'gbk');
  const clean = '他說。“我也不知道自己到底說什麼。”這個問題，國內學者研究了三年。';
  const spun = line(clean).replace('問題', '問(wèn)題(tí)').replace('學者', '學(xué)者').replace('國內', '國(guó)內');
  const spam = '亚洲无码在线,国产精品一区二区,成人视频免费看,人妻熟女,日韩精品一区三区,黄色视频网站';
  const page = [spam, spun, ARTICLE, '热门推荐', '一条老街的早晨', '下一篇：没有了', spam].join('\n');
  // Its own comma was narrowed too.
  assert.equal(mended(page).body, `${clean.replace('，', ',')}\n${ARTICLE}`);
});

test('wrong charsets are undone, on each line for itself, and twice', () => {
  const utf8 = Buffer.from(ARTICLE);
  assert.equal(mended(decoded(utf8, 'windows-1252')).body, ARTICLE);
  assert.equal(mended(utf8.toString('latin1')).body, ARTICLE);
  assert.equal(mended(decoded(Buffer.from(decoded(utf8, 'windows-1252')), 'windows-1252')).body, ARTICLE);
  assert.equal(mended(decoded(Uint8Array.from(gbkOf(ARTICLE)), 'windows-1252')).body, ARTICLE);
  const [first, ...rest] = ARTICLE.split('\n');
  const partly = mended([decoded(Buffer.from(first!), 'gbk'), ...rest].join('\n'));
  assert.equal(partly.body.split('\n').slice(1).join('\n'), rest.join('\n'));
  assert.ok(partly.body.startsWith(first!.slice(0, -1)), partly.body);
  assert.deepEqual(partly.repaired, ['charset']);
});

test('characters that a converter cut in half are put together again', () => {
  const line = '他说。“我也不知道自己到底说什么。”《小说》是常谅写的。';
  const shown = decoded(narrowed(line), 'gbk');
  assert.notEqual(shown, line);
  assert.equal(mended(shown).body, line);
  assert.deepEqual(mended(shown).repaired, ['cut-characters']);
});

test('a dropped byte costs one character at most', () => {
  const bytes = gbkOf(ARTICLE.split('\n')[0]!);
  bytes.splice(21, 1);
  const { body } = mended(decoded(Uint8Array.from(bytes), 'gbk'));
  const line = ARTICLE.split('\n')[0]!;
  assert.equal(body.length, line.length);
  assert.ok([...body].filter((c, i) => c !== line[i]).length <= 1, body);
});

test('private-use characters: known ones come back, lost ones are marked, bullets go', () => {
  assert.equal(mended('刘\uE863是南汉的皇帝。').body, '刘䶮是南汉的皇帝。');
  assert.equal(mended('尚书右仆射何\uE000拟诏书以进。').body, `尚书右仆射何${MISSING}拟诏书以进。`);
  assert.equal(mended('\uE004第一点，天气。\uE004').body, '第一点，天气。');
  assert.equal(
    mended('五子：璇、\uE44C、璞，皆有名于时，其后匈奴十余万骑入朝\uE1E0、肤施，烧其宫室，边人震恐。').body,
    '五子：璇、□、璞，皆有名于时，其后匈奴十余万骑入朝□、肤施，烧其宫室，边人震恐。',
  );
  assert.equal(mended('围挡不得低于2\uE0105米，宽3\uF02E5米。').body, '围挡不得低于2□5米，宽3.5米。');
  assert.equal(mended('全新功能\uF06C心率监测\uF06C').body, '全新功能 心率监测');
});

test('letters between two wrong charsets are no text of their own', () => {
  const shown = decoded(Buffer.from(Buffer.from(ARTICLE).toString('latin1')), 'gbk');
  assert.match(shown, /^[^市]+$/);
  assert.equal(mended(shown).body, ARTICLE);
});

test('pinyin inside mojibake goes as well', () => {
  const shown = decoded(Buffer.from(`效應(yīng)明顯，設(shè)計(jì)合理。\n${ARTICLE}`), 'windows-1252');
  assert.equal(mended(shown).body, `效應明顯，設計合理。\n${ARTICLE}`);
});

test('short lines and the title follow what the other lines have shown', () => {
  const text = `${ARTICLE}\n完\n（记者 白文）`;
  const { body } = mended(decoded(Uint8Array.from(gbkOf(text)), 'big5'));
  assert.equal(body, text);
  const shown = (line: string) => decoded(Uint8Array.from(gbkOf(line)), 'big5');
  const result = repairText(shown(ARTICLE), shown('共犯合谋'));
  assert.ok(!isRejection(result));
  assert.equal(result.title, '共犯合谋');
  // Without the other lines it could be names.
  assert.equal(mended(shown('共犯合谋')).body, shown('共犯合谋'));
});

test('a lost byte is guessed among characters of the script that the text has', () => {
  const list = ['第1章 起程', '第2章 渡河', '第3章 投店', '第12章 登楼'].join('\n');
  assert.equal(mended(decoded(Buffer.from(list), 'gbk')).body, list);
});

test('injected keywords go from before and after the article, its own words stay', () => {
  const spam = '澳门葡京官网|北京赛车pk10|时时彩平台|老虎机|百家乐|六合彩特码';
  assert.equal(mended(`${spam}\n${ARTICLE}`).body, ARTICLE);
  assert.equal(mended(`${ARTICLE}\n${spam}\n${spam}`).body, ARTICLE);
  assert.equal(mended(`${spam} ${ARTICLE}`).body, ARTICLE);
  assert.equal(mended(`${ARTICLE}${spam}`).body, ARTICLE);
  assert.deepEqual(mended(`${ARTICLE}\n${spam}`).repaired, ['injected-spam']);
  const joined = '百家乐-老虎机-六合彩-时时彩-葡京-博彩-小额贷款当天放款';
  const kept = mended(`${joined}市气象台发布消息，未来三天全市气温将下降八到十度。\n${ARTICLE}`).body;
  assert.match(kept, /^(当天放款)?市气象台发布消息/);
});

test('what cannot be mended is rejected with its reason', () => {
  const bytes = Uint8Array.from(gbkOf(ARTICLE));
  assert.equal(reasonOf(decoded(bytes, 'utf-8')), 'lost-characters');
  assert.equal(reasonOf(decoded(Buffer.from(decoded(bytes, 'utf-8')), 'gbk')), 'lost-characters');
  assert.equal(reasonOf(ARTICLE.replace(/[^\n]/g, '?')), 'lost-characters');
  // A decoder of GB 2312 before Traditional characters of GBK.
  assert.equal(reasonOf('企?I信心保持不?，?u造?I及服??I反映，日?A疲弱?淼耐?p害利?。'), 'lost-characters');
  assert.match(reasonOf('堀徠鷙豇儇鼉鬻齙癟麴鼴鷥鱘齶鸛鱷鼷齔黼鼗龠鼬齷鼢黿'.repeat(4)) ?? '', /^garbled$|^lost-/);
});

test('any text is mended, rejected or passed, and mended text is left alone the second time', () => {
  const characters = fc.constantFrom(...'的一是气温，。“”?!A1 \n\0&#;(yī)锟斤拷鐨勬\uFFFD\uE000Ã¦\u00a0ぃ艇');
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 80 }), (text) => {
      const once = repairText(text);
      if (isRejection(once)) return;
      assert.ok(once.body.length <= 2 * text.length + 8);
    }),
  );
});

/** Pages with two or three wounds at once: one that is plain to see makes the signs of another enough, that alone could be an author's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRejection } from '../rejection.ts';
import { carelesslyDecoded, decoded, gbkOf } from '../testing/gbk-damage.ts';
import { repairText } from './repair.ts';

const SPAM = '亚洲无码在线,国产精品一区二区,成人视频免费看,人妻熟女,日韩精品一区三区,黄色视频网站';
const ARTICLE = [
  '图书馆上个月换了新的书架，借书的人一天比一天多，管理员说周末常常要排队。',
  '住在对面的老人每天早上来看报纸，他说这里安静，冬天也暖和。',
].join('\n');

function mended(body: string): string {
  const result = repairText(body);
  assert.ok(!isRejection(result), JSON.stringify(result));
  return result.body;
}

test('a single reading goes from a page with injected keywords, and stays on a sound one', () => {
  for (const [text, spun] of [
    ['周末常常要', '周末(mò)常常要'],
    ['安静', '安静（jìng）'],
    ['他说这里', '他说(shuō)这里'],
    ['新的书架', '新的(de)书架'],
  ] as const) {
    const page = ARTICLE.replace(text, spun);
    assert.equal(mended(page), page);
    assert.equal(mended(`${SPAM}\n${page}`), ARTICLE);
  }
});

test('readings of rare characters stay on a page with injected keywords', () => {
  const page = ARTICLE.replace('老人', '蒯（kuǎi）老人');
  assert.equal(mended(`${SPAM}\n${page}`), page);
});

const SPUN = '這個問(wèn)題，學(xué)者研究了三年，國(guó)內還沒有人說得清楚。';
const CLEAN = '這個問題，學者研究了三年，國內還沒有人說得清楚。';

test('a reading that lost a byte of its vowel or its bracket goes with the others', () => {
  const whole = '他每天(tiān)早上去看(kàn)報紙（zhǐ），回來再吃飯。';
  for (const [reading, lost] of [
    ['kàn', 1],
    ['kàn', 2],
    ['tiān', 2],
    ['（zhǐ', 0],
    ['（zhǐ', 1],
  ] as const) {
    const bytes = gbkOf(whole);
    bytes.splice(gbkOf(whole.slice(0, whole.indexOf(reading))).length + lost, 1);
    const shown = carelesslyDecoded(bytes);
    assert.notEqual(shown, whole);
    assert.equal(mended(`${SPUN}\n${shown}`), `${CLEAN}\n他每天早上去看報紙，回來再吃飯。`, shown);
  }
});

test('a reading without a tone whose bracket went with a byte is a reading where others are', () => {
  const shown = `${SPUN}\n新?de)書架到了，借書的人一天比一天多。`;
  assert.equal(mended(shown), `${CLEAN}\n新□書架到了，借書的人一天比一天多。`);
});

test('a reading whose vowel is lost leaves nothing behind', () => {
  assert.equal(mended(`${SPUN}\n到了2019年(ni\uFFFDn)底，借書的人更多。`), `${CLEAN}\n到了2019年底，借書的人更多。`);
});

test('halves behind a narrowed mark come back where they look like letters of full width', () => {
  const text = '這件事要暫停。證據都在這裡了，請你們看清楚。';
  const bytes = gbkOf(text);
  // 停 ends in A3, 。 begins with A1: a careless converter makes ! of them.
  bytes.splice(11, 2, 0x21);
  const shown = carelesslyDecoded(bytes);
  assert.match(shown, /^這件事要暫\?!ＷC據/);
  assert.match(mended(shown), /^這件事要暫[停□]。證據都在這裡了，請你們看清楚。$/);
});

test('a short run of halves is put together on a page that shows other damage', () => {
  const line = '他抬頭看見一個人向我走來，隨即我就感到自己的手被鉗住了。';
  // The first byte of 就: the run ends at the second letter of 鉗.
  const bytes = gbkOf(line).toSpliced(32, 1);
  const shown = carelesslyDecoded(bytes);
  assert.equal(mended(`${SPAM}\n${ARTICLE}\n${shown}`).split('\n').at(-1), line);
});

test('of a character that lost its second byte no other is made that ends in its first', () => {
  // ， is A3 AC, and 。 ends in A3.
  const line = '山上的小路已經修好了，老師帶著學生走了一個上午。';
  const shown = carelesslyDecoded(gbkOf(line).toSpliced(21, 1));
  assert.match(
    mended(`${SPAM}\n${ARTICLE}\n${shown}`).split('\n').at(-1)!,
    /^山上的小路已經修好了[，□]老師帶著學生走了一個上午。$/,
  );
});

test('behind a list of titles without a sentence the furniture of a site goes too', () => {
  const titles = ['山区小学的新教室', '一条老街的早晨', '秋天的果园', '渡口的摆渡人', '北方的雪', '河边的旧书店'];
  const tail = ['热点话题', '手机电池不耐用', '上一篇：没有了', '返回首页', '最新文章', '查看更多'];
  const list = titles.join('\n');
  assert.equal(mended(`${SPAM}\n${list}\n${tail.join('\n')}`), list);
  assert.equal(mended(`${list}\n${tail.join('\n')}`), `${list}\n${tail.join('\n')}`);
});

test('keywords go from between an article and the furniture of its site, and the furniture with them', () => {
  const titles = ['山区小学的新教室', '一条老街的早晨', '秋天的果园', '渡口的摆渡人', '北方的雪', '河边的旧书店'].join(
    '\n',
  );
  // Most of the words are unknown, so that only a place at the end shows what the line is.
  const keywords = '金沙国际娱乐场，足球投注app，快三大小单双计划，哪里可以问到，办理毕业手续，私家侦探收费，旧书上门';
  assert.equal(mended(`${titles}\n${keywords}\n热点话题\n手机电池不耐用\n返回首页`), titles);
  assert.equal(
    mended(`${titles}\n热点话题\n手机电池不耐用\n返回首页`),
    `${titles}\n热点话题\n手机电池不耐用\n返回首页`,
  );
});

test('marks that stood as references among mistaken letters are no bytes', () => {
  const text = '住在“对面”的老人每天早上来看报纸，他说：“这里安静……冬天也暖和”——管理员也这样说。';
  const references = text.replace(/[“”—…]/g, (mark) => `&#${mark.charCodeAt(0)};`);
  const shown = decoded(Buffer.from(references), 'windows-1252');
  assert.equal(mended(shown), text);
});

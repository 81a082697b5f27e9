/** PDF as text in reading order: lines joined, columns, tables, heads and feet of pages, and files without text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlacedText, pdfOf } from '../testing/make-pdf.ts';
import { Unreadable } from '../unreadable.ts';
import { joinLines } from './paragraphs.ts';
import { readPdf } from './read-pdf.ts';

/** Lines below each other from a height. */
function lines(texts: readonly string[], x: number, top: number, size = 12): PlacedText[] {
  return texts.map((text, at) => ({ text, x, y: top - at * 1.5 * size, size }));
}

/** Sentences without a repeat, cut to lines of `width` characters, the first indented by two. */
function set(text: string, width: number): string[] {
  const indented = `\u3000\u3000${text}`;
  return Array.from({ length: Math.ceil(indented.length / width) }, (_, at) =>
    indented.slice(at * width, (at + 1) * width),
  );
}

const first =
  '清晨的集市上人来人往，卖菜的老人把新摘的豆角摆成一排，旁边的孩子数着竹篮里的鸡蛋。大家说今年雨水好，收成也好，于是早早回家准备过节。';
const second =
  '入夜以后，河面上点起了灯，船工们一边收网一边唱着旧时的号子，岸上的人听得入神，直到月亮升到塔顶才慢慢散去，只留下几盏灯还亮着。';
const third =
  '次日一早，镇上的学堂开了门，先生领着学生在院中诵读，声音传过石桥，连桥下洗衣的妇人也停下手来，跟着轻轻念了几句，然后又低头忙碌。';

test('lines become paragraphs, across pages too; heads, numbers of pages and watermarks go', async () => {
  const body = set(first + second, 36);
  const page = (number: number, texts: PlacedText[]): PlacedText[] => [
    { text: '某某公司内部资料', x: 240, y: 800, size: 9 },
    ...texts,
    { text: '样稿请勿外传', x: 200, y: 300, size: 40, turned: 45 },
    { text: `第 ${number} 页`, x: 280, y: 40, size: 9 },
  ];
  const pages = [
    page(1, [{ text: '管理办法', x: 230, y: 760, size: 20 }, ...lines(body.slice(0, 2), 80, 700)]),
    page(2, lines(body.slice(2), 80, 760)),
    page(3, lines(set(third, 36), 80, 760)),
  ];
  assert.deepEqual(await readPdf(pdfOf(pages)), {
    text: `# 管理办法\n\n${first}${second}\n\n${third}`,
    pages: 3,
  });
});

test('two columns are read one after the other, what goes across before them', async () => {
  const across = { text: '集市与河灯的故事以及学堂里的读书声声入耳来', x: 120, y: 780, size: 16 };
  const page = [across, ...lines(set(first, 18), 60, 740), ...lines(set(second, 18), 320, 740)];
  const { text } = await readPdf(pdfOf([page]));
  assert.equal(text, `# ${across.text}\n\n${first}\n\n${second}`);
});

test('a table is rows; a bold character that is drawn twice is read once', async () => {
  const row = (cells: readonly string[], y: number) => cells.map((text, at) => ({ text, x: 80 + 130 * at, y }));
  const page = [
    ...lines(set(first, 36), 80, 760),
    ...row(['姓名', '部门', '金额'], 600),
    ...row(['张三', '研发', '1,200'], 580),
    ...row(['李四', '市场', '980'], 560),
    { text: '合计见附表', x: 80, y: 500 },
    { text: '合计见附表', x: 80.4, y: 500 },
  ];
  const { text } = await readPdf(pdfOf([page]));
  assert.equal(text, `${first}\n\n姓名 | 部门 | 金额\n张三 | 研发 | 1,200\n李四 | 市场 | 980\n\n合计见附表`);
});

test('pages without text, a password and damage are said', async () => {
  const reasonOf = (bytes: Uint8Array) =>
    readPdf(bytes).then(
      () => 'read',
      (error: unknown) => (error instanceof Unreadable ? error.reason : Promise.reject(error)),
    );
  const page = lines(set(first, 36), 80, 760);
  assert.equal(await reasonOf(pdfOf([[], []])), 'scanned-document');
  assert.equal(await reasonOf(pdfOf([page], { encrypted: true })), 'encrypted');
  assert.equal(await reasonOf(Buffer.from('%PDF-1.4\nnothing')), 'damaged-document');
  assert.equal(
    await reasonOf(pdfOf([[{ text: '\uE001\uE002\uE003\uE004\uE005\uE006\uE007\uE008', x: 80, y: 700 }]])),
    'characters-unknown',
  );
});

test('words that a line parts are joined', () => {
  assert.equal(joinLines('ex-', 'isting'), 'existing');
  assert.equal(joinLines('two', 'words'), 'two words');
  assert.equal(joinLines('用', 'Python 写'), '用Python 写');
});

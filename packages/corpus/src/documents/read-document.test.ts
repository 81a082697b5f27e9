/** Word, Excel, PowerPoint and books as text in reading order, and files that cannot be read with their reasons. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import iconv from 'iconv-lite';
import { readDocument } from './read-document.ts';
import {
  bookOf,
  paragraph,
  presentationOf,
  rowsOf,
  shape,
  wordOf,
  workbookOf,
  zipOf,
} from './testing/make-documents.ts';
import { Unreadable } from './unreadable.ts';
import { readWorkbookRows } from './workbook-rows.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-documents 文档-'));
after(() => rmSync(folder, { recursive: true }));
let serial = 0;

function written(content: Uint8Array | string, name = 'document'): string {
  const path = join(folder, `${serial++} ${name}`);
  writeFileSync(path, content);
  return path;
}

async function textOf(content: Uint8Array | string): Promise<string> {
  return (await readDocument(written(content))).text;
}

async function reasonOf(content: Uint8Array | string): Promise<string> {
  try {
    await readDocument(written(content));
    return 'read';
  } catch (error) {
    if (error instanceof Unreadable) return error.reason;
    throw error;
  }
}

const styles = `
  <w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>
  <w:style w:styleId="mine"><w:name w:val="我的标题"/><w:basedOn w:val="1"/></w:style>
  <w:style w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>`;
const level = (depth: number, format: string, text: string) =>
  `<w:lvl w:ilvl="${depth}"><w:start w:val="1"/><w:numFmt w:val="${format}"/><w:lvlText w:val="${text}"/></w:lvl>`;
const numbering = `
  <w:abstractNum w:abstractNumId="7">${level(0, 'chineseCounting', '第%1条')}${level(1, 'chineseCounting', '（%2）')}${level(2, 'decimal', '%3.')}</w:abstractNum>
  <w:abstractNum w:abstractNumId="8">${level(0, 'bullet', '•')}</w:abstractNum>
  <w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num>`;
const numbered = (list: number, depth = 0) => `<w:numPr><w:ilvl w:val="${depth}"/><w:numId w:val="${list}"/></w:numPr>`;

test('Word: headings by style, numbers as they are shown, tables in rows, notes after their paragraph', async () => {
  const cell = (text: string, form = '') => `<w:tc><w:tcPr>${form}</w:tcPr>${paragraph(text)}</w:tc>`;
  const note = '<w:r><w:footnoteReference w:id="2"/></w:r>';
  const body = [
    paragraph('目　录', '<w:pStyle w:val="TOC1"/>'),
    paragraph('总则 &amp; 附则', '<w:pStyle w:val="mine"/>'),
    paragraph('为加强管理，制定本办法。', numbered(1)),
    paragraph('适用于全体员工；', numbered(1, 1)),
    paragraph('不适用于外包人员。', numbered(1, 1)),
    paragraph('本办法自发布之日起施行。', numbered(1)),
    paragraph('另行通知', numbered(2)),
    `<w:p><w:r><w:t>数据来自年报</w:t></w:r>${note}<w:r><w:t>。</w:t></w:r></w:p>`,
    `<w:tbl><w:tr>${cell('部门', '')}${cell('姓名')}${cell('金额')}</w:tr><w:tr>${cell('研发部', '<w:vMerge w:val="restart"/>')}${cell('张三')}${cell('1,200')}</w:tr><w:tr>${cell('', '<w:vMerge/>')}${cell('李四')}${cell('980')}</w:tr></w:tbl>`,
    `<w:p><w:del><w:r><w:delText>删去</w:delText></w:r></w:del><w:ins><w:r><w:t>留下</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>隐藏</w:t></w:r><w:r><w:fldChar/><w:instrText>PAGE</w:instrText><w:tab/><w:t>后</w:t></w:r></w:p>`,
    `<w:p><mc:AlternateContent><mc:Choice><w:r><w:txbxContent>${paragraph('框内')}</w:txbxContent></w:r></mc:Choice><mc:Fallback>${paragraph('框内')}</mc:Fallback></mc:AlternateContent><w:r><w:t>框外</w:t></w:r></w:p>`,
    '<w:p><m:oMath><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></m:oMath></w:p>',
  ].join('');
  const footnotes = `<w:footnote w:id="0" w:type="separator">${paragraph('线')}</w:footnote><w:footnote w:id="2">${paragraph('见附录三。')}</w:footnote>`;
  assert.equal(
    await textOf(wordOf(body, { styles, numbering, footnotes, macros: new Uint8Array(99) })),
    [
      '# 总则 & 附则',
      '第一条 为加强管理，制定本办法。\n  （一）适用于全体员工；\n  （二）不适用于外包人员。\n第二条 本办法自发布之日起施行。\n- 另行通知',
      '数据来自年报[^1]。',
      '[^1]: 见附录三。',
      '部门 | 姓名 | 金额\n研发部 | 张三 | 1,200\n研发部 | 李四 | 980',
      '留下\t后',
      '框外',
      '框内',
      '$\\frac{a}{2}$',
    ].join('\n\n'),
  );
});

test('Excel: cells as they are shown, hidden sheets left out, gaps between tables; rows as records', async () => {
  const texts = ['<t>日期</t>', '<r><t>完成</t></r><r><t>率</t></r><rPh><t>ワン</t></rPh>', '<t>金额（元）</t>'];
  const xfs = [0, 14, 9, 165].map((id) => `<xf numFmtId="${id}"/>`).join('');
  const numFmts = '<numFmts><numFmt numFmtId="165" formatCode="#,##0.00&quot;元&quot;"/></numFmts>';
  const sheet = [
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="D1" t="s"><v>2</v></c></row>',
    '<row r="2"><c r="A2" s="1"><v>45292</v></c><c r="B2" s="2"><v>0.256</v></c><c r="D2" s="3"><f>1+1</f><v>1234.5</v></c></row>',
    '<row r="4"><c r="A4"><v>0.30000000000000004</v></c><c r="B4" t="e"><v>#REF!</v></c></row>',
  ].join('');
  const book = workbookOf(
    { 一月: sheet, 底稿: rowsOf([['藏']]), 说明: rowsOf([['备注'], ['无']]) },
    { texts, styles: `${numFmts}<cellXfs>${xfs}</cellXfs>`, hidden: ['底稿'] },
  );
  assert.deepEqual(await readDocument(written(book)), {
    format: 'xlsx',
    title: '',
    author: '',
    pages: 2,
    text: '## 一月\n\n日期 | 完成率 | 金额（元）\n2024/1/1 | 26% | 1,234.50元\n\n0.3\n\n## 说明\n\n备注\n无',
  });
  const { rows } = await readWorkbookRows(written(book), { sheet: '一月' });
  assert.deepEqual(rows[0], {
    sheet: '一月',
    row: 2,
    record: { 日期: '2024/1/1', 完成率: '26%', '金额（元）': '1,234.50元' },
  });
});

test('PowerPoint: slides in order with titles, levels, tables and notes; furniture and hidden slides left out', async () => {
  const table = `<a:tbl>${[
    ['季度', '收入'],
    ['一', '三百万'],
  ]
    .map((row) => `<a:tr>${row.map((text) => `<a:tc><a:p><a:r><a:t>${text}</a:t></a:r></a:p></a:tc>`).join('')}</a:tr>`)
    .join('')}</a:tbl>`;
  const slides = [
    `${shape('sldNum', ['7'])}${shape('body', ['要点'], ['细目', 1])}${shape('title', ['年度总结'])}`,
    table,
  ];
  const deck = presentationOf(slides, { 0: shape('body', ['讲稿：先问好。']) });
  assert.equal(await textOf(deck), '## 年度总结\n\n要点\n\n  - 细目\n\n讲稿：先问好。\n\n季度 | 收入\n一 | 三百万');
});

test('EPUB: chapters in the order of the spine, charsets of old books, contents left out; DRM is said', async () => {
  const old =
    '<?xml version="1.0" encoding="gb2312"?><html><body><h2>第二章</h2><p>小楼一夜<br/>听春雨，\n深巷明朝卖杏花。</p></body></html>';
  const chapters = {
    '第一 章.xhtml':
      '<html xmlns="x"><head><title/></head><body><nav><ol><li>目录</li></ol></nav><h1>第一章</h1><p>他<ruby>説<rt>shuō</rt></ruby>：&nbsp;“好。”</p><ol><li>甲</li><li>乙</li></ol></body></html>',
    'two.html': iconv.encode(old, 'gbk'),
  };
  const document = await readDocument(written(bookOf(chapters, { title: '春雨 &amp; 集', author: '陆某' })));
  assert.deepEqual(document, {
    format: 'epub',
    title: '春雨 & 集',
    author: '陆某',
    pages: 2,
    text: '# 第一章\n\n他説：\u00A0“好。”\n\n1. 甲\n2. 乙\n\n## 第二章\n\n小楼一夜\n听春雨，深巷明朝卖杏花。',
  });
  assert.equal(await reasonOf(bookOf(chapters, { encrypted: ['第一 章.xhtml'] })), 'encrypted');
});

test('what a file is is told by its content', async () => {
  const page =
    '<html><head><title>x</title></head><body><table border="1"><tr><td>甲</td><td>乙</td></tr><tr><td>丙</td><td>丁</td></tr></table></body></html>';
  assert.equal(await textOf(iconv.encode(page, 'gbk')), '甲 | 乙\n丙 | 丁');
  assert.equal(
    await textOf(iconv.encode('\uFEFF只是一段文字，存成了文档的名字。', 'utf-16le')),
    '只是一段文字，存成了文档的名字。',
  );
  const old = (stream: string) =>
    Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600), Buffer.from(`${stream}\0`, 'utf16le')]);
  const word = wordOf(paragraph('正文'));
  const bomb = zipOf({ mimetype: 'application/epub+zip', 'META-INF/container.xml': Buffer.alloc(40_000_000, 'a') });
  const stored = zipOf(
    { mimetype: 'application/epub+zip', 'META-INF/container.xml': '<rootfile full-path="a.opf"/>' },
    0,
  );
  stored[Buffer.from(stored).indexOf('a.opf')] = 0x62;
  const cases: [string, Uint8Array | string, string][] = [
    ['empty', '', 'empty-file'],
    ['old Word', old('WordDocument'), 'old-word-file'],
    ['old Excel', old('Workbook'), 'old-excel-file'],
    ['old PowerPoint', old('PowerPoint Document'), 'old-powerpoint-file'],
    ['a password', old('EncryptedPackage'), 'encrypted'],
    ['RTF', '{\\rtf1 x}', 'rich-text-file'],
    ['another archive', zipOf({ 'a.txt': 'x' }), 'not-a-document'],
    ['bytes', new Uint8Array(5_000).map((_, at) => (at * 7_919) % 256), 'not-a-document'],
    ['cut', word.slice(0, -80), 'damaged-document'],
    ['no text', wordOf('<w:p/>'), 'no-text-inside'],
    ['another checksum', stored, 'damaged-document'],
    ['a bomb', bomb, 'bomb-inside'],
  ];
  for (const [name, content, reason] of cases) assert.equal(await reasonOf(content), reason, name);
});

/** A folder of a firm's files through `recipeFrom` and a build: what is read, what is skipped and why, and rows of a workbook. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildCorpus } from '../build.ts';
import { openCorpus } from '../directory/open-corpus.ts';
import type { Document } from '../document.ts';
import { paragraph, rowsOf, wordOf, workbookOf } from '../documents/testing/make-documents.ts';
import { pdfOf } from '../documents/testing/make-pdf.ts';
import { recipeFrom } from '../own-texts/own-recipe.ts';
import { parseRecipe } from '../recipe/recipe.ts';

const base = mkdtempSync(join(tmpdir(), 'tunan-firm 公司-'));
after(() => rmSync(base, { recursive: true }));

const long = '清晨的集市上人来人往，卖菜的老人把新摘的豆角摆成一排，旁边的孩子数着竹篮里的鸡蛋。';
const answers = [
  ['问题', '答案'],
  ['怎样请年假？', '在系统中填写申请，由部门负责人批准后生效，当年有效。'],
  ['怎样报销差旅费？', '回来后十日内交票据，财务每周四集中办理，逾期不再受理。'],
  ['门禁卡丢了怎么办？', '先到前台挂失，再带工作证补办，工本费二十元，当日可取。'],
];

test('a folder of documents becomes a corpus; every file is listed with what it gave', async () => {
  mkdirSync(join(base, '资料/旧'), { recursive: true });
  const write = (name: string, content: Uint8Array | string) => writeFileSync(join(base, '资料', name), content);
  write('制度.docx', wordOf(paragraph(`${long}员工电话 13800138000。`)));
  write('其实是.doc', wordOf(paragraph(`入夜以后，河面上点起了灯。${long}`)));
  write('说明.pdf', pdfOf([[{ text: '次日一早，镇上的学堂开了门，先生领着学生在院中诵读。', x: 60, y: 700 }]]));
  write('问答.xlsx', workbookOf({ 问答: rowsOf(answers) }));
  write('旧/扫描.pdf', pdfOf([[]]));
  write('旧/加密.pdf', pdfOf([[{ text: long, x: 60, y: 700 }]], { encrypted: true }));
  write('空.docx', '');
  const { recipe, found } = await recipeFrom(['资料'], 'firm', base);
  assert.deepEqual(
    found.map(({ type, files, fields }) => [type, files, fields?.text]),
    [
      ['document', 6, undefined],
      ['spreadsheet', 1, ['问题', '答案']],
    ],
  );
  const out = join(base, 'out');
  const split = { validation: 0, test: 0 };
  const { manifest } = await buildCorpus(parseRecipe({ ...recipe, split }), { out, base, workers: 1 });
  const all: Document[] = [];
  for await (const document of openCorpus(out).documents('train')) all.push(document);
  const byId = new Map(all.map(({ id, text }) => [id, text]));
  assert.match(byId.get('资料/制度.docx') ?? '', /豆角摆成一排.*员工电话〈手机号〉/);
  assert.equal(byId.get('资料/问答.xlsx#问答!3'), `${answers[2]![0]}\n${answers[2]![1]}`);
  const files = readFileSync(join(out, 'files.jsonl'), 'utf8').trim().split('\n');
  const listed = files.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    listed.map(({ file, format, skipped, pages }) => [file, format ?? skipped, pages]),
    [
      ['资料/其实是.doc', 'docx', undefined],
      ['资料/制度.docx', 'docx', undefined],
      ['资料/旧/加密.pdf', 'encrypted', undefined],
      ['资料/旧/扫描.pdf', 'scanned-document', undefined],
      ['资料/空.docx', 'empty-file', undefined],
      ['资料/说明.pdf', 'pdf', 1],
    ],
  );
  assert.deepEqual(manifest.stages[0]!.reasons, { encrypted: 1, 'scanned-document': 1, 'empty-file': 1 });
});

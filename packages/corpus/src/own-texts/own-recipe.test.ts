/** The recipe that is made of somebody's files: sources, guessed fields, what is passed over. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseRecipe } from '../recipe/recipe.ts';
import { guessFields } from './guess-fields.ts';
import { recipeFrom } from './own-recipe.ts';

const base = mkdtempSync(join(tmpdir(), 'tunan-own-'));
after(() => rmSync(base, { recursive: true }));

const long = '清晨的集市上人来人往，卖菜的老人把新摘的豆角摆成一排。';
const guesses: [string, Record<string, unknown>, unknown][] = [
  ['by its name', { id: 'a-1', text: long, title: '题' }, { text: 'text', title: 'title', id: 'id' }],
  [
    'in Chinese',
    { 编号: 'x1', 标题: '题', 正文: long, 网址: 'https://a.example/1' },
    { text: '正文', title: '标题', id: '编号', url: '网址' },
  ],
  ['inside another', { meta: { lang: 'zh' }, data: { body: long } }, { text: 'data.body' }],
  [
    'turns',
    {
      messages: [
        { role: 'user', content: '问' },
        { role: 'assistant', content: long },
      ],
    },
    { text: 'messages.content' },
  ],
  ['turns of ShareGPT', { conversations: [{ from: 'human', value: long }] }, { text: 'conversations.value' }],
  ['instructions', { instruction: '写一句话', input: '', output: long }, { text: ['instruction', 'output'] }],
  ['riddles', { prompt: '谜面', completion: '谜底' }, { text: ['prompt', 'completion'] }],
  ['a label named text', { text: '正', review: long }, { text: 'review' }],
  ['another name', { k: 7, lyrics: long, link: 'https://a.example/' }, { text: 'lyrics', url: 'link' }],
  ['no text', { a: 1, b: 2.5 }, undefined],
  ['numbers are no ids of several files', { id: 3, content: long }, { text: 'content' }],
];
for (const [name, record, fields] of guesses) {
  test(`fields: ${name}`, () => assert.deepEqual(guessFields([record]), fields));
}

test('a folder becomes a source each of what can be read, and the rest is counted', async () => {
  const folder = join(base, '我的 文本');
  mkdirSync(join(folder, 'below'), { recursive: true });
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
  write('a.txt', long);
  write('below/b.md', `# 题\n${long}`);
  write('p.html', `<p>${long}</p>`);
  write('n.jsonl', `${JSON.stringify({ text: long })}\n`);
  write('m.jsonl', `\n{"broken\n${JSON.stringify({ content: long })}\n`);
  write('list.json', JSON.stringify([{ content: long }]));
  write('t.csv', `标题,内容\n甲,${long}\n`);
  write('numbers.csv', 'a,b\n1,2\n');
  write('c.docx', 'PK');
  write('d.pdf', '%PDF');
  write('really-a-pdf.txt', '%PDF-1.4');
  write('e.odt', 'odt');
  const { recipe, found, unread, problems } = await recipeFrom([folder], 'mine', base);
  const sources = parseRecipe(recipe).sources.map((source) => [
    source.type,
    'name' in source ? source.name : '',
    'fields' in source ? source.fields.text : '',
    'paths' in source ? source.paths?.length : 0,
  ]);
  assert.deepEqual(sources, [
    ['text', '我的 文本-text', '', 2],
    ['document', '我的 文本-document', '', 3],
    ['jsonl', '我的 文本-jsonl', 'content', 2],
    ['jsonl', '我的 文本-jsonl-2', 'text', 1],
    ['csv', '我的 文本-csv', '内容', 1],
    ['html', '我的 文本-html', '', 1],
  ]);
  assert.deepEqual(
    found.map(({ type, files }) => `${type} ${files}`),
    ['text 2', 'document 3', 'jsonl 2', 'jsonl 1', 'csv 1', 'html 1'],
  );
  assert.deepEqual(unread, { odt: 1 });
  assert.match(problems.map(({ zh }) => zh).join(), /numbers\.csv：没有含文本的字段（字段：a, b）/);
});

test('all paths that are wrong are told at once; a folder without text says what is read', async () => {
  writeFileSync(join(base, 'x.mobi'), 'BOOKMOBI');
  await assert.rejects(recipeFrom(['nowhere', 'x.mobi'], 'mine', base), {
    message: /cannot read source .*nowhere: there is no such file or folder\n {2}.*x\.mobi: Kindle files are not read/,
    chinese: /没有这个文件或目录\n.*不能读取 Kindle 文件/,
  });
  mkdirSync(join(base, 'office'));
  writeFileSync(join(base, 'office/a.odt'), 'PK');
  await assert.rejects(recipeFrom(['office'], 'mine', base), {
    message: /nothing to read in office: .*not read: odt 1/,
  });
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkApp } from '@tunan/applications';
import { TorchEngine } from '@tunan/inference';
import { tinyModel, tinyTokenizer } from '@tunan/inference/testing/tiny-model';
import type { AppInput } from '@tunan/protocol';
import { labelledItems } from './labelled-items.ts';
import { measureApp } from './measure-app.ts';
import { scoreAnswers } from './score-answers.ts';

const data = mkdtempSync(path.join(tmpdir(), '标注 数据 '));
const reviews = Array.from({ length: 9 }, (_, id) => ({
  id,
  sentence: `第${id}条`,
  label: id < 6 ? 'Positive' : 'Negative',
}));
const abstracts = [
  { id: 1, abst: '滴灌与冬小麦产量', keyword: ['滴灌', '冬小麦'], label: '1' },
  { id: 2, abst: '假的', keyword: ['真'], label: '0' },
];
const lines = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n');
for (const [task, rows] of [
  ['eprstmt', reviews],
  ['csl', abstracts],
  ['tnews', [{ id: 0, sentence: '农村依然很重视土葬', keywords: '农村,土葬', label: 100, label_desc: 'news_story' }]],
] as const) {
  mkdirSync(path.join(data, 'fewclue', task), { recursive: true });
  writeFileSync(path.join(data, 'fewclue', task, 'test_public.json'), lines(rows));
}
writeFileSync(
  path.join(data, 'classical-modern-pairs.jsonl'),
  lines([{ text: '古文：学而时习之\n现代文：学了并按时温习\n\n古文：温故\n现代文：温习旧的' }]),
);

const both = (text: string) => ({ zh: text, en: text });
const app = (measure: AppInput['measure'], more: Partial<AppInput> = {}) =>
  checkApp(
    {
      ...{ tunan_app: 1, name: 'a', title: both('x'), description: both('x'), group: 'understanding', measure },
      inputs: [{ name: 'text', label: both('文'), lines: 3 }],
      sampling: { max_tokens: 4, temperature: 0 },
      ...more,
    },
    'app',
  );

test('public sets become inputs and answers, drawn by the seed', () => {
  const options = { data, items: 100, seed: 1 };
  const golds = (measure: AppInput['measure']) =>
    labelledItems(app(measure), measure!, options).map(({ gold }) => gold);
  assert.deepEqual(golds('eprstmt').sort(), [...Array(6).fill('正面'), ...Array(3).fill('负面')]);
  assert.deepEqual(golds('csl'), ['滴灌、冬小麦']);
  assert.deepEqual(labelledItems(app('tnews'), 'tnews', options), [
    { inputs: { text: '农村，土葬' }, gold: '农村依然很重视土葬' },
  ]);
  assert.deepEqual(golds('classical').sort(), ['学了并按时温习', '温习旧的'].sort());
  const some = { ...options, items: 3 };
  assert.deepEqual(labelledItems(app('eprstmt'), 'eprstmt', some), labelledItems(app('eprstmt'), 'eprstmt', some));
  assert.throws(() => labelledItems(app('csl'), 'csl', { ...options, data: undefined }), /--data DIR/);
  assert.throws(
    () => labelledItems(app('classical'), 'classical', { ...options, data: tmpdir() }),
    /no classical-modern-pairs/,
  );
});

test('scores: accuracy beside the commonest label, F1 of keywords, chrF beside the input again', () => {
  const answer = (output: string, gold: string, text = '') => ({
    item: { inputs: { text }, gold },
    output,
    passed: true,
  });
  const right = scoreAnswers('eprstmt', [answer('正面', '正面'), answer('负面', '正面'), answer('负面', '负面')]);
  assert.ok(Math.abs(right.value - 2 / 3) < 1e-9 && Math.abs(right.baseline! - 2 / 3) < 1e-9);
  assert.ok(right.low < right.value && right.value < right.high);
  const words = scoreAnswers('csl', [answer('滴灌；滴灌；水', '滴灌、冬小麦'), answer('', '真')]);
  assert.equal(words.value, 0.25);
  const text = scoreAnswers('classical', [answer('学了并按时温习', '学了并按时温习', '学而时习之')]);
  assert.equal(text.value, 1);
  assert.ok(text.baseline! > 0 && text.baseline! < 0.3);
});

test('an application is measured with a real model; what does not fit counts as wrong', async () => {
  const engine = new TorchEngine(tinyModel(), await tinyTokenizer(), { batchSize: 4 });
  after(() => engine.close());
  const options = { data, items: 9, seed: 1, parallel: 4, today: '2026-11-30' };
  const sentiment = app('eprstmt', { constraint: { choice: ['正面', '负面'] } });
  const { measured, answers } = await measureApp(sentiment, engine, options);
  assert.deepEqual(
    [measured.app, measured.metric, measured.items, measured.measured, measured.value],
    ['a', 'accuracy', 9, '2026-11-30', answers.filter(({ item, output }) => item.gold === output).length / 9],
  );
  assert.deepEqual((await measureApp(sentiment, engine, options)).measured, measured);
  const long = app('eprstmt', { prompt: { before: '山'.repeat(60) }, constraint: { choice: ['正面'] } });
  const unfit = await measureApp(long, engine, options);
  assert.deepEqual([unfit.measured.value, unfit.attempts, unfit.shortened], [0, 0, 9]);
  await assert.rejects(measureApp(app(undefined), engine, options), /says no measure/);
});

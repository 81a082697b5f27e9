import assert from 'node:assert/strict';
import test from 'node:test';
import { type Answerer, labelsOf, scoreAnswers } from './answer-scores.ts';
import { CHRF_COUNTS, chrfCounts, chrfOf } from './chrf.ts';
import { NearestExample } from './nearest-example.ts';
import { judgeTuning } from './tuning-verdicts.ts';

const ANSWERS = ['床前明月光', '疑是 地上霜雪', '', '低头思故', '今天天气不错，我们去公园散步吧。'];
const WANTED = ['床前明月光', '疑是地上霜', '举头望明月', '低头思故乡', '今天的天气很好，咱们到公园里散步。'];

test('chrF is that of sacrebleu', () => {
  // sacrebleu 2, CHRF().corpus_score of each alone and of all.
  const single = [100, 92.44791666666666, 0, 72.57346393588602, 15.132114877981143];
  const counts = ANSWERS.map((answer, i) => chrfCounts(answer, WANTED[i]!));
  counts.forEach((one, i) => {
    assert.ok(Math.abs(chrfOf(one) - single[i]!) < 1e-9, `${i}: ${chrfOf(one)}`);
  });
  const sums = new Float64Array(CHRF_COUNTS);
  for (const one of counts) for (let k = 0; k < CHRF_COUNTS; k++) sums[k]! += one[k]!;
  assert.ok(Math.abs(chrfOf(sums) - 30.69535442051578) < 1e-9, String(chrfOf(sums)));
});

test('the nearest example is the one that shares what few others have', () => {
  const examples = [
    { prompt: '我想退货，怎么办', answer: '退货' },
    { prompt: '我想换货，怎么办', answer: '换货' },
    { prompt: '发票开错了，怎么办', answer: '发票' },
  ];
  const nearest = new NearestExample(examples);
  assert.deepEqual(
    ['请问怎么退货？', '发票', '换一件'].map((one) => nearest.answer(one)),
    ['退货', '发票', '换货'],
  );
  assert.equal(nearest.answer('abc'), '退货', 'nothing shared: the first');
});

test('labels are few answers that come often', () => {
  assert.deepEqual(labelsOf(['好', '坏 ', '好', '好', '坏', '好', '好', '坏', '好', '好']), ['好', '坏']);
  assert.equal(labelsOf(WANTED), undefined);
});

/** 200 questions: the tuned model is right on 150, of which the other is right on 100 and on no more. */
const wanted = Array.from({ length: 200 }, (_, i) => `答案${i % 7}`);
const rightOn = (count: number) => wanted.map((text, i) => (i < count ? text : '别的'));

test('a difference has the interval of a paired comparison, and a verdict follows from it', () => {
  const answers = new Map<Answerer, readonly string[]>([
    ['before', rightOn(0)],
    ['after', rightOn(150)],
    ['nearest', rightOn(100)],
  ]);
  const scores = scoreAnswers(wanted, answers);
  const [, after, nearest] = scores;
  assert.equal(after!.exact.value, 0.75);
  assert.equal(after!.ahead, undefined);
  const { value, low, high } = nearest!.ahead!.exact;
  assert.equal(value, 0.25);
  // 50 of 200 differ, all one way: the standard error is 0.0306.
  assert.ok(Math.abs(low - 0.19) < 0.015 && Math.abs(high - 0.31) < 0.015, `${low} … ${high}`);

  const curve = { points: [], first: 2, last: 1, spikes: [], perDoubling: undefined, clipped: 0 };
  const steps = [2, 1.5, 1.6].map((loss, i) => ({ step: 10 * (i + 1), tokens: 100 * (i + 1), loss }));
  const facts = { curve, validation: { before: 3, steps }, done: 1, best: 'run/best' };
  const tested = { file: 'test.jsonl', questions: 200, labels: ['答案0'], scores };
  const general = { place: 'text', characters: 100, before: 5, after: 5.5 };
  const good = judgeTuning({ ...facts, scores: tested, general });
  assert.deepEqual(
    good.verdicts.map(({ kind, grade }) => [kind, grade]),
    [
      ['learnt', 'good'],
      ['overfit', 'hint'],
      ['baseline', 'good'],
      ['forgetting', 'hint'],
    ],
  );
  assert.match(good.verdicts[1]!.said.en, /lowest at step 20 \(1\.500\) and rose to 1\.600; take run\/best/);
  assert.match(good.verdicts[2]!.said.en, /75\.0 .* against 50\.0 .*\+25\.0/);
  assert.match(good.verdicts[3]!.said.zh, /5\.000 → 5\.500 比特（\+10\.0 %）/);

  const behind = scoreAnswers(wanted, new Map([...answers, ['after', rightOn(60)] as const]));
  const bad = judgeTuning({ ...facts, scores: { ...tested, scores: behind }, general: undefined });
  assert.equal(bad.answer, 'bad');
  assert.deepEqual(
    bad.verdicts.slice(2).map(({ kind, grade }) => [kind, grade]),
    [
      ['baseline', 'bad'],
      ['forgetting', 'hint'],
    ],
  );
});

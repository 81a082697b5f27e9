import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textTraits } from './sample-traits.ts';
import { judgeTraining, type TrainingFacts, type Verdict } from './verdicts.ts';

const bits = (bitsPerCharacter: number) => ({
  bitsPerCharacter,
  characters: 1000,
  chineseBitsPerCharacter: undefined,
  chineseCharacters: 0,
});

/** A run of which nothing is to be said but good. */
const sound: TrainingFacts = {
  modelBits: 7.5,
  baselines: {
    uniform: 13.1,
    unigram: bits(9.5),
    ngram: { ...bits(6.8), order: 5 },
    charactersPerToken: 1,
    counted: 2e6,
    whole: true,
    trainingTokens: 2e6,
  },
  curve: { points: [], first: 9, last: 5.2, spikes: [], perDoubling: { change: -0.001, error: 0.01 }, clipped: 0 },
  validation: { last: 5.2, best: 5.2 },
  promised: { loss: 5.25, low: 5.2, high: 5.3 },
  epochs: 0.5,
  done: 1,
  samples: { texts: 32, ended: 0.9, repeated: 0.01 },
  real: { texts: 500, ended: 0.95, repeated: 0.01 },
};

function verdictOf(kind: Verdict['kind'], change: Partial<TrainingFacts>): Verdict | undefined {
  return judgeTraining({ ...sound, ...change }).verdicts.find((verdict) => verdict.kind === kind);
}

test('a sound run is normal, and every sentence is in both languages', () => {
  const { answer, verdicts } = judgeTraining(sound);
  assert.equal(answer, 'good');
  assert.deepEqual(
    verdicts.map(({ kind }) => kind),
    ['level', 'promise', 'trend', 'jumps', 'memory', 'ends', 'repeats'],
  );
  for (const { said } of verdicts) assert.ok(/^[^\p{Script=Han}]+$/u.test(said.en) && /\p{Script=Han}/u.test(said.zh));
  assert.match(verdicts[0]!.said.en, /21 % below the first count and has gone 74 % of the way/);
});

test('the level is judged between the baselines', () => {
  assert.equal(verdictOf('level', { modelBits: 9.6 })!.grade, 'bad');
  assert.equal(judgeTraining({ ...sound, modelBits: 9.6 }).answer, 'bad');
  assert.match(verdictOf('level', { modelBits: 6.5 })!.said.en, /4\.4 % below what counting gives/);
});

test('a promise is kept, passed or missed, and not spoken of before the end', () => {
  const said = (last: number) => verdictOf('promise', { validation: { last, best: last } })!;
  assert.match(said(5.25).said.en, /as promised/);
  assert.match(said(4.8).said.en, /better than promised/);
  assert.equal(said(5.6).grade, 'bad');
  assert.equal(verdictOf('promise', { done: 0.5 }), undefined);
  assert.equal(verdictOf('promise', { promised: undefined }), undefined);
  assert.equal(verdictOf('unfinished', { done: 0.5 })!.grade, 'hint');
});

test('a loss that still falls is worth more training, one that rises is wrong; what lies within the error is flat', () => {
  const trend = (change: number, error: number) =>
    verdictOf('trend', { curve: { ...sound.curve, perDoubling: { change, error } } })!;
  assert.equal(trend(-0.3, 0.02).grade, 'hint');
  assert.match(trend(-0.3, 0.02).said.en, /brought 0\.43 bits/);
  assert.equal(trend(0.3, 0.02).grade, 'bad');
  assert.equal(trend(-0.3, 0.2).grade, 'good');
  assert.equal(verdictOf('trend', { curve: { ...sound.curve, perDoubling: undefined } }), undefined);
});

test('jumps are told by their way back', () => {
  const spike = { step: 300, loss: 8, before: 5, recovered: 12 };
  const jumps = (spikes: TrainingFacts['curve']['spikes']) =>
    verdictOf('jumps', { curve: { ...sound.curve, spikes } })!;
  assert.match(jumps([spike, { ...spike, step: 500, recovered: 40 }]).said.en, /2 times \(step 300, 500\).*within 40/);
  assert.equal(jumps([{ ...spike, recovered: undefined }]).grade, 'bad');
});

test('a gap to held-out text is memory only where the text was seen again', () => {
  const validation = { last: 5.8, best: 5.2 };
  assert.equal(verdictOf('memory', { validation, epochs: 8 })!.grade, 'bad');
  assert.equal(verdictOf('memory', { validation, epochs: 0.5 })!.grade, 'good');
});

test('samples are measured beside real documents', () => {
  assert.equal(verdictOf('ends', { samples: { texts: 32, ended: 0.3, repeated: 0 } })!.grade, 'hint');
  assert.equal(verdictOf('repeats', { samples: { texts: 32, ended: 0.9, repeated: 0.4 } })!.grade, 'hint');
  assert.equal(verdictOf('ends', { real: { texts: 9, ended: 0, repeated: 0 } }), undefined, 'all texts are longer');
});

test('a text repeats itself where four characters come again', () => {
  const traits = textTraits([
    { text: '春眠不觉晓春眠不觉晓', ended: true },
    { text: '处处闻啼鸟', ended: false },
  ]);
  // Seven runs of four in the first, of which 春眠不觉 and 眠不觉晓 come again; two in the second.
  assert.deepEqual(traits, { texts: 2, ended: 0.5, repeated: 2 / 9 });
  assert.deepEqual(textTraits([]), { texts: 0, ended: 0, repeated: 0 });
});

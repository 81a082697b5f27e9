import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { calibration, fitCorrection } from '../calibration.ts';
import { score } from '../scores.ts';
import { chooseThresholds } from '../thresholds.ts';
import { qualityReportPage } from './quality-report.ts';
import { type SourcedExample, splitBySource } from './split-by-source.ts';
import { trainAndTest } from './train-and-test.ts';

const nouns = ['雨伞', '茶叶', '皮鞋', '台灯', '水壶', '书架', '手表', '床单', '镜子', '毛巾', '算盘', '竹篮'];

/** Three sources a label; each words its label in its own way, with some words in common. */
function examples(): SourcedExample[] {
  const adverts = [
    (noun: string) => `特价${noun}厂家直销，欢迎来电订购`,
    (noun: string) => `${noun}今日特价，批发价格优惠，来电有礼`,
    (noun: string) => `欢迎订购${noun}，厂家优惠价格！`,
  ];
  const stories = [
    (noun: string) => `老人把${noun}放在门口，慢慢走回屋里。`,
    (noun: string) => `她走到门口，回头看了看屋里的${noun}。`,
    (noun: string) => `屋里只有一件${noun}，老人看了很久。`,
  ];
  return nouns.flatMap((noun) => [
    ...adverts.map((say, i) => ({ label: 'advert', source: `shop-${i}`, text: say(noun) })),
    ...stories.map((say, i) => ({ label: 'high', source: `tale-${i}`, text: say(noun) })),
  ]);
}

describe('splitBySource', () => {
  test('holds out whole sources, one for each label, the same for a seed', () => {
    const { rest, held, sources } = splitBySource(examples(), { held: undefined, seed: 3 });
    assert.equal(sources.length, 2);
    assert.deepEqual(new Set(held.map(({ label }) => label)), new Set(['advert', 'high']));
    assert.ok(rest.every(({ source }) => !sources.includes(source)));
    assert.equal(rest.length + held.length, examples().length);
    assert.deepEqual(splitBySource(examples(), { held: undefined, seed: 3 }).sources, sources);
  });

  test('refuses a split that leaves a label without a source', () => {
    const code = { code: 'CLASSIFIER_EXAMPLES' };
    const few = examples().filter(({ source }) => source !== 'shop-1' && source !== 'shop-2');
    assert.throws(() => splitBySource(few, { held: undefined, seed: 1 }), { ...code, message: /label "advert" needs/ });
    assert.throws(() => splitBySource(examples(), { held: ['shop-0'], seed: 1 }), { ...code, message: /label "high"/ });
    assert.throws(() => splitBySource(examples(), { held: ['nowhere'], seed: 1 }), {
      ...code,
      message: /"nowhere".*shop-0/,
    });
  });
});

test('trainAndTest: unseen sources, thresholds that spare the good, a page', async () => {
  const options = { keep: 'high', steps: 120, batch: 16, bucketBits: 12, seed: 2 };
  const { classifier, report } = await trainAndTest(examples(), options);
  assert.ok(report.test.scores.macroF1 > 0.9, `macro F1 ${report.test.scores.macroF1}`);
  assert.equal(report.test.documents, 24);
  assert.deepEqual(report.labels, ['high', 'advert']);
  const sides = Map.groupBy(report.documents, ({ side }) => side);
  assert.equal(sides.get('test')!.length, 2);
  assert.equal(sides.get('validation')!.length, 2);
  assert.deepEqual(Object.keys(classifier.config.thresholds), ['advert']);
  assert.equal(report.validation.keptRejected, 0);
  assert.ok(report.test.mistakes.every(({ label, predicted }) => label !== predicted));
  const wrong = { source: 'shop-0', label: 'advert', predicted: 'high', probability: 0.9, text: '一把<雨伞>' };
  const page = qualityReportPage({ ...report, test: { ...report.test, mistakes: [wrong] } });
  assert.match(page, /一把&#60;雨伞&#62;/);
  assert.match(page, /macro F1, unseen sources/);
  assert.equal(page.match(/<svg/g)!.length, 4);
  await assert.rejects(trainAndTest(examples(), { ...options, keep: 'good' }), { code: 'CLASSIFIER_EXAMPLES' });
});

test('score: precision, recall, F1 and their mean', () => {
  const truth = ['a', 'a', 'a', 'b', 'b', 'c'];
  const predicted = ['a', 'a', 'b', 'b', 'a', 'c'];
  const { labels, macroF1, accuracy, confusion } = score(truth, predicted, ['a', 'b', 'c', 'unmet']);
  assert.deepEqual(confusion[0], [2, 1, 0, 0]);
  assert.equal(labels[0]!.precision, 2 / 3);
  assert.equal(labels[1]!.recall, 1 / 2);
  assert.ok(Math.abs(macroF1 - (2 / 3 + 1 / 2 + 1) / 3) < 1e-12);
  assert.ok(Math.abs(accuracy - 4 / 6) < 1e-12);
});

test('chooseThresholds: the lowest that turns away no more good documents than allowed, and half the way to 1', () => {
  const one = (label: string, advert: number) => ({ label, source: 's', probabilities: { high: 1 - advert, advert } });
  const documents = [one('high', 0.1), one('high', 0.72), one('high', 0.3), one('advert', 0.9), one('advert', 0.6)];
  const [strict] = chooseThresholds(documents, 'high', ['high', 'advert'], 0);
  assert.equal(strict!.threshold, 0.8625);
  assert.deepEqual([strict!.keptRejected, strict!.recall], [0, 0.5]);
  const [lax] = chooseThresholds(documents, 'high', ['high', 'advert'], 0.34);
  assert.deepEqual([lax!.threshold, lax!.keptRejected, lax!.recall], [0.75, 0, 0.5]);
});

test('fitCorrection finds what logits were sharpened and shifted by', () => {
  // Predictions at odds e^2 : 1: as many are right as that says; sharpened threefold, they claim far more.
  const right = Math.round(1000 / (1 + Math.exp(-2)));
  const both = [0, 1].flatMap((label) =>
    Array.from({ length: 1000 }, (_, i) => {
      const said = i < right ? label : 1 - label;
      return { target: label, logits: said === 0 ? [6, 0] : [0, 6] };
    }),
  );
  const targets = both.map(({ target }) => target);
  const plain = fitCorrection(
    both.map(({ logits }) => logits),
    targets,
  );
  assert.ok(Math.abs(plain.temperature - 3) < 0.05, `temperature ${plain.temperature}`);
  assert.ok(Math.abs(plain.shifts[0]!) < 0.01);
  const shifted = fitCorrection(
    both.map(({ logits }) => [logits[0]! + 3, logits[1]!]),
    targets,
  );
  assert.ok(Math.abs(shifted.temperature - 3) < 0.05, `temperature ${shifted.temperature}`);
  assert.ok(Math.abs(shifted.shifts[1]! - shifted.shifts[0]! - 1) < 0.05, `shifts ${shifted.shifts}`);
});

test('calibration: distance of confidence and accuracy', () => {
  const predictions = Array.from({ length: 10 }, (_, i) => ({ probability: 0.95, right: i < 7 }));
  const { bins, expectedError } = calibration(predictions);
  assert.ok(Math.abs(expectedError - 0.25) < 1e-12);
  assert.deepEqual([bins[9]!.count, bins[9]!.accuracy], [10, 0.7]);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { embedding, readSafetensors, scope, tensor } from '@tunan/torch';
import { Classifier } from './classifier.ts';
import type { Example } from './example.ts';
import { FeatureExtractor } from './features.ts';
import { trainClassifier } from './train-classifier.ts';

const goods = ['雨伞', '茶叶', '皮鞋', '台灯', '水壶', '书架', '手表', '床单'];
const places = ['河边', '山脚', '村口', '城南', '桥头', '塔下', '湖畔', '林间'];

function examples(): Example[] {
  return goods.flatMap((thing) =>
    places.flatMap((place) => [
      { label: 'advert', source: 'shop', text: `【特价】${thing}厂家直销，${place}门店今日五折！咨询热线13800000000` },
      { label: 'story', source: 'tale', text: `老人从${place}慢慢走回来，手里还提着那只旧${thing}，一路没有说话。` },
    ]),
  );
}

describe('a trained classifier', () => {
  let directory: string;
  let trained: Classifier;

  before(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'tunan-classifier-'));
    trained = await trainClassifier(examples(), { steps: 60, batch: 16, bucketBits: 12, validation: examples() });
  });
  after(() => rmSync(directory, { recursive: true }));

  test('tells apart texts that it has not seen', () => {
    const [advert, story] = trained.classify([
      '厂家直销棉被，今日特价，咨询热线13911112222',
      '孩子提着旧篮子，一路没有说话，慢慢走到门口。',
    ]);
    assert.equal(advert!.label, 'advert');
    assert.equal(story!.label, 'story');
    assert.ok(advert!.probabilities.advert! > 0.8);
    assert.ok(Math.abs(advert!.probabilities.advert! + advert!.probabilities.story! - 1) < 1e-12);
  });

  test('comes back from disk as it was', () => {
    const place = path.join(directory, 'saved');
    trained.save(place);
    const loaded = Classifier.load(place);
    assert.deepEqual(loaded.config, trained.config);
    const texts = ['今日特价，五折', '老人走过桥头', ''];
    assert.deepEqual(loaded.classify(texts), trained.classify(texts));
  });

  test('scores what the engine scores with the same weights', () => {
    const place = path.join(directory, 'engine');
    trained.save(place);
    using file = readSafetensors(path.join(place, 'model.safetensors'));
    const extractor = new FeatureExtractor(trained.config);
    for (const { text } of examples().slice(0, 20)) {
      const { buckets, weights } = extractor.extract(text);
      const expected = scope(() => {
        const rows = embedding(file.get('weight'), tensor(buckets)); // (L, C)
        const shares = tensor(weights, { shape: [1, weights.length] });
        return shares.matmul(rows).squeeze(0).add(file.get('bias')).toArray() as Float32Array;
      });
      trained.logits(text).forEach((logit, i) => {
        assert.ok(Math.abs(logit - expected[i]!) < 1e-5, `${logit} is not ${expected[i]}`);
      });
    }
  });

  test('says what is wrong with a directory', () => {
    const code = { code: 'CLASSIFIER_NOT_A_CLASSIFIER' };
    assert.throws(() => Classifier.load(path.join(directory, 'nowhere')), {
      ...code,
      message: /nowhere.*train-quality/,
    });
    const place = path.join(directory, 'damaged');
    trained.save(place);
    truncateSync(path.join(place, 'model.safetensors'), 20_000);
    assert.throws(() => Classifier.load(place), { ...code, message: /weight is cut off/ });
    writeFileSync(path.join(place, 'config.json'), '{"format":"other"}');
    assert.throws(() => Classifier.load(place), { ...code, message: /not the config of a classifier/ });
  });
});

test('the same seed trains the same classifier', async () => {
  const train = () => trainClassifier(examples(), { steps: 10, batch: 8, bucketBits: 10, seed: 7 });
  const [first, second] = [await train(), await train()];
  assert.deepEqual(first.logits('厂家直销'), second.logits('厂家直销'));
});

test('examples that cannot be learnt from are refused', async () => {
  const one = { text: '好', label: 'a' };
  const code = { code: 'CLASSIFIER_EXAMPLES' };
  await assert.rejects(trainClassifier([one]), { ...code, message: /at least two labels/ });
  await assert.rejects(trainClassifier([one, { text: ' ', label: 'b' }]), {
    ...code,
    message: /example 2 has no text/,
  });
  await assert.rejects(trainClassifier([one], { labels: ['a', 'c'] }), { ...code, message: /no example of label "c"/ });
  await assert.rejects(trainClassifier([one, { text: '坏', label: 'b' }], { batch: 0 }), { code: 'CLASSIFIER_OPTION' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FeatureExtractor } from './features.ts';

const settings = { maxOrder: 4, bucketBits: 16, maxCharacters: 64 };

function features(text: string, extractor = new FeatureExtractor(settings)) {
  const { buckets, weights } = extractor.extract(text);
  return { buckets: [...buckets], weights: [...weights] };
}

test('width, case, digits and white space do not matter', () => {
  assert.deepEqual(features('电话：１３８ Ａbc\r\n\r\n好'), features('电话:999  abC \n好\u200b'));
  assert.notDeepEqual(features('电话\n好'), features('电话 好'));
});

test('one extractor gives every text the features of a fresh one', () => {
  const shared = new FeatureExtractor(settings);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const { buckets, weights } = features(text, shared);
      assert.deepEqual({ buckets, weights }, features(text));
      assert.equal(new Set(buckets).size, buckets.length);
      const length = Math.hypot(...weights);
      assert.ok(Math.abs(length - 1) < 1e-5, `length ${length}`);
    }),
  );
});

test('of a long text the beginning and the end are read', () => {
  const [head, tail] = ['甲'.repeat(32), '乙'.repeat(32)];
  assert.deepEqual(features(`${head}${'丙'.repeat(1000)}${tail}`), features(`${head}${tail}`));
});

test('how long a number is and whose address it is do not matter; a year and a host that is no address do', () => {
  assert.deepEqual(features('电话13812345678。'), features('电话01087654321099。'));
  assert.deepEqual(features('见 http://a.example/b?c=1 页'), features('见 www.other.example.org 页'));
  assert.notDeepEqual(features('电话2024。'), features('电话13812345678。'));
  assert.notDeepEqual(features('a.example'), features('b.other'));
});

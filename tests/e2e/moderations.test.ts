/** `/v1/moderations` with a classifier that is trained here: its labels are the categories, and long texts are read to their end. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { buildServer, Moderation } from '@tunan/api';
import { trainClassifier } from '@tunan/classifier';
import { moderationsSchema } from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { engine, close } = await tinyEngine();
after(close);
const models = new Map([['yuan-tiny', engine]]);
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-moderation-'));
after(() => rmSync(folder, { recursive: true }));

const goods = ['雨伞', '茶叶', '皮鞋', '台灯', '水壶', '书架', '手表', '床单'];
const examples = goods.flatMap((thing, place) => [
  { label: 'advert', source: 'shop', text: `【特价】${thing}厂家直销，今日五折！咨询热线1380000000${place}` },
  { label: 'story', source: 'tale', text: `老人慢慢走回来，手里还提着那只旧${thing}，一路没有说话。` },
]);
const options = { steps: 60, batch: 16, bucketBits: 12, validation: examples };
const trained = await trainClassifier(examples, options);
const place = path.join(folder, 'adverts');
trained.withThresholds({ advert: 0.6 }).save(place);
const { app } = buildServer({ models, moderation: await Moderation.open(place) });
const ask = async (input: unknown) => await app.inject({ method: 'POST', url: '/v1/moderations', payload: { input } });

test('labels that have a threshold are the categories', async () => {
  const advert = '【特价】棉被厂家直销，今日五折！';
  const story = '孩子慢慢走到门口，一路没有说话。';
  const { model, results } = moderationsSchema.parse((await ask([advert, story])).json());
  assert.equal(model, 'adverts');
  assert.deepEqual(
    results.map(({ flagged }) => flagged),
    [true, false],
  );
  assert.deepEqual(
    results.map(({ categories }) => categories),
    [{ advert: true }, { advert: false }],
  );
  assert.equal(results[0]!.category_scores.advert, trained.classify([advert])[0]!.probabilities.advert);
  const parts = moderationsSchema.parse((await ask([{ type: 'text', text: advert }])).json());
  assert.deepEqual(parts.results, [results[0]]);
  // A single look at the beginning and the end would miss it.
  const most = trained.config.maxCharacters;
  const [before, within] = [story, advert].map((one) => one.repeat(Math.ceil((1.5 * most) / one.length)));
  const hidden = `${before}${within}${before}`;
  assert.equal(trained.classify([hidden])[0]!.label, 'story');
  assert.equal(moderationsSchema.parse((await ask(hidden)).json()).results[0]!.flagged, true);
  assert.equal(moderationsSchema.parse((await ask(before)).json()).results[0]!.flagged, false);
});

test('without a classifier the address says how to get one, and one without thresholds is refused', async () => {
  assert.equal((await ask([{ type: 'image_url' }])).statusCode, 400);
  const { app: without } = buildServer({ models });
  const missing = await without.inject({ method: 'POST', url: '/v1/moderations', payload: { input: '春' } });
  assert.equal(missing.statusCode, 404);
  assert.match(missing.json().error.message, /tunan serve --moderation DIR/);
  const plain = path.join(folder, 'plain');
  trained.save(plain);
  await assert.rejects(Moderation.open(plain), /has no threshold for any of its labels \(advert, story\)/);
});

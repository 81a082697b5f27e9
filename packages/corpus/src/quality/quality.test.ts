import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Draft } from '../document.ts';
import { readRecipe } from '../recipe/recipe.ts';
import { NgramCounter, perplexity } from '../stages/character-ngrams.ts';
import { documentStages, requireModels } from '../stages/document-stages.ts';
import { readPerplexityModel } from '../stages/perplexity-model.ts';
import { recipeOf } from '../testing/recipe-of.ts';
import { trainPerplexity } from './train-perplexity.ts';
import { trainQuality } from './train-quality.ts';

const nouns = ['雨伞', '茶叶', '皮鞋', '台灯', '水壶', '书架', '手表', '床单', '镜子', '毛巾'];
const advert = (noun: string) => `特价${noun}厂家直销，欢迎来电订购，价格优惠！`;
const story = (noun: string) => `老人把${noun}放在门口，慢慢走回屋里，没有说话。`;

let directory: string;
before(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'tunan-quality-'));
});
after(() => rmSync(directory, { recursive: true }));

function writeLines(name: string, records: readonly object[]): string {
  const file = path.join(directory, name);
  writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return file;
}

function draft(body: string): Draft {
  return { id: 'a#0', source: 'a', title: '', body, meta: {} };
}

async function stage(options: object) {
  const recipe = recipeOf([options]);
  return (await documentStages(recipe, directory))[0]!.run;
}

describe('stage quality', () => {
  const labelled = () =>
    ['a', 'b', 'c'].flatMap((source) =>
      nouns.flatMap((noun) => [
        { text: advert(noun) + source, label: 'advert', source: `shop-${source}` },
        { text: story(noun) + source, label: 'high', source: `tale-${source}` },
      ]),
    );

  test('turns adverts away by the trained classifier and notes the quality of the rest', async () => {
    const out = path.join(directory, 'classifier');
    const settings = { out, keep: 'high', steps: 80, batch: 16, bucketBits: 12 };
    const report = await trainQuality(writeLines('labelled.jsonl', labelled()), settings);
    assert.equal(report.test.scores.macroF1, 1);
    assert.deepEqual(JSON.parse(readFileSync(path.join(out, 'report.json'), 'utf8')).thresholds, report.thresholds);
    assert.match(readFileSync(path.join(out, 'report.html'), 'utf8'), /质量分类器/);
    const run = await stage({ use: 'quality', model: 'classifier' });
    assert.deepEqual(run(draft(advert('铅笔'))), { reason: 'advert' });
    const kept = run(draft(story('铅笔'))) as Draft;
    assert.ok(Number(kept.meta.quality) > 0.5, kept.meta.quality);
    const long = nouns.map(story).join('').repeat(16);
    assert.ok(!('reason' in run(draft(long))));
    const spam = nouns.map(advert).join('').repeat(8);
    assert.deepEqual(run(draft(spam + long)), { reason: 'advert' }, 'spam that much harmless text follows');
    const whole = await stage({ use: 'quality', model: 'classifier', hidden: [] });
    assert.ok(!('reason' in whole(draft(spam + long))), 'parts are judged for hidden labels only');
    await assert.rejects(stage({ use: 'quality', model: 'classifier', hidden: ['advrt'] }), { code: 'CORPUS_MODEL' });
    await assert.rejects(stage({ use: 'quality', model: 'classifier', keep: 'best' }), {
      code: 'CORPUS_MODEL',
      message: /no label "best"; .* knows high, advert/,
    });
  });

  test('a recipe whose models are not there says how to make them', () => {
    const recipe = readRecipe(
      path.join(import.meta.dirname, '../../../../recipes/corpus/common-crawl-zh-filtered.json'),
    );
    const message = /stage quality: no model in .*nowhere.*runs.quality; make one with "tunan corpus train-quality/;
    assert.throws(() => requireModels(recipe.stages, path.join(directory, 'nowhere')), {
      code: 'CORPUS_MODEL',
      message,
    });
  });

  test('says what is wrong with a model or a labelled line', async () => {
    await assert.rejects(stage({ use: 'quality', model: 'nowhere' }), { code: 'CORPUS_MODEL', message: /nowhere/ });
    await assert.rejects(trainQuality(path.join(directory, 'none.jsonl'), { out: directory, keep: 'high' }), {
      code: 'CORPUS_SOURCE_MISSING',
      message: /none\.jsonl \(ENOENT\); give the path/,
    });
    const file = writeLines('bad.jsonl', [
      { text: '好', label: 'high', source: 'a' },
      { text: '', label: 'high', source: 'a' },
    ]);
    await assert.rejects(trainQuality(file, { out: path.join(directory, 'never'), keep: 'high' }), {
      code: 'CORPUS_MALFORMED_LINE',
      message: /bad\.jsonl:2: text: is empty/,
    });
  });
});

describe('stage perplexity', () => {
  const reference = () => nouns.flatMap((a) => nouns.map((b) => ({ text: `${story(a)}${story(b)}` })));

  test('sorts into buckets and drops those it is told to', async () => {
    const out = path.join(directory, 'model');
    const { documents, limits } = await trainPerplexity(writeLines('reference.jsonl', reference()), {
      out,
      slotBits: 14,
    });
    assert.equal(documents, 90);
    assert.ok(limits.head <= limits.middle);
    const run = await stage({ use: 'perplexity', model: 'model', drop: ['tail'] });
    const text = story('雨伞') + story('茶叶');
    const kept = run(draft(text)) as Draft;
    assert.notEqual(kept.meta.perplexityBucket, 'tail');
    const shuffled = [...text].sort().join('');
    assert.deepEqual(run(draft(shuffled)), { reason: 'perplexity-tail' });
  });

  test('the model from disk gives what the counter gave', async () => {
    const counter = new NgramCounter(3, 14);
    for (const noun of nouns) counter.add(story(noun));
    const file = writeLines(
      'small.jsonl',
      nouns.map((noun) => ({ text: story(noun) })),
    );
    const out = path.join(directory, 'again');
    const sample = writeLines('sample.jsonl', [
      { text: story('雨伞') },
      { text: advert('雨伞') },
      { text: advert('茶叶') },
    ]);
    await trainPerplexity(file, { out, order: 3, slotBits: 14, sample });
    const { table } = readPerplexityModel(out);
    assert.equal(perplexity(table, '老人走回屋里'), perplexity(counter.table(), '老人走回屋里'));
  });

  test('a damaged or missing model is named', async () => {
    const out = path.join(directory, 'damaged');
    await trainPerplexity(writeLines('reference.jsonl', reference()), { out, slotBits: 14 });
    writeFileSync(path.join(out, 'counts.bin.zst'), 'x');
    const code = { code: 'CORPUS_MODEL' };
    await assert.rejects(stage({ use: 'perplexity', model: 'damaged' }), {
      ...code,
      message: /counts\.bin\.zst is not the file/,
    });
    await assert.rejects(trainPerplexity(path.join(directory, 'none.jsonl'), { out }), {
      code: 'CORPUS_SOURCE_MISSING',
    });
    await assert.rejects(trainPerplexity('any.jsonl', { out, order: 9 }), { ...code, message: /from 1 to 8/ });
    await assert.rejects(stage({ use: 'perplexity', model: 'none' }), { ...code, message: /train-perplexity/ });
  });
});

test('a smoothed distribution: the units after a context sum to one', () => {
  const counter = new NgramCounter(3, 12);
  counter.add('甲乙丙甲乙丁甲乙丙');
  const table = counter.table();
  // P(next | 甲乙) from perplexities of whole texts; what was never met shares the rest evenly.
  const of = (text: string) => perplexity(table, text) ** -text.length;
  const context = of('甲乙');
  const met = ['甲', '乙', '丙', '丁'].reduce((sum, unit) => sum + of(`甲乙${unit}`) / context, 0);
  const unmet = (of('甲乙戊') / context) * (65_536 - 4);
  assert.ok(Math.abs(met + unmet - 1) < 1e-6, `${met} + ${unmet}`);
  assert.ok(of('甲乙丙') > of('甲乙丁') && of('甲乙丁') > of('甲乙戊'));
});

test('a full table forgets new n-grams, not the memory limit', () => {
  const counter = new NgramCounter(4, 10);
  for (let i = 0; i < 200; i++) counter.add(String.fromCodePoint(0x4e00 + 3 * i, 0x5e00 + 5 * i, 0x6e00 + 7 * i));
  const table = counter.table();
  assert.ok(table.keys.filter((key) => key !== 0).length <= 0.75 * 1024 + 1);
  assert.ok(Number.isFinite(perplexity(table, '一二三')));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CorpusError } from '../errors.ts';
import { parseRecipe, readRecipe, recipeSha256 } from './recipe.ts';

const base = () => ({
  name: 'one',
  title: { en: 'One', zh: '一' },
  description: { en: 'One', zh: '一' },
  licence: 'MIT',
  sources: [{ type: 'jsonl', name: 'a', licence: 'MIT', paths: ['a.jsonl'] }],
  stages: [{ use: 'simplify' }, { use: 'rules', minHan: 3 }, { use: 'exact-duplicates' }],
  split: { validation: 0.1, test: 0.1, seed: 1 },
});

function messagesOf(value: unknown): { en: string; zh: string } {
  let said = { en: '', zh: '' };
  assert.throws(
    () => parseRecipe(value, 'r.json'),
    (error: CorpusError) => {
      assert.equal(error.code, 'CORPUS_RECIPE');
      assert.equal(error.userMistake, true);
      said = { en: error.message, zh: error.chinese ?? '' };
      return true;
    },
  );
  return said;
}

const messageOf = (value: unknown) => messagesOf(value).en;

test('an unknown field is named', () => {
  assert.match(messageOf({ ...base(), licens: 'MIT' }), /r\.json: unknown field "licens"; known: name, .*licence/);
  assert.match(
    messageOf({ ...base(), stages: [{ use: 'rules', minHans: 3 }] }),
    /stages\.0: unknown field "minHans"; known: use, minHan, maxHan/,
  );
  const [source] = base().sources;
  assert.match(messageOf({ ...base(), sources: [{ ...source, path: 'a' }] }), /sources\.0: .*"path"; known: .*paths/);
  const warc = { ...source, type: 'warc', list: ['a'] };
  assert.match(messageOf({ ...base(), sources: [warc] }), /sources\.0: .*"list"; known: .*lists/);
  const inner = messageOf({ ...base(), split: { ...base().split, sed: 1 } });
  assert.match(inner, /split: unknown field "sed"; known: validation, test, seed; did you mean "seed"\?$/);
});

test('an unknown stage is named with those that are known', () => {
  assert.match(
    messageOf({ ...base(), stages: [{ use: 'polish' }] }),
    /stages\.0\.use: unknown "polish"; known: decode, extract, .*simplify/,
  );
});

test('a document stage after duplicate detection and a repeated duplicate stage are refused', () => {
  const late = [{ use: 'exact-duplicates' }, { use: 'simplify' }];
  assert.match(messageOf({ ...base(), stages: late }), /"simplify" must come before "exact-duplicates"/);
  const twice = [{ use: 'exact-duplicates' }, { use: 'exact-duplicates' }];
  assert.match(messageOf({ ...base(), stages: twice }), /at most one/);
});

test('a stage that is only a name is told how it is written, in both languages', () => {
  const said = messagesOf({ ...base(), stages: ['decode'] });
  assert.equal(said.en, 'r.json: stages.0: expected an object such as {"use": "decode"}, not "decode"');
  assert.equal(said.zh, 'r.json：stages.0：应为对象，例如 {"use": "decode"}，而不是 "decode"');
});

test('every mistake is told at once', () => {
  const { en, zh } = messagesOf({
    ...base(),
    name: 'Ä',
    sources: [],
    stages: [{ use: 'rules', minHan: 'x' }],
  });
  assert.deepEqual(
    en.split('\n').map((line) => line.split(':')[0]!.trim()),
    ['r.json', 'name', 'sources', 'stages.0.minHan'],
  );
  assert.match(zh, /^r\.json：有 3 处错误\n {2}name：只能用小写字母、数字和连字符\n/);
});

test('a split that leaves nothing to train on, a missing field and a wrong type are refused', () => {
  assert.match(messageOf({ ...base(), split: { validation: 0.5, test: 0.5, seed: 1 } }), /leave something/);
  const { sources: _, ...without } = base();
  assert.match(messageOf(without), /r\.json: sources: is missing: a list is needed/);
  assert.match(messageOf({ ...base(), split: { validation: '1 %', test: 0, seed: 1 } }), /split\.validation/);
});

test('title, description, licence, split and the numbers of near duplicates have defaults', () => {
  const { name, sources } = base();
  const [source] = sources;
  const { licence: _, ...plain } = source!;
  const recipe = parseRecipe({ name, sources: [plain], stages: [{ use: 'near-duplicates' }] });
  assert.deepEqual(
    [recipe.title, recipe.description, recipe.licence],
    [{ en: 'one', zh: 'one' }, { en: '', zh: '' }, 'unknown'],
  );
  assert.deepEqual(recipe.split, { validation: 0.01, test: 0.01, seed: 1 });
  assert.deepEqual(recipe.stages, [{ use: 'near-duplicates', ngram: 5, bands: 24, rows: 6, similarity: 0.8 }]);
  assert.deepEqual(parseRecipe({ name, title: '题', sources: [plain], stages: [] }).title, { en: '题', zh: '题' });
});

test('a missing file and a file that is not JSON are one-line errors', () => {
  assert.throws(() => readRecipe('/nowhere/r.json'), /cannot read \/nowhere\/r\.json/);
  assert.throws(() => readRecipe(import.meta.filename), /is not valid JSON: line 1, column 1/);
});

test('the digest does not depend on the order of fields', () => {
  const forward = parseRecipe(base());
  const backward = parseRecipe(Object.fromEntries(Object.entries(base()).reverse()));
  assert.equal(recipeSha256(forward), recipeSha256(backward));
  assert.notEqual(recipeSha256(forward), recipeSha256(parseRecipe({ ...base(), licence: 'CC0-1.0' })));
});

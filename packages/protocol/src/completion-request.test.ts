import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completionRequestSchema, describeInvalid, preferredLanguage, promptsOf, stopsOf } from './index.ts';

test('an empty body gets the defaults of OpenAI, and the extensions are off', () => {
  assert.deepEqual(completionRequestSchema.parse({}), {
    prompt: '',
    max_tokens: 16,
    temperature: 1,
    top_p: 1,
    n: 1,
    stream: false,
    stop: [],
    echo: false,
    presence_penalty: 0,
    frequency_penalty: 0,
    logit_bias: {},
    top_k: 0,
    frequencyPenalty: 1,
    responsePenalty: 1,
    noRepeatNgramSize: 0,
    begin_document: false,
  });
});

test('null is the same as an absent field', () => {
  const nulls = Object.fromEntries(Object.keys(completionRequestSchema.shape).map((key) => [key, null]));
  const given = Object.entries(completionRequestSchema.parse(nulls)).filter(([, value]) => value !== undefined);
  assert.deepEqual(Object.fromEntries(given), completionRequestSchema.parse({}));
});

test('a prompt is a text, texts, ids or lists of ids', () => {
  assert.deepEqual(promptsOf('春'), ['春']);
  assert.deepEqual(promptsOf(['春', '秋']), ['春', '秋']);
  assert.deepEqual(promptsOf([1, 2]), [[1, 2]]);
  assert.deepEqual(promptsOf([[1], [2, 3]]), [[1], [2, 3]]);
  for (const bad of [[], [[]], [1, '春'], [1.5], [-1], 7, { text: '春' }]) {
    assert.equal(completionRequestSchema.safeParse({ prompt: bad }).success, false, JSON.stringify(bad));
  }
});

test('stop is one text or several, never empty ones', () => {
  assert.deepEqual(stopsOf('\n'), ['\n']);
  assert.deepEqual(stopsOf(['\n', '。']), ['\n', '。']);
  assert.equal(completionRequestSchema.safeParse({ stop: '' }).success, false);
  assert.equal(completionRequestSchema.safeParse({ stop: ['。', ''] }).success, false);
});

const refusals: [string, unknown, string | null, RegExp][] = [
  ['wrong type', { temperature: 'hot' }, 'temperature', /^temperature: .*expected number/],
  ['out of range', { top_p: 1.1 }, 'top_p', /^top_p: .*<=1/],
  ['NaN', { temperature: Number.NaN }, 'temperature', /^temperature: /],
  ['misspelt field', { max_token: 5 }, 'max_token', /Unrecognized key: "max_token"/],
  ['wrong prompt', { prompt: 7 }, 'prompt', /^prompt: expected a text, a list of texts/],
  ['suffix', { suffix: 'x' }, 'suffix', /^suffix: suffix is not supported/],
  ['best_of', { best_of: 3, n: 2 }, 'best_of', /^best_of: best_of is supported only when it equals n/],
  ['stream_options alone', { stream_options: { include_usage: true } }, 'stream_options', /stream: true/],
  ['too many choices', { prompt: ['a', 'b'], n: 100 }, 'n', /at most 128/],
  ['bad bias', { logit_bias: { first: 1 } }, 'logit_bias.first', /^logit_bias\.first: /],
  ['several mistakes', { temperature: 9, top_k: -1 }, 'temperature', /\(and 1 more\)$/],
  ['no object', [], null, /expected object/],
];

for (const [name, input, param, message] of refusals) {
  test(`refused in one line: ${name}`, () => {
    const invalid = describeInvalid(completionRequestSchema, input, 'en');
    assert.equal(invalid?.param, param);
    assert.match(invalid?.message ?? '', message);
    assert.doesNotMatch(invalid?.message ?? '', /\n/);
  });
}

test('the same in Chinese', () => {
  assert.match(describeInvalid(completionRequestSchema, { temperature: 'hot' }, 'zh')?.message ?? '', /期望 数字/);
  assert.match(describeInvalid(completionRequestSchema, { prompt: 7 }, 'zh')?.message ?? '', /应为一段文本/);
  assert.match(describeInvalid(completionRequestSchema, { n: 0, top_k: -1 }, 'zh')?.message ?? '', /另有 1 处错误/);
  assert.equal(describeInvalid(completionRequestSchema, { prompt: '春' }, 'zh'), undefined);
});

test('Accept-Language by quality, then by order', () => {
  assert.equal(preferredLanguage(undefined), 'en');
  assert.equal(preferredLanguage('zh-CN,zh;q=0.9,en;q=0.8'), 'zh');
  assert.equal(preferredLanguage('en-US,en;q=0.9,zh;q=0.8'), 'en');
  assert.equal(preferredLanguage('en;q=0.2, zh;q=0.8'), 'zh');
  assert.equal(preferredLanguage('fr, zh-TW;q=0.5'), 'zh');
  assert.equal(preferredLanguage('zh;q=0, en;q=0.1'), 'en');
  assert.equal(preferredLanguage('*'), 'en');
});

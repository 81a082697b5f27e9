import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  completionRequestSchema,
  constraintOf,
  describeInvalid,
  ignoredFields,
  LIMITS,
  preferredLanguage,
  promptsOf,
  stopsOf,
  withoutAliases,
} from './index.ts';

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
    min_p: 0,
    repetition_penalty: 1,
    frequencyPenalty: 1,
    responsePenalty: 1,
    noRepeatNgramSize: 0,
    typical_p: 1,
    min_tokens: 0,
    ignore_eos: false,
    stop_token_ids: [],
    include_stop_str_in_output: false,
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

const ids = (count: number) => new Array<number>(count).fill(7);
const refusals: [string, unknown, string | null, RegExp, RegExp][] = [
  [
    'wrong type',
    { temperature: 'hot' },
    'temperature',
    /^temperature: expected a number, not "hot"$/,
    /^temperature：应为数字，/,
  ],
  ['out of range', { top_p: 1.1 }, 'top_p', /^top_p: must be at most 1, not 1.1$/, /至多为 1，而不是 1.1$/],
  ['not above', { repetition_penalty: 0 }, 'repetition_penalty', /must be greater than 0$/, /须大于 0$/],
  ['NaN', { temperature: Number.NaN }, 'temperature', /^temperature: expected a number, not NaN$/, /应为数字/],
  ['no integer', { max_tokens: 1.5 }, 'max_tokens', /^max_tokens: expected an integer, not 1.5$/, /应为整数/],
  ['no seed', { seed: 0.5 }, 'seed', /^seed: expected an integer of at most 64 bits, not 0.5$/, /应为至多 64 位的整数/],
  ['too large a seed', { seed: 2n ** 65n }, 'seed', /at most 64 bits, not 36893488147419103232$/, /至多 64 位/],
  ['more logprobs', { logprobs: 21 }, 'logprobs', /^logprobs: must be at most 20, not 21$/, /至多为 20/],
  ['wrong prompt', { prompt: 7 }, 'prompt', /^prompt: expected a text, a list of texts/, /^prompt：应为一段文本/],
  [
    'mixed prompt',
    { prompt: [7, '春'] },
    'prompt',
    /^prompt: expected a text, a list of texts/,
    /^prompt：应为一段文本/,
  ],
  ['no prompts', { prompt: [] }, 'prompt', /^prompt: is empty; give at least one/, /^prompt：不能为空$/],
  ['no ids', { prompt: [[1], []] }, 'prompt.1', /^prompt\.1: is empty/, /^prompt\.1：不能为空$/],
  ['negative id', { prompt: [3, -1] }, 'prompt.1', /^prompt\.1: must be at least 0, not -1$/, /至少为 0/],
  [
    'texts',
    { prompt: new Array(129).fill('春') },
    'prompt',
    /^prompt: has 129 entries, at most 128 .*several requests$/,
    /至多 128 项/,
  ],
  [
    'ids',
    { prompt: ids(131_073) },
    'prompt',
    /^prompt: has 131073 entries, at most 131072 .*several/,
    /至多 131072 项/,
  ],
  ['lists', { prompt: new Array(129).fill([7]) }, 'prompt', /^prompt: has 129 entries, at most 128/, /至多 128 项/],
  ['ids of a list', { prompt: [[7], ids(131_073)] }, 'prompt.1', /^prompt\.1: has 131073 entries/, /至多 131072 项/],
  [
    'stops',
    { stop: new Array(17).fill('。') },
    'stop',
    /^stop: has 17 entries, at most 16 .*leave some out$/,
    /至多 16 项；请减少/,
  ],
  ['stop', { stop: '。'.repeat(257) }, 'stop', /^stop: has 257 characters, at most 256/, /至多 256 个/],
  ['a stop', { stop: ['。', '。'.repeat(257)] }, 'stop.1', /^stop\.1: has 257 characters/, /至多 256 个/],
  ['suffix', { suffix: 'x' }, 'suffix', /^suffix: is not supported; leave it out$/, /^suffix：不支持/],
  [
    'best_of',
    { best_of: 2, n: 3 },
    'best_of',
    /^best_of: is 2, less than n = 3; raise it/,
    /^best_of：为 2，小于 n = 3/,
  ],
  ['best_of of a stream', { best_of: 2, stream: true }, 'best_of', /cannot be streamed/, /不能流式返回/],
  ['best_of of all', { best_of: 129 }, 'best_of', /^best_of: 1 prompts times best_of = 129/, /至多 128 个/],
  [
    'stream_options alone',
    { stream_options: { include_usage: true } },
    'stream_options',
    /stream: true/,
    /stream: true/,
  ],
  ['choices', { n: 129 }, 'n', /^n: must be at most 128, not 129; send several requests$/, /请分成几个请求/],
  [
    'answers',
    { prompt: ['a', 'b'], n: 100 },
    'n',
    /^n: 2 prompts times n = 100 are 200 answers, at most 128/,
    /至多 128 个/,
  ],
  ['bad bias', { logit_bias: { first: 1 } }, 'logit_bias.first', /^logit_bias\.first: is no token id$/, /不是词元编号/],
  [
    'biases',
    { logit_bias: Object.fromEntries(ids(301).map((_, id) => [id, 1])) },
    'logit_bias',
    /^logit_bias: has 301 entries, at most 300 are taken/,
    /至多 300 项/,
  ],
  [
    'several',
    { temperature: 9, top_k: -2 },
    'temperature',
    /^temperature: .*; top_k: must be at least -1, not -2$/,
    /；top_k：/,
  ],
  ['no object', [], null, /^the body: expected an object, not a list$/, /^请求体应为对象，而不是列表$/],
];

for (const [name, input, param, message, chinese] of refusals) {
  test(`refused in one line: ${name}`, () => {
    const english = describeInvalid(completionRequestSchema, input, 'en')!;
    assert.equal(english.param, param);
    assert.match(english.message, message);
    const { message: translated } = describeInvalid(completionRequestSchema, input, 'zh')!;
    assert.match(translated, chinese);
    assert.doesNotMatch(english.message + translated, /\n/);
    assert.doesNotMatch(translated, /[a-z]+ [a-z]+ [a-z]+/, 'Chinese is wholly Chinese');
  });
}

test('what others send is taken where it can be honoured', () => {
  for (const body of [
    { suffix: null },
    { suffix: '' },
    { top_k: -1, min_p: 0.05, repetition_penalty: 1.1, seed: 2n ** 60n },
    { logprobs: LIMITS.logprobs },
    { stream: true, stream_options: { include_usage: true, include_obfuscation: false } },
    { best_of: 2, n: 2, stream: true },
    { best_of: 128, n: 2 },
  ]) {
    assert.equal(describeInvalid(completionRequestSchema, body, 'en'), undefined, Object.keys(body).join());
  }
});

test('what changes nothing is named', () => {
  const body = JSON.parse(
    '{"prompt":"春","max_token":3,"__proto__":1,"toString":2,"stream_options":{"include_obfuscation":true,"chunk":1}}',
  );
  assert.equal(describeInvalid(completionRequestSchema, { ...body, stream: true }, 'en'), undefined);
  const named = ['max_token', '__proto__', 'toString', 'stream_options.include_obfuscation', 'stream_options.chunk'];
  assert.deepEqual(ignoredFields(body), named);
  assert.deepEqual(ignoredFields({ prompt: '春', stream_options: { include_obfuscation: false } }), []);
  assert.deepEqual(ignoredFields([]), []);
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

test('a field of another server stands for ours, and both at once must agree', () => {
  const aliased = (body: object) => withoutAliases(completionRequestSchema.parse(body));
  const given = { n_predict: 5, repeat_penalty: 1.3, no_repeat_ngram_size: 2 };
  assert.deepEqual(aliased(given), { maxTokens: 5, repetitionPenalty: 1.3, noRepeatNgramSize: 2 });
  assert.deepEqual(ignoredFields(given), []);
  assert.equal(aliased({ n_predict: 5, max_tokens: 5 }).maxTokens, 5);
  assert.ok(aliased({ n_predict: -1 }).maxTokens > LIMITS.promptTokens);
  const refused = describeInvalid(completionRequestSchema, { n_predict: 5, max_tokens: 7 }, 'en');
  assert.deepEqual(refused, {
    param: 'n_predict',
    message: 'n_predict: is 5, and max_tokens, which means the same, is 7; leave one out',
  });
  const endless = describeInvalid(completionRequestSchema, { min_tokens: 20 }, 'en');
  assert.match(endless?.message ?? '', /^min_tokens: is 20, more than max_tokens, which is 16/);
  const streamed = describeInvalid(completionRequestSchema, { prompt_logprobs: 1, stream: true }, 'zh');
  assert.equal(streamed?.message, 'prompt_logprobs：不能用于流式；请去掉 stream');
});

test('a constraint by any of its names, and no second one', () => {
  const asked = (body: object) => constraintOf(completionRequestSchema.parse(body));
  const schema = { type: 'integer' };
  assert.deepEqual(asked({ response_format: { type: 'json_schema', json_schema: { name: 'n', schema } } }), {
    option: 'response_format',
    kind: 'json',
    schema,
  });
  assert.equal(asked({ response_format: { type: 'text' } }), undefined);
  assert.equal(asked({ response_format: { type: 'json_object' } })?.kind, 'json-object');
  assert.deepEqual(asked({ structured_outputs: { json: '{"type":"integer"}' } }), {
    option: 'structured_outputs',
    kind: 'json',
    schema,
  });
  assert.deepEqual(asked({ structured_outputs: { choice: ['是', '否'] } }), {
    option: 'structured_outputs',
    kind: 'choice',
    texts: ['是', '否'],
  });
  assert.equal(asked({ json_schema: schema })?.option, 'json_schema');
  assert.equal(asked({ grammar: 'root ::= "a"' })?.kind, 'grammar');
  const refused: [object, RegExp][] = [
    [{ grammar: 'x', json_schema: schema }, /^grammar: is a second constraint beside json_schema/],
    [{ structured_outputs: { regex: 'a', choice: ['a'] } }, /^structured_outputs: is a second constraint/],
    [{ structured_outputs: {} }, /asks for nothing/],
    [{ structured_outputs: { json: '{' } }, /no JSON text/],
    [{ response_format: { type: 'json_schema' } }, /has no json_schema.schema/],
    [{ json_schema: { const: 2n ** 60n } }, /beyond 2\^53/],
    [{ json_schema: 'x' }, /expected a JSON schema/],
  ];
  for (const [body, message] of refused) {
    assert.match(describeInvalid(completionRequestSchema, body, 'en')?.message ?? '', message);
  }
});

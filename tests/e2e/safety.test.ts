/** Safety over HTTP: prompts refused and masked, answers masked and ended, streamed as whole; marks of generated content; counts and audit log. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { buildServer, Safety } from '@tunan/api';
import { completionSchema } from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { engine, tokenizer, close } = await tinyEngine();
after(close);
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-safety-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(path.join(folder, 'banned.txt'), '# ours\n夜来风雨\nforbidden\n');
writeFileSync(path.join(folder, 'masked.txt'), '啼鸟\n');
writeFileSync(path.join(folder, 'said.txt'), '处处闻\n');
const policy = {
  lists: [
    { category: 'banned', path: 'banned.txt', input: 'block' },
    { category: 'ended', path: 'said.txt', output: 'block' },
    { category: 'birds', path: 'masked.txt', input: 'log', output: 'mask' },
  ],
  personalData: { kinds: ['mobile'], input: 'mask', output: 'mask' },
  audit: { directory: 'audit', days: 30 },
};
const file = path.join(folder, 'policy.json');
writeFileSync(file, JSON.stringify(policy));
const troubles: unknown[] = [];
const safety = await Safety.open(file, { onTrouble: (error) => void troubles.push(error) });
const { app } = buildServer({
  models: new Map([['m', engine]]),
  safety,
  contentMark: { producer: '某某大学', notice: true },
});
const fail = (error: unknown) => assert.fail(String(error));
const NO_END = { [tokenizer.eod]: -100 };
const NOTICE = '\n（本内容由人工智能生成）';

async function complete(body: object, headers: Record<string, string> = {}) {
  const payload = { max_tokens: 4, seed: 3, logit_bias: NO_END, ...body };
  return await app.inject({ method: 'POST', url: '/v1/completions', headers, payload });
}

/** Text and end of a streamed answer, put together. */
async function streamed(body: object) {
  const { body: text } = await complete({ ...body, stream: true });
  const parts = text
    .split('\n\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => completionSchema.parse(JSON.parse(line.slice(6))));
  return {
    text: parts.map(({ choices }) => choices[0]?.text ?? '').join(''),
    end: parts.map(({ choices }) => choices[0]?.finish_reason).find((reason) => reason != null),
    marks: new Set(parts.map(({ AIGC }) => AIGC?.ContentProducer)),
  };
}

test('a prompt with what blocks is refused in both languages, before anything runs, and its words are not told', async () => {
  const refused = await complete({ prompt: '昨夜，夜来风雨' });
  assert.deepEqual(
    [refused.statusCode, refused.json().error.code, refused.json().error.param],
    [400, 'content_filter', 'prompt'],
  );
  assert.match(refused.json().error.message, /refused by the rules of this server \(banned\)/);
  assert.doesNotMatch(refused.body, /风雨/);
  const chinese = await complete({ prompt: 'Forbidden!' }, { 'accept-language': 'zh' });
  assert.match(chinese.json().error.message, /不符合本服务器的内容规则/);
  assert.equal((await complete({ prompt: 'unforbidden' })).statusCode, 200);
});

test('token ids are refused where texts are checked', async () => {
  const refused = await complete({ prompt: [1, 2, 3] });
  assert.deepEqual([refused.statusCode, refused.json().error.param], [400, 'prompt']);
  const embed = (input: unknown) =>
    app.inject({ method: 'POST', url: '/v1/embeddings', payload: { model: 'm', input } });
  assert.equal((await embed([1, 2])).json().error.param, 'input');
  assert.equal((await embed(['春', '夜来风雨'])).json().error.code, 'content_filter');
  assert.equal((await embed('春')).statusCode, 200);
});

test('an answer is masked, whole and streamed alike, with its log-probabilities; the prompt is masked before the engine sees it', async () => {
  const prompt = '花落，啼鸟，电话13812345678，春';
  const whole = completionSchema.parse((await complete({ prompt, echo: true, logprobs: 1 })).json());
  const choice = whole.choices[0]!;
  assert.ok(choice.text.startsWith('花落，**，电话〈手机号〉，春'), choice.text);
  assert.ok(choice.text.endsWith(NOTICE));
  assert.ok(!choice.logprobs?.tokens.join('').includes('啼鸟'));
  const { tokens, text_offset } = choice.logprobs!;
  for (const [place, token] of tokens.entries()) {
    if (!token.startsWith('bytes:')) assert.equal(choice.text.slice(text_offset[place]).startsWith(token), true, token);
  }
  const { text, end } = await streamed({ prompt, echo: true, logprobs: 1 });
  assert.deepEqual([text, end], [choice.text, choice.finish_reason]);
});

test('what blocks in an answer ends it with content_filter, whole and streamed, and the model stops', async () => {
  const body = { prompt: '春眠，处处闻啼鸟', echo: true, max_tokens: 400 };
  const whole = completionSchema.parse((await complete(body)).json());
  assert.deepEqual(
    whole.choices.map(({ text, finish_reason }) => [text, finish_reason]),
    [[`春眠，${NOTICE}`, 'content_filter']],
  );
  assert.deepEqual(await streamed(body), {
    text: `春眠，${NOTICE}`,
    end: 'content_filter',
    marks: new Set(['某某大学']),
  });
  while (engine.occupancy.running > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('every answer has the mark of generated content; one that has to be JSON has no notice', async () => {
  const plain = (await complete({ prompt: '春' })).json();
  const { id, AIGC, choices } = plain;
  assert.deepEqual([AIGC.Label, AIGC.ContentProducer, AIGC.ProduceID], ['1', '某某大学', id]);
  assert.ok(choices[0].text.endsWith(NOTICE));
  const constrained = (await complete({ prompt: '春', structured_outputs: { choice: ['花', '鸟'] } })).json();
  assert.ok(['花', '鸟'].includes(constrained.choices[0].text), JSON.stringify(constrained));
});

test('what was found is counted, and stands in the audit log without its text', async () => {
  const metrics = (await app.inject('/metrics')).body;
  assert.match(
    metrics,
    /tunan_safety_findings_total\{direction="input",action="block",source="list",category="banned"\} 3/,
  );
  assert.match(metrics, /tunan_refusals_total\{reason="content_filter"\} 3/);
  assert.match(metrics, /tunan_time_to_first_token_seconds_count [1-9]/);
  await safety.close();
  const logs = readdirSync(path.join(folder, 'audit'));
  assert.equal(logs.length, 1);
  const lines = readFileSync(path.join(folder, 'audit', logs[0]!), 'utf8')
    .trim()
    .split('\n');
  const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.ok(
    entries.some(({ direction, category, model }) => direction === 'input' && category === 'banned' && model === 'm'),
  );
  assert.ok(entries.some(({ direction, source }) => direction === 'output' && source === 'personal-data') === false);
  assert.ok(entries.some(({ direction, source }) => direction === 'input' && source === 'personal-data'));
  assert.doesNotMatch(lines.join('\n'), /风雨|啼鸟|138/);
  assert.deepEqual(troubles, []);
});

test('a key or an organisation may have another policy; audit logs with texts, kept for so many days', async () => {
  const old = path.join(folder, 'audit', 'audit-2020-01-01.jsonl');
  writeFileSync(old, '{}\n');
  utimesSync(old, 0, 0);
  writeFileSync(path.join(folder, 'free.json'), '{}');
  const other = path.join(folder, 'other.json');
  const exceptions = [{ keys: ['key_1'], policy: 'free.json' }];
  writeFileSync(other, JSON.stringify({ ...policy, audit: { ...policy.audit, texts: true }, exceptions }));
  await using both = await Safety.open(other, { onTrouble: fail });
  const caller = { organisationId: 'o', accountId: 'a', models: undefined, routes: undefined };
  const of = { requestId: 'r', route: '/v1/completions', model: 'm' };
  assert.equal(both.checkText('夜来风雨', { ...of, caller: { ...caller, keyId: 'key_1' } }, 'prompt'), '夜来风雨');
  assert.throws(() => both.checkText('夜来风雨', { ...of, caller: { ...caller, keyId: 'key_2' } }, 'prompt'));
  await both.close();
  const logs = readdirSync(path.join(folder, 'audit'));
  assert.ok(!logs.includes('audit-2020-01-01.jsonl'));
  assert.match(readFileSync(path.join(folder, 'audit', logs[0]!), 'utf8'), /"key":"key_2".*"text":"夜来风雨"/);
});

test('a policy that is wrong is refused with its place', async () => {
  const bad = async (content: unknown) => {
    const place = path.join(folder, 'bad.json');
    writeFileSync(place, JSON.stringify(content));
    await assert.rejects(Safety.open(place, { onTrouble: fail }), { code: 'SAFETY_BAD_POLICY' });
  };
  await bad({ lists: [{ category: 'a', path: 'missing.txt', input: 'block' }] });
  await bad({ lists: [{ category: 'a', path: 'banned.txt', input: 'refuse' }] });
  await bad({ personaldata: {} });
  await bad({ exceptions: [{ policy: 'free.json' }] });
});

test('every way of asking is looked over: responses, embeddings, and Yuan 1.0’s protocol', async () => {
  const words = '昨夜，夜来风雨';
  for (const [url, payload] of [
    ['/v1/responses', { input: words }],
    ['/v1/responses', { input: '春', instructions: words }],
    ['/v1/embeddings', { input: ['春', words] }],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: words }] }],
  ] as const) {
    const refused = await app.inject({ method: 'POST', url, payload });
    assert.deepEqual([refused.statusCode, refused.json().error.code], [400, 'content_filter'], url);
  }
  const query = { account: 'a', data: words };
  const asked = await app.inject({ url: '/v1/interface/api/infer/getRequestId', query });
  const look = async () => {
    const result = { account: 'a', requestId: asked.json().resData };
    return (await app.inject({ url: '/v1/interface/api/result', query: result })).json();
  };
  let reply = await look();
  while (reply.flag && reply.resData === null) reply = await look();
  assert.deepEqual([reply.flag, reply.errCode], [false, 'IBASE_PARAM_ERROR']);
  const marked = await app.inject({
    method: 'POST',
    url: '/v1/responses',
    payload: { input: '春', max_output_tokens: 4 },
  });
  assert.equal(marked.json().AIGC.ContentProducer, '某某大学');
});

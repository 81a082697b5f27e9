/** The typed client of packages/protocol against the server: completions, streams, errors, and Yuan's class by both protocols. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { serve } from '@tunan/api';
import { collect } from '@tunan/inference';
import { answerer, cleanAnswer, EndpointError, Example, OpenApi, Yuan, yuanEndpoint } from '@tunan/protocol/client';
import { tinyEngine } from './tiny-engine.ts';

const { engine, tokenizer, close } = await tinyEngine();
const models = new Map([['yuan-tiny', engine]]);
const serving = await serve({ models, port: 0, yuanAccounts: new Map([['reader', '1']]), apiKeys: ['k'] });
after(async () => {
  await serving.close();
  close();
});
const api = new OpenApi({ url: `${serving.url}/v1`, apiKey: 'k' });
const noEnd = { [tokenizer.eod]: -100 };

test('completions whole and in parts, models, and what is refused', async () => {
  const [model] = await api.models();
  assert.deepEqual([model!.id, model!.owned_by], ['yuan-tiny', 'tunan']);
  const body = { prompt: '春眠', max_tokens: 8, temperature: 0, logit_bias: noEnd };
  const whole = await api.complete(body);
  assert.equal(whole.usage!.completion_tokens, 8);
  const parts = [];
  for await (const part of api.streamCompletion(body)) parts.push(part);
  assert.equal(parts.map(({ choices = [] }) => choices[0]?.text ?? '').join(''), whole.choices[0]!.text);
  assert.equal(parts.at(-1)!.usage!.completion_tokens, 8);
  const refused = (error: unknown) =>
    error instanceof EndpointError && error.kind === 'refused' && error.answered?.param === 'temperature';
  await assert.rejects(api.complete({ prompt: '春', temperature: 9 }), refused);
  const stranger = new OpenApi({ url: `${serving.url}/v1` });
  await assert.rejects(stranger.models(), { kind: 'key' });
});

test('a stream that is left ends the request at the server', async () => {
  for await (const _ of api.streamCompletion({ prompt: '春', max_tokens: 400, logit_bias: noEnd })) break;
  while (engine.occupancy.running > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("Yuan's class: the query text of the original, examples that come and go", async () => {
  const asked: string[] = [];
  const yuan = new Yuan(async (query) => {
    asked.push(query);
    return ' 好 的。#<eod>▃▁　\n\n问：';
  });
  const example = new Example('春天', '花');
  yuan.addExample(example);
  yuan.addExample(new Example('冬天', '雪'));
  assert.equal(yuan.craftQuery('秋天'), '春天\n答:花\n\n冬天\n答:雪\n\n秋天\n');
  assert.ok(yuan.deleteExample(example.id) && !yuan.deleteExample(example.id));
  assert.deepEqual([yuan.getExample(example.id), yuan.examples.length], [undefined, 1]);
  assert.equal(await yuan.submit('秋天'), '好的。');
  assert.deepEqual(asked, ['冬天\n答:雪\n\n秋天\n']);
  const form = { inputPrefix: '问：“', inputSuffix: '”', outputPrefix: '答：“', outputSuffix: '”' };
  const talk = new Yuan(async () => '', { ...form, appendOutputPrefixToQuery: true });
  assert.equal(talk.craftQuery('你好'), '问：“你好”答：“');
  assert.equal(cleanAnswer('一。二；三', ['；', '。']), '一');
});

test('both protocols give what the engine writes, cleaned', async () => {
  const options = { maxTokens: 20, noRepeatNgramSize: 0, frequencyPenalty: 1, responsePenalty: 1 };
  const phone = { url: serving.url, engine: 'base_10B', account: 'reader', phone: '1' };
  const [own, open] = [yuanEndpoint(phone), answerer(api)].map((answer) => new Yuan(answer, options));
  for (const yuan of [own!, open!]) yuan.addExample(new Example('春', '花'));
  const query = own!.craftQuery('夜');
  const generation = engine.submit({ prompts: [query], maxTokens: 20, temperature: 0.9, topK: 1, topP: 0.9 });
  const wanted = cleanAnswer((await collect(generation)).sequences[0]!.text, ['\n\n']);
  assert.notEqual(wanted, '');
  assert.equal(await own!.submit('夜'), wanted);
  assert.equal(await open!.submit('夜'), wanted);
  const stranger = new Yuan(yuanEndpoint({ ...phone, phone: '2' }));
  await assert.rejects(stranger.submit('夜'), { kind: 'key', message: /IBASE_TOKEN_ERROR/ });
  const impatient = new Yuan(yuanEndpoint({ ...phone, waitSeconds: 0 }), { ...options, maxTokens: 400, topK: 0 });
  await assert.rejects(impatient.submit('夜'), { kind: 'slow' });
});

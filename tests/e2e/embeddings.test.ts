/** `/v1/embeddings`: the vectors against the model itself, their forms, behind another server, and what is refused. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { buildServer, serve } from '@tunan/api';
import { openEngine } from '@tunan/inference';
import { embeddingsSchema, errorBodySchema } from '@tunan/protocol';
import { OpenApi } from '@tunan/protocol/client';
import { noGrad, scope, tensor } from '@tunan/torch';
import { SIZES, tinyEngine } from './tiny-engine.ts';

const { engine, model, tokenizer, close } = await tinyEngine();
const models = new Map([['yuan-tiny', engine]]);
const { app } = buildServer({ models });
const serving = await serve({ models, port: 0 });
after(async () => {
  await serving.close();
  close();
});

async function ask(body: object, server = app) {
  const response = await server.inject({ method: 'POST', url: '/v1/embeddings', payload: body });
  return { status: response.statusCode, headers: response.headers, json: response.json() as unknown };
}

/** The definition: states of the last layer behind the final norm, averaged over the tokens, of length 1. */
function wanted(ids: readonly number[]): number[] {
  const rows = noGrad(() =>
    scope(() => model.hidden(tensor([[...ids]], { dtype: 'int64' })).toArray() as Float32Array),
  );
  const mean = Array.from({ length: SIZES.width }, (_, place) =>
    ids.reduce((sum, _, row) => sum + rows[row * SIZES.width + place]! / ids.length, 0),
  );
  const length = Math.hypot(...mean);
  return mean.map((value) => value / length);
}

const near = (given: readonly number[], right: readonly number[]) =>
  given.length === right.length && given.every((value, place) => Math.abs(value - right[place]!) < 1e-5);

test('vectors are the averaged states of the model, in the order of the inputs, however they are written', async () => {
  const texts = ['春眠不觉晓', '处处', '夜来风雨声，花落知多少'];
  const ids = texts.map((text) => [...tokenizer.encode(text)]);
  const { status, json } = await ask({ input: texts, model: 'yuan-tiny' });
  assert.equal(status, 200);
  const { data, usage, model: name } = embeddingsSchema.parse(json);
  assert.equal(name, 'yuan-tiny');
  assert.equal(usage.prompt_tokens, ids.flat().length);
  data.forEach(({ index, embedding }, place) => {
    assert.equal(index, place);
    assert.ok(near(embedding as number[], wanted(ids[place]!)));
  });
  const byIds = embeddingsSchema.parse((await ask({ input: ids })).json);
  assert.deepEqual(byIds.data, data);
  const one = embeddingsSchema.parse((await ask({ input: ids[1], dimensions: SIZES.width })).json);
  assert.deepEqual(one.data[0]!.embedding, data[1]!.embedding);
  const encoded = embeddingsSchema.parse((await ask({ input: texts[0], encoding_format: 'base64' })).json);
  const bytes = Buffer.from(encoded.data[0]!.embedding as string, 'base64');
  const numbers = Array.from({ length: bytes.length / 4 }, (_, place) => bytes.readFloatLE(4 * place));
  assert.deepEqual(numbers, data[0]!.embedding);
});

test('beside generation, from the client, and through another server', async () => {
  const api = new OpenApi({ url: `${serving.url}/v1` });
  const input = Array.from({ length: 40 }, (_, place) => '春'.repeat(place + 1));
  const noEnd = { [tokenizer.eod]: -100 };
  const [embedded, completed] = await Promise.all([
    api.embed({ input }),
    api.complete({ prompt: '春', max_tokens: 60, temperature: 0, logit_bias: noEnd }),
  ]);
  assert.equal(embedded.data.length, 40);
  const alone = await api.complete({ prompt: '春', max_tokens: 60, temperature: 0, logit_bias: noEnd });
  assert.equal(completed.choices[0]!.text, alone.choices[0]!.text);
  const { engine: remote } = await openEngine(`${serving.url}/v1`, {});
  using _remote = remote;
  const passed = await remote.embed!(['春', '处处']);
  assert.ok(near([...passed.vectors[0]!], wanted([...tokenizer.encode('春')])));
  assert.equal(passed.promptTokens, tokenizer.encode('春').length + tokenizer.encode('处处').length);
  const behind = buildServer({ models: new Map([['behind', remote]]) });
  assert.deepEqual((await ask({ input: '春' }, behind.app)).status, 200);
});

test('what cannot be embedded is refused with the reason', async () => {
  for (const [body, param, message] of [
    [{ input: '' }, 'input', /input: is empty/],
    [{ input: [] }, 'input', /input/],
    [{ input: ['春', 3] }, 'input', /a text, a list of texts/],
    [{ input: '春', dimensions: 7 }, 'dimensions', new RegExp(`have ${SIZES.width} and are not cut to 7`)],
    [{ input: '春', encoding_format: 'hex' }, 'encoding_format', /float/],
    [{ input: [9999] }, 'input', /token id 9999/],
    [{ input: '春'.repeat(3000) }, 'input', /tokens, but the context/],
  ] as const) {
    const { status, json } = await ask(body);
    const { error } = errorBodySchema.parse(json);
    assert.equal(status, 400, JSON.stringify(body).slice(0, 50));
    assert.match(error.message, message);
    assert.equal(error.param, param);
  }
});

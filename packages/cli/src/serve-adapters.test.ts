/** Adapters of a served model, by HTTP: listed, asked for by name, counted by name; and what an operator can get wrong. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { serve } from '@tunan/api';
import { exportGguf } from '@tunan/inference';
import { tinyAdapters } from '@tunan/inference/testing/tiny-adapters';
import { tinyModel, tinyTokenizer } from '@tunan/inference/testing/tiny-model';
import { LanguageModel, loadAdapter, readModelConfig } from '@tunan/model';
import { openModels, readAdapterSource } from './open-models.ts';

const folder = mkdtempSync(path.join(tmpdir(), '图南 served adapters-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);
const tokenizer = await tinyTokenizer();
tokenizer.save(at('tokenizer.json'));
for (const family of ['gpt2', 'llama'] as const) {
  using model = tinyModel(family);
  model.save(at(family), { tokenizerFile: at('tokenizer.json') });
}
const [riddles, poems] = tinyAdapters(at('llama'), 2) as [string, string];
writeFileSync(path.join(riddles, 'chat_template.jinja'), '{% for m in messages %}{{ m.content }}{% endfor %}');
exportGguf(at('llama'), at('llama.gguf'), { type: 'f32' });

const sources = (...given: string[]) => given.map((source) => ({ name: undefined, source }));
const settings = { keys: undefined, adapters: [`谜语=${riddles}`, `诗=${poems}`].map(readAdapterSource) };

interface Answer {
  readonly model: string;
  readonly choices: readonly { readonly text: string; readonly message: { readonly content: string } }[];
}

/** What a model with the adapter in its layers writes. */
async function expected(adapter: string): Promise<string> {
  const { generate } = await import('@tunan/inference');
  using layers = loadAdapter(adapter, readModelConfig(at('llama')));
  using model = LanguageModel.load(at('llama'), { makers: layers });
  const { sequences } = await generate(model, tokenizer, { prompts: ['春'], maxTokens: 6, temperature: 0 });
  return sequences[0]!.text;
}

for (const source of [at('llama'), at('llama.gguf')]) {
  test(`adapters of ${path.basename(source)} are models of their own to callers`, async () => {
    const llamaCpp = { threads: 1, cacheType: 'f32' } as const;
    using models = await openModels(sources(source), { llamaCpp }, settings);
    const { url, close } = await serve({ models, port: 0 });
    const ask = async (route: string, body: object) => {
      const reply = await fetch(`${url}${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: reply.status, body: (await reply.json()) as Answer };
    };
    try {
      const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: Record<string, string>[] };
      assert.deepEqual(
        data.map(({ id, root, parent }) => [id, root, parent]),
        [['llama'], ['谜语', 'llama', 'llama'], ['诗', 'llama', 'llama']].map(([id, root, parent]) => [
          id,
          root,
          parent,
        ]),
      );
      const body = { prompt: '春', max_tokens: 6, temperature: 0 };
      const answers = await Promise.all(
        ['谜语', undefined, '诗', 'llama'].map((model) => ask('/v1/completions', { ...body, model })),
      );
      const [first, unnamed, second, base] = answers.map((one) => one.body.choices[0]!.text);
      assert.deepEqual([first, second], [await expected(riddles), await expected(poems)]);
      assert.equal(unnamed, base);
      assert.equal(new Set([first, second, base]).size, 3);
      assert.equal(answers[0]!.body.model, '谜语');
      const messages = [{ role: 'user', content: '春' }];
      const chat = await ask('/v1/chat/completions', { model: '谜语', messages, max_tokens: 6, temperature: 0 });
      assert.equal(chat.body.choices[0]!.message.content, first);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      assert.match(metrics, /tunan_model_requests_total\{model="谜语"\} 2/);
      assert.match(metrics, /tunan_model_requests_total\{model="诗"\} 1/);
      assert.match(metrics, /tunan_model_requests_total\{model="llama"\} 2/);
      const health = (await (await fetch(`${url}/healthz`)).json()) as { models: Record<string, string>[] };
      assert.deepEqual(
        health.models.map(({ id, parent }) => parent ?? id),
        ['llama', 'llama', 'llama'],
      );
      assert.equal((await ask('/v1/completions', { ...body, model: '词' })).status, 404);
    } finally {
      await close();
    }
  });
}

test('an adapter counts in the memory of its model, goes with it, and comes back with it', async () => {
  const plain = await openModels(sources(at('llama')), {}, { keys: undefined });
  const bytes = plain.statuses[0]!.bytes!;
  plain.close();
  using models = await openModels(
    sources(at('llama'), at('gpt2')),
    {},
    {
      ...settings,
      adapters: [`谜语=${riddles}@llama`].map(readAdapterSource),
      memoryBytes: bytes * 1.5,
    },
  );
  const own = models.statuses.find(({ name }) => name === 'llama')!.bytes!;
  const config = readModelConfig(at('llama'));
  using layers = loadAdapter(riddles, config);
  const numbers = [...layers.namedParameters().values()].reduce((sum, { shape }) => sum + shape[0]! * shape[1]!, 0);
  assert.equal(own, bytes + 2 * 4 * numbers);
  for (const name of ['谜语', 'gpt2', '谜语']) (await models.acquire(name))[Symbol.dispose]();
  const loads = models.statuses.map(({ name, state, loads: count }) => [name, state, count]);
  assert.deepEqual(loads, [
    ['llama', 'loaded', 2],
    ['gpt2', 'unloaded', 1],
    ['谜语', 'loaded', 0],
  ]);
});

test('before anything listens: another base, a name that is taken, a model that is not clear', async () => {
  const open = (models: readonly string[], adapters: readonly string[]) =>
    openModels(sources(...models), {}, { keys: undefined, adapters: adapters.map(readAdapterSource) });
  using other = LanguageModel.create(tinyModel('llama').config, { seed: 9 });
  other.save(at('other'), { tokenizerFile: at('tokenizer.json') });
  await assert.rejects(open([at('other')], [poems]), { message: /SHA-256 [0-9a-f]{16}… and not [0-9a-f]{16}…/ });
  await assert.rejects(open([at('gpt2')], [poems]), { code: 'MODEL_BAD_ADAPTER' });
  await assert.rejects(open([at('llama')], [`llama=${poems}`]), { name: 'UsageError', message: /--adapter NAME=/ });
  await assert.rejects(open([at('llama'), at('gpt2')], [poems]), { message: /there are llama, gpt2$/ });
  await assert.rejects(open([at('llama')], [`诗=${poems}@none`]), {
    message: /no model of this machine is called none/,
  });
});

/** `tunan serve` with several models of its own that do not fit together: as a program, by its answers and its pages for operators. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeModel } from '@tunan/inference';
import { chatCompletionSchema, completionSchema, errorBodySchema, modelListSchema } from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { model, tokenizer, close } = await tinyEngine();
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-several-'));
after(() => rmSync(folder, { recursive: true }));
const directory = path.join(folder, '诗');
{
  const tokenizerFile = path.join(folder, 'tokenizer-source.json');
  tokenizer.save(tokenizerFile);
  model.save(directory, { tokenizerFile });
  close();
}
const chatting = path.join(folder, '话');
cpSync(directory, chatting, { recursive: true });
writeFileSync(
  path.join(chatting, 'chat_template.jinja'),
  '{% for message in messages %}{{ message.content }}{% endfor %}：',
);
const broken = path.join(folder, '坏');
cpSync(directory, broken, { recursive: true });

const { description } = describeModel(directory)!;
const room = (1.5 * (description.weightBytes + description.cacheBytes)) / 2 ** 30;
const main = path.resolve(import.meta.dirname, '../../packages/cli/src/main.ts');
const env = { ...process.env, LANG: 'en_US.UTF-8', LC_ALL: '', TUNAN_THREADS: '1' };

async function serveProgram(args: readonly string[]) {
  const program = spawn(process.execPath, [main, 'serve', ...args, '--port', '0'], { env });
  let said = '';
  program.stderr.on('data', (part) => {
    said += part;
  });
  const started = once(program.stdout, 'data').then(([line]) => /served at (\S+) /.exec(String(line))?.[1]);
  const url = await Promise.race([started, once(program, 'exit').then(() => undefined)]);
  const stop = async () => {
    program.kill('SIGTERM');
    if (program.exitCode === null) await once(program, 'exit');
    return program.exitCode;
  };
  return { url: url ?? '', said: () => said, stop, program };
}

/** What a program writes to standard error may come later than its answer. */
async function saying(said: () => string, what: RegExp): Promise<void> {
  for (let turn = 0; turn < 1000 && !what.test(said()); turn++) await sleep(10);
  assert.match(said(), what);
}

async function post(url: string, body: object) {
  return await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

test('models that do not fit together are loaded in turn, and everybody is answered', async () => {
  const args = ['--model', directory, chatting, broken, '--memory', String(room), '--preload', '诗'];
  const { url, said, stop } = await serveProgram(args);
  try {
    const states = async () => {
      const { data } = modelListSchema.parse(await (await fetch(`${url}/v1/models`)).json());
      assert.ok(data.every(({ max_model_len }) => max_model_len === description.contextLength));
      return data.map(({ id, state }) => `${id} ${state}`).join(', ');
    };
    assert.equal(await states(), '诗 loaded, 话 unloaded, 坏 unloaded');
    const ask = (id: string) =>
      post(`${url}/v1/completions`, { model: id, prompt: '春', max_tokens: 8, temperature: 0 });
    const texts = new Set<string>();
    for (const response of await Promise.all(['诗', '话', '诗', '话', '话', '诗'].map(ask))) {
      texts.add(completionSchema.parse(await response.json()).choices[0]!.text);
    }
    assert.equal(texts.size, 1, 'the same weights under two names');
    const messages = [{ role: 'user', content: '春' }];
    const chat = await post(`${url}/v1/chat/completions`, { model: '话', messages, max_tokens: 8, temperature: 0 });
    assert.equal(chatCompletionSchema.parse(await chat.json()).model, '话');
    assert.equal(await states(), '诗 unloaded, 话 loaded, 坏 unloaded');
    const without = await post(`${url}/v1/chat/completions`, { model: '诗', messages });
    assert.deepEqual([without.status, without.headers.get('x-chat-template')], [200, 'plain']);

    truncateSync(path.join(broken, 'model.safetensors'), 100);
    const failed = await ask('坏');
    const { error } = errorBodySchema.parse(await failed.json());
    assert.deepEqual([failed.status, error.code], [503, 'model_unavailable']);
    assert.doesNotMatch(error.message, /safetensors/);
    await saying(said, /坏 could not be loaded: .*坏\/model\.safetensors/);
    copyFileSync(path.join(directory, 'model.safetensors'), path.join(broken, 'model.safetensors'));
    assert.equal((await ask('坏')).status, 200);

    const health = JSON.parse(await (await fetch(`${url}/healthz`)).text());
    assert.deepEqual([health.status, health.running, health.waiting], ['ok', 0, 0]);
    assert.deepEqual(health.models.at(-1), {
      ...{ id: '坏', engine: 'torch', device: 'cpu', state: 'loaded', running: 0, waiting: 0 },
    });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, /^tunan_model_loaded\{model="坏"\} 1$/m);
    assert.match(metrics, /^tunan_model_loaded\{model="话"\} 0$/m);
    assert.match(metrics, /^tunan_model_loads_total\{model="坏"\} 1$/m);
    assert.match(metrics, /^tunan_model_requests_total\{model="话"\} 4$/m);
    assert.match(metrics, /^tunan_model_completion_tokens_total\{model="话"\} [1-9]/m);
    await saying(said, /诗 is loaded \(.*\n(.*\n)*诗 is unloaded/);
  } finally {
    assert.equal(await stop(), 0);
  }
});

test('what cannot be served is told before anything is loaded', async () => {
  const ends = async (args: readonly string[], said: RegExp, code: number) => {
    const program = await serveProgram(args);
    if (program.program.exitCode === null) await once(program.program, 'close');
    assert.match(program.said(), said);
    assert.doesNotMatch(program.said(), /is loaded/);
    assert.equal(program.program.exitCode, code);
  };
  await ends(
    ['--model', directory, '--memory', String(room / 4)],
    /诗 needs 0\.\d+ GiB .*, allow more with --memory GIB/,
    1,
  );
  await ends(
    ['--model', directory, chatting, '--memory', String(room), '--preload', 'all'],
    /诗, 话 need .*: preload fewer/,
    1,
  );
  await ends(['--model', directory, '--preload', '画'], /--preload 画: there is no such model, but 诗/, 2);
});

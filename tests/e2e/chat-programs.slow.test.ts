/**
 * Programs that people chat with, against the server: `llm` of Simon Willison, and open-webui, through its own API as its page uses it. Each
 * has an environment of its own below .peers, because their dependencies are many:
 *
 *   python3 -m venv .peers/llm && .peers/llm/bin/pip install llm==0.36
 *   python3.11 -m venv .peers/open-webui && .peers/open-webui/bin/pip install open-webui==0.12.4
 *
 * Without them the tests skip.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { ResponseMemory, serve } from '@tunan/api';
import { tinyEngine } from './tiny-engine.ts';

const peers = path.resolve(import.meta.dirname, '../../.peers');
const programOf = (name: string) => path.join(peers, name, 'bin', name);
const skipOf = (name: string) =>
  existsSync(programOf(name)) ? false : `needs .peers/${name}, see the head of this file`;

const { engine, close } = await tinyEngine();
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-chat-'));
const serving = await serve({
  models: new Map([['yuan-tiny', engine]]),
  ...{ apiKeys: ['k'], responses: new ResponseMemory(), port: 0 },
});
after(async () => {
  await serving.close();
  rmSync(folder, { recursive: true, maxRetries: 5 });
  close();
});

/** What the server itself answers. */
async function answerTo(messages: readonly object[]): Promise<string> {
  const response = await fetch(`${serving.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'yuan-tiny', messages, temperature: 0, max_tokens: 12 }),
  });
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  return choices[0]!.message.content;
}

test('llm: a question, and one that goes on from it', { skip: skipOf('llm') }, async () => {
  const home = path.join(folder, 'llm');
  mkdirSync(home);
  const model = { model_id: 'tunan', model_name: 'yuan-tiny', api_base: `${serving.url}/v1`, api_key_name: 'tunan' };
  writeFileSync(path.join(home, 'extra-openai-models.yaml'), JSON.stringify([model]));
  writeFileSync(path.join(home, 'keys.json'), JSON.stringify({ tunan: 'k' }));
  const env = { ...process.env, LLM_USER_PATH: home, PYTHONIOENCODING: 'utf-8' };
  const ask = async (...args: readonly string[]) => {
    const options = ['-o', 'temperature', '0', '-o', 'max_tokens', '12'];
    const run = promisify(execFile)(programOf('llm'), ['prompt', '-m', 'tunan', ...options, ...args], { env });
    run.child.stdin?.end();
    return (await run).stdout.trim();
  };
  const first = { role: 'user', content: '春眠不觉晓' };
  const said = await answerTo([first]);
  assert.equal(await ask(first.content), said.trim());
  assert.equal(await ask('--no-stream', first.content), said.trim());
  const more = [first, { role: 'assistant', content: said }, { role: 'user', content: '处处' }];
  assert.equal(await ask('-c', '处处'), (await answerTo(more)).trim());
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Its first start makes a database and may take minutes. */
const START_MILLISECONDS = 600_000;

test('open-webui: sign up, models, a chat whole and streamed', { skip: skipOf('open-webui') }, async () => {
  const port = await freePort();
  const home = path.join(folder, 'open-webui');
  mkdirSync(home);
  const settings = {
    ...{ DATA_DIR: home, WEBUI_SECRET_KEY: 'x', ENABLE_OLLAMA_API: 'false', ENABLE_VERSION_UPDATE_CHECK: 'false' },
    ...{ OPENAI_API_BASE_URL: `${serving.url}/v1`, OPENAI_API_KEY: 'k', OFFLINE_MODE: 'true', HF_HUB_OFFLINE: '1' },
    ...{ RAG_EMBEDDING_ENGINE: 'openai', BYPASS_EMBEDDING_AND_RETRIEVAL: 'true' },
  };
  const program = spawn(programOf('open-webui'), ['serve', '--host', '127.0.0.1', '--port', String(port)], {
    env: { ...process.env, ...settings },
    cwd: home,
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => program.once('exit', resolve));
  try {
    const url = `http://127.0.0.1:${port}`;
    const until = Date.now() + START_MILLISECONDS;
    while (!(await fetch(`${url}/health`).catch(() => undefined))?.ok) {
      assert.ok(program.exitCode === null && Date.now() < until, 'it does not start');
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    const ask = async (method: string, route: string, body?: object, token?: string) => {
      const response = await fetch(url + route, {
        method,
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      assert.equal(response.status, 200, `${route}: ${text}`);
      return text;
    };
    const person = { name: '张三', email: 'a@example.org', password: 'geheim-geheim-1' };
    const { token } = JSON.parse(await ask('POST', '/api/v1/auths/signup', person)) as { token: string };
    const { data } = JSON.parse(await ask('GET', '/api/models', undefined, token)) as { data: { id: string }[] };
    assert.ok(data.some(({ id }) => id === 'yuan-tiny'));
    const messages = [{ role: 'user', content: '春眠不觉晓' }];
    const asked = { model: 'yuan-tiny', messages, temperature: 0, max_tokens: 12 };
    const whole = JSON.parse(await ask('POST', '/api/chat/completions', { ...asked, stream: false }, token)) as {
      choices: { message: { content: string } }[];
    };
    const said = await answerTo(messages);
    assert.equal(whole.choices[0]!.message.content, said);
    const events = await ask('POST', '/api/chat/completions', { ...asked, stream: true }, token);
    const parts = events.split('\n').flatMap((line) => {
      if (!line.startsWith('data: {')) return [];
      const { choices = [] } = JSON.parse(line.slice('data: '.length)) as {
        choices?: { delta?: { content?: string } }[];
      };
      return [choices[0]?.delta?.content ?? ''];
    });
    assert.equal(parts.join(''), said);
  } finally {
    program.kill('SIGKILL');
    await ended;
  }
});

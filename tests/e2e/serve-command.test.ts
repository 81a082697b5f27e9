/** `tunan serve` as a program, with a model of its own and one that another server runs. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { serve } from '@tunan/api';
import { completionSchema, errorBodySchema, modelListSchema } from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { engine, model, tokenizer, close } = await tinyEngine();
after(close);
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-serve-'));
after(() => rmSync(folder, { recursive: true }));
const tokenizerFile = path.join(folder, 'tokenizer-source.json');
tokenizer.save(tokenizerFile);
const directory = path.join(folder, 'tiny');
model.save(directory, { tokenizerFile });

const main = path.resolve(import.meta.dirname, '../../packages/cli/src/main.ts');
const env = { ...process.env, TUNAN_UPSTREAM_KEY: 'geheim', LANG: 'en_US.UTF-8', LC_ALL: '' };

test('two models, one of them elsewhere, answer under their names', async () => {
  const behind = await serve({ models: new Map([['深', engine]]), port: 0, apiKeys: ['geheim'] });
  const args = ['serve', '--model', `near=${directory}`, '--model', `far=${behind.url}/v1`, '--port', '0'];
  const program = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(program.stdout, 'data');
  const [, names, url] = /^(.*) are served at (\S+) /.exec(String(line))!;
  assert.equal(names, 'near, far');
  const list = modelListSchema.parse(await (await fetch(`${url}/v1/models`)).json());
  assert.deepEqual(
    list.data.map(({ id, max_model_len }) => [id, max_model_len]),
    ['near', 'far'].map((id) => [id, engine.contextLength]),
  );
  const ask = (name: string) =>
    fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: name, prompt: '春', max_tokens: 20, seed: 3 }),
    });
  const texts = [];
  for (const name of ['near', 'far']) {
    const { choices, model: answered } = completionSchema.parse(await (await ask(name)).json());
    assert.equal(answered, name);
    texts.push(choices[0]!.text);
  }
  assert.equal(texts[0], texts[1], 'the same model, here and there');
  const unknown = await ask('else');
  assert.equal(unknown.status, 404);
  assert.match(errorBodySchema.parse(await unknown.json()).error.message, /ask for 'near' or 'far'/);
  program.kill('SIGTERM');
  const [code] = await once(program, 'exit');
  assert.equal(code, 0);
  await behind.close();
});

/** What a server says that does not start. */
async function run(args: readonly string[], more: Record<string, string> = {}) {
  const options = { env: { ...env, ...more } };
  return await promisify(execFile)(process.execPath, [main, 'serve', ...args], options).then(
    () => assert.fail('it was started'),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr: stderr.trim() }),
  );
}

test('what an operator got wrong is told before a model is loaded', async () => {
  const policy = path.join(folder, 'policy.json');
  writeFileSync(policy, JSON.stringify({ lists: [{ category: 'a', path: 'none.txt', input: 'block' }] }));
  const audited = path.join(folder, 'audited.json');
  writeFileSync(audited, JSON.stringify({ audit: { directory: 'policy.json/audit' } }));
  const taken = await serve({ models: new Map([['m', engine]]), port: 0 });
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['--safety', policy], /cannot read the word list .*none\.txt: there is no such file/],
    [['--safety', audited], /cannot write .*audit: a part of the path is a file/],
    [['--moderation', folder], /config\.json/],
    [['--data', path.join(policy, 'data')], /cannot write .*: a part of the path is a file/],
    [['--response-days', '7'], /--response-days needs a folder/],
    [['--accounts', path.join(policy, 'a.sqlite')], /policy\.json.*: a part of the path is a file/],
    [['--port', new URL(taken.url).port], /port \d+ of 127\.0\.0\.1 is in use/],
    [['--preload', 'other'], /--preload other: there is no such model, but tiny/],
  ];
  await Promise.all(
    wrong.map(async ([options, message]) => {
      const { stderr } = await run(['--model', directory, '--port', '0', ...options]);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /is loaded/, options.join(' '));
    }),
  );
  await taken.close();
});

test('what cannot be opened is told in one line', async () => {
  const twice = await run(['--model', directory, directory, '--port', '0']);
  assert.equal(twice.code, 2);
  assert.match(twice.stderr, /two models are called tiny: give them names, --model NAME=/);
  const named = await run(['--model', directory, directory, '--name', 'x']);
  assert.match(named.stderr, /--name names a single model; write --model NAME=DIR for each/);
  const nobody = await run(['--model', 'http://127.0.0.1:59871/v1']);
  assert.equal(nobody.code, 1);
  assert.match(
    nobody.stderr,
    /127\.0\.0\.1:59871\/v1\/models cannot be reached: .*; look whether that server runs, then start again/,
  );
  const chinese = await run(['--model', 'http://127.0.0.1:59871/v1'], { LANG: 'zh_CN.UTF-8' });
  assert.match(chinese.stderr, /无法连接 .*；请查看该服务是否在运行，再重新启动/);
});

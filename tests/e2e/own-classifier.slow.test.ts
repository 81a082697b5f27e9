/** A classifier of one's own, as docs/safety.md says: labelled lines → `tunan corpus train-quality` → `tunan serve --moderation --safety`. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { errorBodySchema, moderationsSchema } from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { model, tokenizer, close } = await tinyEngine();
after(close);
const folder = mkdtempSync(path.join(tmpdir(), 'tunan 分类器-'));
after(() => rmSync(folder, { recursive: true }));
const place = (name: string) => path.join(folder, name);
const tokenizerFile = place('tokenizer.json');
tokenizer.save(tokenizerFile);
model.save(place('tiny'), { tokenizerFile });
const main = path.resolve(import.meta.dirname, '../../packages/cli/src/main.ts');
const env = { ...process.env, LANG: 'en_US.UTF-8', LC_ALL: '' };

test('labelled lines become a classifier that moderates and blocks', async () => {
  const goods = ['雨伞', '茶叶', '皮鞋', '台灯', '水壶', '书架', '手表', '床单', '棉被', '毛巾'];
  const lines = [0, 1, 2, 3].flatMap((source) =>
    goods.flatMap((thing, at) => [
      {
        label: 'advert',
        source: `shop-${source}`,
        text: `【特价${source}】${thing}厂家直销，今日${at + 1}折，先到先得！`,
      },
      {
        label: 'fine',
        source: `tale-${source}`,
        text: `第${source}回。老人提着那只旧${thing}慢慢走回来，一路没有说话。`,
      },
    ]),
  );
  writeFileSync(place('labels.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
  const training = ['corpus', 'train-quality', place('labels.jsonl'), '--out', place('adverts'), '--keep', 'fine'];
  execFileSync(process.execPath, [main, ...training, '--steps', '100'], { env, stdio: 'ignore' });
  const classifier = { path: 'adverts', label: 'advert', input: 'block' };
  writeFileSync(place('policy.json'), JSON.stringify({ classifier }));
  const serving = ['serve', '--model', place('tiny'), '--moderation', place('adverts'), '--port', '0'];
  const program = spawn(process.execPath, [main, ...serving, '--safety', place('policy.json')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(program.stdout, 'data');
  const [, url] = /served at (\S+) /.exec(String(line))!;
  const post = (route: string, body: object) =>
    fetch(`${url}/v1/${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const [advert, tale] = ['【特价】风扇厂家直销，今日三折，先到先得！', '孩子提着旧书包慢慢走到门口，一路没有说话。'];
  const { model: name, results } = moderationsSchema.parse(
    await (await post('moderations', { input: [advert, tale] })).json(),
  );
  assert.deepEqual(
    [name, results.map(({ categories }) => categories)],
    ['adverts', [{ advert: true }, { advert: false }]],
  );
  const refused = await post('completions', { prompt: advert, max_tokens: 2 });
  assert.deepEqual([refused.status, errorBodySchema.parse(await refused.json()).error.code], [400, 'content_filter']);
  assert.equal((await post('completions', { prompt: tale, max_tokens: 2 })).status, 200);
  program.kill('SIGTERM');
  assert.deepEqual((await once(program, 'exit'))[0], 0);
});

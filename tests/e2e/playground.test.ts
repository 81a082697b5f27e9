/** The shell of the page and 试写, in a real browser against a real server and a real, tiny model. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { serve } from '@tunan/api';
import { collect } from '@tunan/inference';
import { pageFolder } from '@tunan/playground';
import type { Page } from 'playwright-core';
import { launchBrowser, openPage, seriousFindings } from './page-browser.ts';
import { CONTEXT_LENGTH, tinyEngine } from './tiny-engine.ts';

const { engine, close } = await tinyEngine();
const models = new Map([
  ['yuan-tiny', engine],
  ['yuan-other', engine],
]);
const folder = await pageFolder();
const serving = await serve({ models, page: folder, port: 0 });
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  await serving.close();
  close();
});

const open = (...rest: [address?: string, options?: Parameters<typeof openPage>[2]]) =>
  openPage(browser, rest[0] ?? serving.url, rest[1]);

const beginning = (page: Page) => page.getByLabel('开头', { exact: true });
const run = (page: Page) => page.getByRole('button', { name: '续写', exact: true });
const made = (page: Page) => page.locator('.write-answer').first().locator('.write-text');

/** The tiny model knows no end: only the limit ends an answer for certain. */
async function choose(page: Page, values: Record<string, string>): Promise<void> {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label, { exact: true }).fill(value);
}

test('an answer streams in and is reported with usage; the shown code asks for the same', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await beginning(page).fill("it's 花落\n");
  await choose(page, { 最多词元: '60', 种子: '11' });
  await run(page).click();
  await page.getByText(/提示 \d+ \+ 生成 60 词元 · .* 词元\/秒 · 种子 11$/).waitFor();
  const direct = await fetch(`${serving.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model: 'yuan-tiny', prompt: "it's 花落\n", begin_document: true },
      ...{ max_tokens: 60, seed: 11, temperature: 0.9, top_p: 0.9 },
    }),
  });
  const { choices } = (await direct.json()) as { choices: { text: string }[] };
  assert.equal(await made(page).textContent(), `it's 花落\n${choices[0]!.text}`);
  await page.getByRole('tab', { name: '代码' }).click();
  const command = (await page.getByLabel('curl 代码').textContent()) ?? '';
  assert.ok(command.startsWith(`curl -N ${serving.url}/v1/completions \\\n`), command);
  assert.ok(command.includes(`"prompt": "it'\\''s 花落\\n"`) && command.includes('"seed": 11'));
  assert.deepEqual(complaints, []);
});

test('stop ends the answer and frees the engine; the page is ready again', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await choose(page, { 最多词元: String(CONTEXT_LENGTH), 温度: '0', 种子: '1' });
  await beginning(page).fill('春');
  // Hold the engine back with other requests, so that the answer cannot be complete before the click.
  const abort = new AbortController();
  const load = engine.submit({ prompts: ['花'], choices: 100, maxTokens: CONTEXT_LENGTH, seed: 1 }, abort.signal);
  const ended = assert.rejects(collect(load), { code: 'INFERENCE_ABORTED' });
  await beginning(page).press('Control+Enter');
  await page.locator('.write-text.running').waitFor();
  await page.getByRole('button', { name: '停止', exact: true }).click();
  await page.getByText(/^已停止/).waitFor();
  abort.abort();
  await ended;
  while (engine.occupancy.running + engine.occupancy.waiting > 0) await new Promise(setImmediate);
  assert.equal(await run(page).isEnabled(), true);
  assert.deepEqual(complaints, []);
});

test("the server's refusal is shown in its own words", async () => {
  await using opened = await open();
  await beginning(opened.page).fill('春'.repeat(2000));
  await run(opened.page).click();
  await opened.page.getByRole('alert').getByText(`而模型的上下文为 ${CONTEXT_LENGTH}`).waitFor();
});

test('a server with keys asks for one, which this tab alone keeps', async () => {
  const guarded = await serve({ models, page: folder, port: 0, apiKeys: ['钥匙', 'secret'] });
  after(() => guarded.close());
  await using opened = await open(guarded.url);
  const { page, complaints } = opened;
  await page.getByText('这个服务器需要 API 密钥').waitFor();
  assert.equal(await run(page).isDisabled(), true);
  await page.getByRole('button', { name: '密钥', exact: true }).click();
  await page.getByLabel('密钥', { exact: true }).fill('secret');
  await page.keyboard.press('Enter');
  await page.getByText('yuan-tiny 等 2 个模型').waitFor();
  await choose(page, { 最多词元: '3' });
  await run(page).click();
  await page.getByText(/词元\/秒/).waitFor();
  await page.reload();
  await page.getByText('yuan-tiny 等 2 个模型').waitFor();
  assert.ok(!JSON.stringify(await page.evaluate('({ ...localStorage })')).includes('secret'));
  assert.deepEqual(complaints, []);
});

test('English by the browser or by the switch, which a reload keeps; an unknown address says so', async () => {
  await using opened = await open(`${serving.url}/#/nothing`, { locale: 'en-US' });
  const { page, complaints } = opened;
  await page.getByRole('heading', { name: 'There is no such page.' }).waitFor();
  await page.getByRole('link', { name: 'To the page “Write”' }).click();
  await page.getByRole('button', { name: 'Continue', exact: true }).waitFor();
  await page.getByRole('button', { name: '中文' }).click();
  await run(page).waitFor();
  await page.reload();
  await run(page).waitFor();
  assert.equal(await page.evaluate('document.documentElement.lang'), 'zh-CN');
  assert.equal(await page.title(), '试写 · 图南');
  assert.deepEqual(complaints, []);
});

test('the page keeps to its policy: no other server, no script in markup, no eval; an old file is not found', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await run(page).waitFor();
  const response = await page.reload();
  const policy = (await response!.allHeaders())['content-security-policy'] ?? '';
  assert.ok(!policy.includes('unsafe'), policy);
  assert.match(policy, /default-src 'none'; script-src 'self' 'sha256-\S+'; style-src 'self'; connect-src 'self';/);
  assert.equal(complaints.length, 0, complaints.join('\n'));
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement('img'), { src: 'https://example.org/x' }))`,
  );
  await page.evaluate(`fetch('https://example.org/').catch(() => 0)`);
  const told = complaints.filter((one) => one.includes('Content Security Policy'));
  assert.ok(told.length >= 2, complaints.join('\n'));
  const old = await fetch(`${serving.url}/page/index-old.js`);
  assert.deepEqual([old.status, old.headers.get('content-type')], [404, 'application/json; charset=utf-8']);
});

test('axe finds nothing serious, light and dark, wide and narrow', async () => {
  await using opened = await open(serving.url, { bypassCSP: true });
  const { page } = opened;
  await beginning(page).fill('花落\n');
  await choose(page, { 最多词元: '20', 种子: '3' });
  await run(page).click();
  await page.getByText(/词元\/秒/).waitFor();
  await page.getByRole('button', { name: '词元', exact: true }).click();
  assert.deepEqual(await seriousFindings(page), []);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole('tab', { name: '历史' }).click();
  await page.getByRole('button', { name: /^花落/ }).first().waitFor();
  assert.deepEqual(await seriousFindings(page), []);
  assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'no sideways scroll');
});

test('what the first load takes is below 150 kB, and is taken once', async () => {
  await using opened = await open('about:blank');
  const { page } = opened;
  let bytes = 0;
  const counted: Promise<void>[] = [];
  page.on('requestfinished', (request) => {
    if (!request.url().startsWith(serving.url)) return;
    counted.push(
      request.sizes().then(({ responseBodySize, responseHeadersSize }) => {
        bytes += responseBodySize + responseHeadersSize;
      }),
    );
  });
  await page.goto(serving.url);
  await page.getByText('yuan-tiny 等 2 个模型').waitFor();
  await page.waitForLoadState('networkidle');
  await Promise.all(counted);
  assert.ok(bytes > 10_000 && bytes < 150_000, `${bytes} bytes`);
  const first = bytes;
  counted.length = 0;
  await page.reload();
  await page.getByText('yuan-tiny 等 2 个模型').waitFor();
  await Promise.all(counted);
  assert.ok(bytes - first < 3_000, `${bytes - first} bytes the second time`);
});

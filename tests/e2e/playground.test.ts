/** The page in a real browser against a real server and a real, tiny model. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serve } from '@tunan/api';
import { collect } from '@tunan/inference';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { CONTEXT_LENGTH, tinyEngine } from './tiny-engine.ts';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const { engine, close } = await tinyEngine();
const page = readFileSync(fileURLToPath(import.meta.resolve('@tunan/playground/index.html')), 'utf8');
const serving = await serve({ models: new Map([['yuan-tiny', engine]]), page, port: 0 });
const browser: Browser = await chromium.launch({
  executablePath: process.env.TUNAN_CHROMIUM ?? '/usr/bin/chromium',
  args: ARGUMENTS,
});
after(async () => {
  await browser.close();
  await serving.close();
  close();
});

const complaints: string[] = [];
beforeEach(() => {
  complaints.length = 0;
});

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ locale: 'zh-CN', ...options });
  const opened = await context.newPage();
  opened.on('pageerror', (error) => complaints.push(error.message));
  opened.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await opened.goto(serving.url);
  await opened.getByText(`yuan-tiny · `).waitFor();
  return opened;
}

/** Keeps a screenshot where a person asked for them. */
async function keepSight(shown: Page, name: string): Promise<void> {
  const folder = process.env.TUNAN_SCREENSHOTS;
  if (folder !== undefined) await shown.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

/** The tiny model knows no end; a bias is not on the page, so only maxTokens ends an answer for certain. */
async function fillParameters(shown: Page, values: Record<string, string>): Promise<void> {
  await shown.getByText('参数', { exact: true }).click();
  for (const [id, value] of Object.entries(values)) await shown.locator(`#${id}`).fill(value);
}

test('an answer streams in and is reported with usage, and the seed gives it again', async () => {
  const shown = await open();
  assert.equal(await shown.getByLabel('API 密钥').isVisible(), false, 'this server has no keys');
  await shown.getByLabel('开头', { exact: true }).fill('花落\n');
  await fillParameters(shown, { max_tokens: '60', seed: '11' });
  await shown.getByRole('button', { name: '生成' }).click();
  await shown.getByText(/提示 \d+ \+ 生成 \d+ 词元 · .* 词元\/秒 · 种子 11$/).waitFor();
  const answer = await shown.locator('#answer').textContent();
  const direct = await fetch(`${serving.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      prompt: '花落\n',
      begin_document: true,
      max_tokens: 60,
      seed: 11,
      temperature: 0.9,
      top_p: 0.9,
    }),
  });
  const { choices } = (await direct.json()) as { choices: { text: string }[] };
  assert.equal(answer, `花落\n${choices[0]!.text}`);
  await keepSight(shown, 'desktop');
  assert.deepEqual(complaints, []);
  await shown.context().close();
});

test('stop ends the answer and frees the engine; the page is ready again', async () => {
  const shown = await open();
  await fillParameters(shown, { max_tokens: String(CONTEXT_LENGTH), temperature: '0', seed: '1' });
  await shown.getByLabel('开头', { exact: true }).fill('春');
  // Hold the engine back with other requests, so that the answer cannot be complete before the click.
  const abort = new AbortController();
  const load = engine.submit({ prompts: ['花'], choices: 100, maxTokens: CONTEXT_LENGTH, seed: 1 }, abort.signal);
  const ended = assert.rejects(collect(load), { code: 'INFERENCE_ABORTED' });
  await shown.getByLabel('开头', { exact: true }).press('Control+Enter');
  await shown.locator('#answer.running').waitFor();
  await shown.getByRole('button', { name: '停止' }).click();
  await shown.getByText(/^已停止/).waitFor();
  abort.abort();
  await ended;
  while (engine.occupancy.running + engine.occupancy.waiting > 0) await new Promise(setImmediate);
  assert.equal(await shown.getByRole('button', { name: '生成' }).isEnabled(), true);
  assert.deepEqual(complaints, []);
  await shown.context().close();
});

test("the server's refusal is shown in its own words", async () => {
  const shown = await open();
  await shown.getByLabel('开头', { exact: true }).fill('春'.repeat(2000));
  await shown.getByRole('button', { name: '生成' }).click();
  const alert = shown.getByRole('alert');
  await alert.getByText(`而模型的上下文为 ${CONTEXT_LENGTH}`).waitFor();
  await keepSight(shown, 'refusal');
  await shown.context().close();
});

test('a server with keys asks for one', async () => {
  const guarded = await serve({ models: new Map([['yuan-tiny', engine]]), page, port: 0, apiKeys: ['钥匙', 'secret'] });
  const shown = await (await browser.newContext({ locale: 'zh-CN' })).newPage();
  await shown.goto(guarded.url);
  await shown.getByRole('alert').getByText('没有 API 密钥').waitFor();
  await shown.getByLabel('API 密钥').fill('secret');
  await shown.getByLabel('API 密钥').press('Tab');
  await shown.getByText('yuan-tiny · ').waitFor();
  await fillParameters(shown, { max_tokens: '3', seed: '1' });
  await shown.getByRole('button', { name: '生成' }).click();
  await shown.getByText(/词元\/秒/).waitFor();
  await shown.context().close();
  await guarded.close();
});

test('English by the browser or by the switch; examples fill the prompt; a phone shows no sideways scroll', async () => {
  const shown = await open({ locale: 'en-US', viewport: { width: 375, height: 720 }, isMobile: true, hasTouch: true });
  await shown.getByRole('button', { name: 'Generate' }).waitFor();
  await shown.getByRole('button', { name: '江雪' }).tap();
  assert.equal(await shown.getByLabel('Beginning').inputValue(), '江雪\n');
  await shown.getByText('Parameters').tap();
  await shown.locator('#max_tokens').fill('40');
  await shown.getByRole('button', { name: 'Generate' }).tap();
  await shown.getByText(/tokens\/s/).waitFor();
  await keepSight(shown, 'phone');
  const width = await shown.evaluate('document.documentElement.scrollWidth');
  assert.equal(width, 375);
  await shown.getByRole('button', { name: '中文' }).tap();
  await shown.getByRole('button', { name: '生成' }).waitFor();
  assert.deepEqual(complaints, []);
  await shown.context().close();
});

test('the curl command asks for the same answer', async () => {
  const shown = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
  await shown.getByLabel('开头', { exact: true }).fill("it's 春");
  await fillParameters(shown, { seed: '5' });
  await shown.getByRole('button', { name: '复制 curl' }).click();
  await shown.getByRole('button', { name: '已复制' }).waitFor();
  const command = String(await shown.evaluate('navigator.clipboard.readText()'));
  assert.ok(command.startsWith(`curl -N ${serving.url}/v1/completions -H 'Content-Type: application/json' -d '{`));
  assert.ok(command.includes(`"prompt": "it'\\''s 春"`) && command.includes('"seed": 5'));
  await shown.context().close();
});

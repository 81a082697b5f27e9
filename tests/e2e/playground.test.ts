/** The shell of the page and 试写, in a real browser against a real server and a real, tiny model. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Accounts, Ledger, serve } from '@tunan/api';
import type { Engine } from '@tunan/inference';
import { pageFolder } from '@tunan/playground';
import type { Page } from 'playwright-core';
import { launchBrowser, openPage, seriousFindings } from './page-browser.ts';
import { CONTEXT_LENGTH, tinyEngine } from './tiny-engine.ts';

const TOKEN_MILLISECONDS = 40;
const { engine, close } = await tinyEngine();
/** The same engine at the pace of a large model, so that an answer is not complete before a click. */
const slow: Engine = {
  ...{ kind: 'torch', device: 'cpu', contextLength: engine.contextLength, prefixCache: undefined },
  get occupancy() {
    return engine.occupancy;
  },
  measure: (request) => engine.measure(request),
  submit: (request, signal) => {
    const inner = engine.submit(request, signal);
    async function* paced() {
      for await (const chunk of inner) {
        yield chunk;
        await sleep(TOKEN_MILLISECONDS);
      }
    }
    return {
      ...{ accepted: inner.accepted, seed: inner.seed, [Symbol.asyncIterator]: paced },
      get usage() {
        return inner.usage;
      },
    };
  },
  ...{ close: () => undefined, [Symbol.dispose]: () => undefined },
};
const models = new Map<string, Engine>([
  ['yuan-tiny', engine],
  ['yuan-other', slow],
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
  await page.getByLabel('模型', { exact: true }).selectOption('yuan-other');
  await choose(page, { 最多词元: String(CONTEXT_LENGTH - 10), 温度: '0', 种子: '1' });
  await beginning(page).fill('春');
  await beginning(page).press('Control+Enter');
  await page.locator('.write-text.running').waitFor();
  await page.getByRole('button', { name: '停止', exact: true }).click();
  await page.getByText(/^已停止/).waitFor();
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

test('two settings side by side; what another token would have led to; all of it is there after a reload', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await beginning(page).fill('春眠\n');
  await choose(page, { 最多词元: '12', 种子: '7' });
  await page.getByRole('checkbox', { name: '并排比较两组设置' }).check();
  await page.getByRole('tab', { name: '乙' }).click();
  assert.equal(
    await page.getByLabel('模型', { exact: true }).inputValue(),
    'yuan-other',
    'another model where there is one',
  );
  await choose(page, { 温度: '0' });
  await run(page).click();
  await page
    .getByText(/词元\/秒/)
    .nth(1)
    .waitFor();
  const [first, second] = [
    page.getByRole('region', { name: '结果 甲' }),
    page.getByRole('region', { name: '结果 乙' }),
  ];
  const texts = async () => [
    await first.locator('.write-made').textContent(),
    await second.locator('.write-made').textContent(),
  ];
  const [, steady] = await texts();
  await page.getByRole('button', { name: '词元', exact: true }).first().click();

  // With the keyboard alone: one token has the place in the order of Tab, arrows go on, Enter opens, Enter chooses.
  const tokens = second.getByRole('button', { expanded: false });
  await tokens.first().focus();
  for (let step = 0; step < 3; step++) await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  const card = page.getByRole('dialog', { name: '这里还可能是' });
  const likely = await card.getByRole('listitem').allTextContents();
  assert.ok(likely.length >= 5 && likely[0]!.includes('模型写的'), 'temperature 0 takes the likeliest');
  const other = card.getByRole('button', { disabled: false }).first();
  const chosen = (await other.locator('.write-guess-token').textContent())!;
  await other.focus();
  await page.keyboard.press('Enter');
  await second.getByText(/词元\/秒/).waitFor();
  await page.getByRole('button', { name: '文字', exact: true }).first().click();
  const [kept, branched] = await texts();
  assert.ok(branched !== steady && branched!.length > 4);

  await page.reload();
  await second.waitFor();
  assert.equal(await beginning(page).inputValue(), '春眠\n');
  assert.deepEqual(await texts(), [kept, branched]);
  await page.getByRole('button', { name: '词元', exact: true }).first().click();
  assert.equal(await second.locator('.write-token.chosen').textContent(), chosen);
  await page.getByRole('tab', { name: '历史' }).click();
  const lines = page.getByRole('list', { name: '历史记录' }).getByRole('listitem');
  assert.equal(await lines.count(), 2, 'the answer and its branch');
  await lines.nth(1).getByRole('button').first().click();
  await page.getByRole('button', { name: '文字', exact: true }).first().click();
  await lines.nth(1).locator('[aria-current=true]').waitFor();
  assert.equal((await texts())[1], steady, 'as it was before the branch');
  assert.deepEqual(complaints, []);
});

test('tokens of the beginning: how likely each was, and another in its place', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await beginning(page).fill('春眠不觉晓');
  await choose(page, { 最多词元: '8', 种子: '2' });
  await run(page).click();
  await page.getByText(/词元\/秒/).waitFor();
  await page.getByRole('button', { name: '词元', exact: true }).click();
  await page.getByRole('button', { name: '开头的词元' }).click();
  const given = page.locator('.write-token.given');
  await given.first().waitFor();
  // A character of several tokens stands at its last; those before it show their bytes.
  assert.equal((await given.allTextContents()).join('').replaceAll(/[0-9A-F]/g, ''), '春眠不觉晓');
  await given.nth(2).click();
  const guess = page.getByRole('dialog', { name: '这里还可能是' }).getByRole('button', { disabled: false }).first();
  const chosen = await guess.locator('.write-guess-token').textContent();
  await guess.click();
  await page.locator('.write-token.chosen').waitFor();
  assert.equal(await page.locator('.write-token.chosen').textContent(), chosen);
  const left = (await page.locator('.write-given').textContent()) ?? '';
  assert.ok('春眠不觉晓'.startsWith(left) && left.length < 5, left);
  assert.deepEqual(complaints, []);
});

test('a connection that breaks keeps the text and says so; the server comes back, and the text goes on', async () => {
  let port = 0;
  const begin = async () => {
    const made = await serve({ models, page: folder, port, drainMilliseconds: 1 });
    port = Number(new URL(made.url).port);
    return made;
  };
  const before = await begin();
  await using opened = await open(before.url);
  const { page } = opened;
  await beginning(page).fill('夜来\n');
  await page.getByLabel('模型', { exact: true }).selectOption('yuan-other');
  await choose(page, { 最多词元: '100', 种子: '3' });
  await run(page).click();
  while (((await made(page).textContent()) ?? '').length < 12) await page.waitForTimeout(20);
  await before.close();
  await page.getByText('连接中断，已保留写出的部分').waitFor();
  const text = await made(page).textContent();
  assert.ok(text!.length >= 12);
  await page.getByText('服务器没有应答，正在重试…').waitFor();
  const back = await begin();
  after(() => back.close());
  await page.getByText('yuan-tiny 等 2 个模型').waitFor();
  await page.reload();
  await page.getByText('连接中断，已保留写出的部分').waitFor();
  await page.getByText('yuan-tiny 等 2 个模型').waitFor();
  assert.equal(await made(page).textContent(), text, 'a reload loses nothing');
  await page.getByRole('button', { name: '从断处接着写' }).click();
  await page.getByText(/词元\/秒/).waitFor();
  assert.ok((await made(page).textContent())!.startsWith(text!));
});

test('script in any field is text: beginning, parameters, conversation, history, code', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  const script = `<img src=x onerror="globalThis.ran = 1"><script>globalThis.ran = 2</script>`;
  await beginning(page).fill(script);
  await choose(page, { 最多词元: '30', 种子: '5', 停止文本: script });
  await run(page).click();
  await page.getByText(/词元\/秒/).waitFor();
  assert.ok((await made(page).textContent())!.startsWith(script));
  for (const tab of ['代码', '历史']) {
    await page.getByRole('tab', { name: tab }).click();
    await page.getByText('onerror').last().waitFor();
  }
  await page.getByRole('tab', { name: '对话' }).click();
  await page.getByLabel('系统提示', { exact: true }).fill(script);
  await page.getByLabel('消息', { exact: true }).fill(script);
  await page.getByLabel('消息', { exact: true }).press('Control+Enter');
  await page.getByText(/词元\/秒/).waitFor();
  await page.getByText('这个模型没有对话模板').waitFor();
  await page.getByRole('list', { name: '对话' }).getByText('onerror').waitFor();
  await page.getByRole('button', { name: '用这个回答继续' }).click();
  assert.equal(await page.getByRole('list', { name: '对话' }).getByRole('listitem').count(), 2);
  await page.goto(`${serving.url}/#/${encodeURIComponent(script)}`);
  assert.equal(await page.evaluate('globalThis.ran'), undefined);
  assert.deepEqual(complaints, []);
});

test('thousands of records draw as few lines as ten, and help is told by keyboard', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await run(page).waitFor();
  await page.evaluate(fillHistory(3_000));
  await page.reload();
  await page.getByRole('tab', { name: '历史' }).click();
  await page.getByText('共 3,000 条').waitFor();
  const drawn = await page.locator('.write-line').count();
  assert.ok(drawn > 5 && drawn < 40, `${drawn} lines`);
  await page.locator('.virtual-list').evaluate((frame) => frame.scrollTo(0, frame.scrollHeight));
  await page.getByText('第 0 条').waitFor();
  await page.getByRole('tab', { name: '历史' }).press('ArrowLeft');
  const mark = page.getByRole('button', { name: '说明：温度' });
  await mark.focus();
  await page.getByRole('tooltip').getByText('越高越出人意料').waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await page.getByText('越高越出人意料').isVisible(), false);
  assert.deepEqual(complaints, []);
});

test('the keyboard alone reaches and does everything, and is nowhere caught', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await run(page).waitFor();
  // The box has the focus from the beginning.
  await page.keyboard.type('花');
  await page.keyboard.press('Control+Enter');
  await page.getByText(/词元\/秒/).waitFor();
  const reached: string[] = [];
  const focused = `(() => { const one = document.activeElement; return (one.ariaLabel ?? one.labels?.[0]?.textContent ?? one.textContent).trim(); })()`;
  for (let step = 0; step < 60; step++) {
    await page.keyboard.press('Tab');
    const name = String(await page.evaluate(focused));
    if (name === '跳到正文' && reached.includes(name)) break;
    reached.push(name);
  }
  const wanted = [
    '跳到正文',
    '试写',
    'English',
    '续写',
    '开头',
    '静夜思',
    '复制文字',
    '参数',
    '温度',
    '说明：温度',
    '更多参数',
  ];
  assert.deepEqual(
    wanted.filter((name) => !reached.includes(name)),
    [],
    reached.join('|'),
  );
  await page.keyboard.press('Shift+Tab');
  await page.getByRole('tab', { name: '参数' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('list', { name: '历史记录' }).waitFor();
  await page.getByRole('button', { name: '跳到正文' }).focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate('document.activeElement.id'), 'content');
  assert.deepEqual(complaints, []);
});

test('whoever has signed in sees what is left, and what a limit refuses', async () => {
  const place = mkdtempSync(path.join(tmpdir(), 'tunan-page-'));
  after(() => rmSync(place, { recursive: true }));
  const accounts = await Accounts.open(path.join(place, 'accounts.sqlite'), { passwordCost: 2, environment: {} });
  const ledger = await Ledger.open(accounts.database);
  const guarded = await serve({ models, page: folder, port: 0, accounts, ledger });
  after(async () => {
    await guarded.close();
    await ledger.close();
    await accounts.close();
  });
  const made = await accounts.members.add({ organisation: '诗社', email: 'poet@example.org', name: '李白' });
  const { text: key } = await accounts.keys.make(made.account.id, { name: 'page' });
  await ledger.limits.set({
    ...{ scope: 'account', subject: made.account.id, model: '*', metric: 'tokens_per_day', amount: 60 },
  });
  await using opened = await open(`${guarded.url}/#/account`);
  const { page } = opened;
  await page.getByLabel('邮箱', { exact: true }).fill('poet@example.org');
  await page.getByLabel('密码', { exact: true }).fill(made.password);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: '退出登录' }).waitFor();
  await page.getByRole('link', { name: '试写' }).click();
  await page.getByRole('button', { name: '密钥', exact: true }).click();
  await page.getByLabel('密钥', { exact: true }).fill(key);
  await page.keyboard.press('Enter');
  await page.getByText('yuan-tiny 等 2 个模型').waitFor();
  await beginning(page).fill('花');
  // A seed by which the answer does not end before its twentieth token.
  await choose(page, { 最多词元: '20', 种子: '3' });
  await run(page).click();
  const quota = page.getByRole('region', { name: '额度' });
  // Four tokens of the prompt with its beginning, twenty of the answer.
  await quota.getByText('24 / 60').waitFor();
  await choose(page, { 最多词元: '50' });
  await run(page).click();
  await page.getByRole('alert').getByText('没有生成').waitFor();
  await page.getByRole('link', { name: '账号' }).click();
  await page.reload();
  await page.getByRole('button', { name: '退出登录' }).click();
  await page.getByLabel('邮箱', { exact: true }).waitFor();
});

test('axe finds nothing serious, light and dark, wide and narrow', async () => {
  await using opened = await open(serving.url, { bypassCSP: true });
  const { page } = opened;
  await beginning(page).fill('花落\n');
  await choose(page, { 最多词元: '20', 种子: '3' });
  await run(page).click();
  await page.getByText(/词元\/秒/).waitFor();
  await page.getByRole('button', { name: '词元', exact: true }).click();
  await page.getByRole('button', { name: '开头的词元' }).click();
  await page.locator('.write-token.given').first().waitFor();
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

/** Runs in the page: records as 试写 writes them. */
const fillHistory = (count: number) => `(async () => {
  const opening = indexedDB.open('tunan', 1);
  const database = await new Promise((resolve, reject) => {
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const change = database.transaction('lines', 'readwrite');
  const store = change.objectStore('lines');
  for (let at = 0; at < ${count}; at++) store.put({ id: String(at), at, kind: 'text', models: [], title: '第 ' + at + ' 条' });
  await new Promise((resolve) => { change.oncomplete = resolve; });
})()`;

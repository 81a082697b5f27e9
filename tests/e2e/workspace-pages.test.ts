/** 数据, 训练 and 评测 in a real browser: what lies below the operator's folder, and a run that is followed while it grows. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Accounts, serve, Workspace } from '@tunan/api';
import { labelOf } from '@tunan/corpus';
import { pageFolder } from '@tunan/playground';
import { launchBrowser, openPage, seriousFindings } from './page-browser.ts';
import { tinyEngine } from './tiny-engine.ts';
import { makeWorkspace } from './workspace-folder.ts';

const { engine, close } = await tinyEngine();
const folder = mkdtempSync(path.join(tmpdir(), 'tunan 页面-'));
const { run } = await makeWorkspace(folder);
const published = [{ name: 'Yuan-13B', setting: 'zero-shot' as const, score: 0.5622, tasks: { eprstmt: 0.8813 } }];
const options = {
  models: new Map([['m', engine]]),
  workspace: new Workspace(folder, { labelOf, published }),
  page: await pageFolder(),
  port: 0,
};
const serving = await serve(options);
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  await serving.close();
  close();
  rmSync(folder, { recursive: true });
});

test('corpora, scores and a run are found from the navigation; the run is followed while it grows', async () => {
  await using opened = await openPage(browser, serving.url);
  const { page, complaints } = opened;
  await page.getByRole('link', { name: '数据' }).click();
  await page.getByRole('link', { name: '语料/poems' }).click();
  await page.getByRole('heading', { name: '剔除原因' }).waitFor();
  await page.getByRole('cell', { name: 'shijing' }).waitFor();
  const report = page.waitForEvent('popup');
  await page.getByRole('link', { name: '完整报告' }).click();
  await (await report).getByText('caocaoshiji').first().waitFor();

  await page.getByRole('link', { name: '评测', exact: true }).click();
  await page.getByRole('link', { name: 'zeroclue' }).click();
  await page.getByRole('row').filter({ hasText: 'Yuan-13B' }).getByText('88.1', { exact: true }).waitFor();

  await page.getByRole('link', { name: '训练', exact: true }).click();
  await page.getByText('已完成').waitFor();
  await page.getByRole('link', { name: 'runs/第一次' }).click();
  await page.getByRole('heading', { name: '小试' }).waitFor();
  await page.getByText('12 / 12', { exact: true }).waitFor();
  assert.equal(await page.locator('.line-chart path.expected').count(), 1, 'the curve of the law');
  assert.equal(await page.locator('.line-chart circle.second').count(), 3, 'an evaluation is a dot');
  const lines = readFileSync(path.join(run, 'log.jsonl'), 'utf8').trim().split('\n');
  const last = JSON.parse(lines.at(-1)!) as object;
  appendFileSync(path.join(run, 'log.jsonl'), `${JSON.stringify({ ...last, step: 13, loss: 4.3219 })}\n`);
  await page.getByText('4.3219', { exact: true }).waitFor();
  await page.getByText('13 / 12', { exact: true }).waitFor();
  assert.deepEqual(complaints, []);
});

test('axe finds nothing serious, and nothing scrolls sideways on 360 px', async () => {
  await using opened = await openPage(browser, serving.url, { bypassCSP: true });
  const { page } = opened;
  for (const [name, place] of [
    ['data', '语料/poems'],
    ['runs', 'runs/第一次'],
    ['scores', 'zeroclue'],
  ] as const) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(`${serving.url}/#/${name}`);
    const link = page.getByRole('link', { name: place });
    await link.waitFor();
    assert.deepEqual(await seriousFindings(page), [], name);
    await link.click();
    await page.getByRole('heading', { level: 2 }).waitFor();
    await page.locator('.place-figures').waitFor();
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 360, height: 740 });
    assert.deepEqual(await seriousFindings(page), [], place);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, place);
  }
});

test('where accounts are on, the pages are for admins, and are not in the navigation of others', async () => {
  const accounts = await Accounts.open(path.join(folder, 'accounts.sqlite'), { passwordCost: 2, environment: {} });
  after(() => accounts.close());
  const admin = (await accounts.members.addFirstAdmin())!;
  const guarded = await serve({ ...options, accounts });
  after(() => guarded.close());
  await using opened = await openPage(browser, `${guarded.url}/#/runs`);
  const { page } = opened;
  await page.getByText('这一页仅限管理员').waitFor();
  assert.equal(await page.getByRole('link', { name: '训练', exact: true }).count(), 0);
  await page.getByRole('status').getByRole('link', { name: '登录' }).click();
  await page.getByLabel('邮箱', { exact: true }).fill(admin.account.email);
  await page.getByLabel('密码', { exact: true }).fill(admin.password);
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: '训练', exact: true }).click();
  await page.getByRole('link', { name: 'runs/第一次' }).click();
  await page.getByRole('heading', { name: '小试' }).waitFor();
});

/** 账号 and 管理 in a real browser: from an application to a call, keys that end, a quota that is used up, the table of limits. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Accounts, Ledger, Limits, serve } from '@tunan/api';
import { pageFolder } from '@tunan/playground';
import type { Page } from 'playwright-core';
import { launchBrowser, openPage, seriousFindings } from './page-browser.ts';
import { tinyEngine } from './tiny-engine.ts';

const { engine, close } = await tinyEngine();
const folder = mkdtempSync(path.join(tmpdir(), 'tunan 账号-'));
let now = Date.now();
const accounts = await Accounts.open(path.join(folder, 'accounts.sqlite'), {
  ...{ passwordCost: 2, environment: {} },
  now: () => now,
});
const ledger = await Ledger.open(accounts.database);
const limits = new Limits(accounts.database);
const admin = (await accounts.members.addFirstAdmin())!;
const models = new Map([['yuan-tiny', engine]]);
const serving = await serve({ models, accounts, ledger, page: await pageFolder(), port: 0 });
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  await serving.close();
  await ledger.close();
  await accounts.close();
  close();
  rmSync(folder, { recursive: true });
});

const PASSWORD = '一二三四五六七八九十十一';

async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('邮箱', { exact: true }).fill(email);
  await page.getByLabel('密码', { exact: true }).fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: '退出登录' }).waitFor();
}

const open = (place: string, options: Parameters<typeof openPage>[2] = {}) =>
  openPage(browser, `${serving.url}/#/${place}`, options);

/** A browser of its own for each person. */
async function openAs(place: string, email: string, password: string, options: Parameters<typeof openPage>[2] = {}) {
  const opened = await open('account', options);
  await signIn(opened.page, email, password);
  await opened.page.goto(`${serving.url}/#/${place}`);
  return opened;
}

function complete(key: string, payload: object) {
  return fetch(`${serving.url}/v1/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: '春', ignore_eos: true, ...payload }),
  });
}

async function newMember(email: string) {
  const { account, password } = await accounts.members.add({
    ...{ organisation: '某某大学', kind: 'academic', role: 'user', name: email.split('@')[0]!, email },
  });
  return { account, password };
}

/** Makes a key by the form, and gives its text as it is shown, once. */
async function makeKey(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name: '新建密钥' }).click();
  await page.getByLabel('名称', { exact: true }).fill(name);
  await page.getByRole('button', { name: '创建', exact: true }).click();
  const shown = page.getByRole('dialog').getByRole('region', { name: '密钥' });
  await shown.waitFor();
  return (await shown.textContent())!.trim();
}

test('somebody applies, a reviewer approves, the account makes a key, and the key writes', async () => {
  await using applicant = await open('account/apply');
  const { page } = applicant;
  await page.getByLabel('机构名称').fill('图南大学');
  await page.getByLabel('用途').fill('古诗教学<img src=x onerror=alert(1)>');
  await page.getByLabel('姓名').fill('张三');
  await page.getByLabel('邮箱').fill('zhang@example.org');
  // What was typed outlives a reload, the password does not.
  await page.waitForTimeout(400);
  await page.reload();
  assert.equal(await page.getByLabel('机构名称').inputValue(), '图南大学');
  await page.getByLabel('电话（可选）').fill('不是号码');
  await page.getByLabel('密码').fill(PASSWORD);
  await page.getByRole('button', { name: '提交申请' }).click();
  await page.getByRole('alert').getByText('不是电话号码').waitFor();
  assert.equal(await page.getByLabel('电话（可选）').getAttribute('aria-invalid'), 'true');
  await page.getByLabel('电话（可选）').fill('');
  await page.getByRole('button', { name: '提交申请' }).click();
  await page.getByText('申请已提交').waitFor();

  const reviewer = await newMember('reviewer@example.org');
  await accounts.members.setRole(reviewer.account.id, 'reviewer');
  {
    await using reviewing = await openAs('admin', 'reviewer@example.org', reviewer.password);
    await reviewing.page.getByRole('tab', { name: '申请' }).waitFor();
    assert.deepEqual(await reviewing.page.getByRole('tab').allTextContents(), ['申请'], 'a reviewer sees nothing else');
    await reviewing.page.getByRole('button', { name: /图南大学/ }).click();
    await reviewing.page.getByText('古诗教学<img src=x onerror=alert(1)>').waitFor();
    await reviewing.page.getByRole('button', { name: '通过', exact: true }).click();
    await reviewing.page.getByText('没有这一状态的申请').waitFor();
    assert.deepEqual(reviewing.complaints, []);
  }

  await page.getByRole('button', { name: '登录' }).click();
  await signIn(page, 'zhang@example.org', PASSWORD);
  await page.getByText('图南大学 · 用户 · 机构负责人').waitFor();
  const key = await makeKey(page, '我的程序');
  assert.equal((await complete(key, { max_tokens: 5 })).status, 200);
  await page.getByRole('button', { name: '在本页使用' }).click();
  await page.getByText('已连接').or(page.getByText('yuan-tiny')).first().waitFor();
  assert.ok(!(await page.content()).includes(key), 'it is not shown again');
  await page.goto(`${serving.url}/#/account/usage`);
  await page.getByRole('cell', { name: 'yuan-tiny' }).waitFor();
  await page.goto(`${serving.url}/#/write`);
  await page.getByLabel('最多词元', { exact: true }).fill('3');
  await page.getByRole('button', { name: '续写', exact: true }).click();
  await page.getByText(/词元\/秒/).waitFor();
});

test('a key is rotated and revoked, and one that expires is shown as such and refused', async () => {
  const { password } = await newMember('keys@example.org');
  await using opened = await openAs('account/keys', 'keys@example.org', password);
  const { page, complaints } = opened;
  const first = await makeKey(page, '程序');
  await page.getByRole('button', { name: '已保存，关闭' }).click();
  await page.getByRole('button', { name: '轮换：程序' }).click();
  await page.getByRole('button', { name: '轮换', exact: true }).click();
  await page.getByText('请立即复制').waitFor();
  await page.getByRole('button', { name: '已保存，关闭' }).click();
  assert.equal(await page.getByRole('listitem').filter({ hasText: '程序' }).count(), 2, 'the old one counts on');
  now += 2 * 24 * 3600 * 1000;
  const refused = await complete(first, { max_tokens: 1 });
  assert.match(((await refused.json()) as { error: { message: string } }).error.message, /has expired/);
  await page.clock.setFixedTime(now);
  await page.reload();
  // So has the session.
  await signIn(page, 'keys@example.org', password);
  await page.getByText('已失效的密钥（1）').click();
  await page.getByText('已过期', { exact: true }).waitFor();
  await page.getByRole('button', { name: '吊销：程序' }).click();
  await page.getByRole('button', { name: '吊销', exact: true }).click();
  await page.getByText('已失效的密钥（2）').waitFor();
  assert.deepEqual(
    complaints.filter((one) => !one.includes('401')),
    [],
  );
});

test('a quota that is used up is shown, with the refusal in the words of the server', async () => {
  const { account, password } = await newMember('quota@example.org');
  await limits.set({ scope: 'account', subject: account.id, model: '*', metric: 'tokens_per_day', amount: 30 });
  await using opened = await openAs('account/keys', 'quota@example.org', password);
  const { page } = opened;
  const key = await makeKey(page, '程序');
  await page.getByRole('button', { name: '在本页使用' }).click();
  assert.equal((await complete(key, { max_tokens: 20 })).status, 200);
  await page.goto(`${serving.url}/#/account/limits`);
  await page.getByText(/还剩 \d，共 30/).waitFor();
  await page.goto(`${serving.url}/#/write`);
  await page.getByLabel('最多词元', { exact: true }).fill('20');
  await page.getByRole('button', { name: '续写', exact: true }).click();
  await page.getByRole('alert').getByText('限额').waitFor();
});

test('an admin changes the table of limits, and a role; nothing is shown to others', async () => {
  const { account, password } = await newMember('wang@example.org');
  await using opened = await openAs('admin/limits', 'admin@localhost', admin.password);
  const { page, complaints } = opened;
  const form = page.getByRole('form', { name: '设置限额' });
  await form.getByLabel('范围').selectOption('account');
  await form.getByLabel('对象').selectOption({ label: 'wang (wang@example.org)' });
  await form.getByLabel('项目').selectOption('requests_per_minute');
  await form.getByLabel('限额', { exact: true }).fill('7');
  await form.getByRole('button', { name: '设置' }).click();
  const line = page.getByRole('row').filter({ hasText: 'wang@example.org' });
  await line.getByText('7', { exact: true }).waitFor();
  assert.ok((await limits.list()).some(({ subject, amount }) => subject === account.id && amount === 7));
  await line.getByRole('button', { name: '修改' }).click();
  await form.getByLabel('限额', { exact: true }).fill('9');
  await form.getByRole('button', { name: '设置' }).click();
  await line.getByText('9', { exact: true }).waitFor();
  await line.getByRole('button', { name: '删除' }).click();
  await line.waitFor({ state: 'detached' });

  await page.getByRole('tab', { name: '账户' }).click();
  await page.getByLabel('查找姓名、邮箱或机构').fill('WANG@');
  await page.getByText(/^1 \/ \d+ 个账户$/).waitFor();
  await page.getByRole('button', { name: /wang@example.org/ }).click();
  await page.getByLabel('角色').selectOption('reviewer');
  await page.getByRole('listitem').getByText('审核人').waitFor();
  assert.equal((await accounts.members.find(account.id)).role, 'reviewer');
  const { text: key } = await accounts.keys.make(account.id, { name: '程序' });
  for (const [what, whose] of [
    ['账户', 'suspendedAt'],
    ['整个机构（某某大学）', 'organisationSuspendedAt'],
  ] as const) {
    await page.getByRole('button', { name: `停用${what}`, exact: true }).click();
    await page.getByRole('button', { name: `恢复${what}`, exact: true }).waitFor();
    await page.getByRole('listitem').getByText('已停用').first().waitFor();
    assert.notEqual((await accounts.members.find(account.id))[whose], undefined);
    assert.equal((await complete(key, { max_tokens: 1 })).status, 403);
    assert.deepEqual(await seriousFindings(page), []);
    await page.getByRole('button', { name: `恢复${what}`, exact: true }).click();
    await page.getByRole('button', { name: `停用${what}`, exact: true }).waitFor();
  }
  assert.equal((await complete(key, { max_tokens: 1 })).status, 200);
  assert.deepEqual(complaints, []);

  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: '变更记录' }).click();
  const suspension = page.getByRole('row').filter({ hasText: '停用账户' }).filter({ hasText: 'wang@example.org' });
  await suspension.getByText('admin@localhost').waitFor();
  const monthly = { scope: 'account', subject: account.id, model: '*', metric: 'tokens_per_month' } as const;
  for (let amount = 1000; amount < 1050; amount++) await accounts.limits.set({ ...monthly, amount });
  await page.getByRole('button', { name: '最新' }).click();
  await page.getByRole('row').filter({ hasText: '限额: 1049' }).getByText('服务器').waitFor();
  await page.getByRole('button', { name: '更早的' }).click();
  await suspension.waitFor();

  await accounts.members.setRole(account.id, 'user');
  await using other = await openAs('admin', 'wang@example.org', password);
  await other.page.getByText('这一页仅限审核人与管理员').waitFor();
  assert.equal(await other.page.getByRole('link', { name: '管理', exact: true }).count(), 0);
});

test('axe finds nothing serious on any of the pages, light and wide, dark and narrow, where nothing scrolls sideways', async () => {
  await using opened = await openAs('account', 'admin@localhost', admin.password, { bypassCSP: true });
  const { page } = opened;
  const places = ['account/keys', 'account/usage', 'account/limits', 'account/members', 'account/safeguards'];
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [360, 'dark'],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 740 });
    for (const place of [
      ...places,
      'admin/applications',
      'admin/accounts',
      'admin/limits',
      'admin/usage',
      'admin/audit',
    ]) {
      await page.goto(`${serving.url}/#/${place}`);
      await page.waitForLoadState('networkidle');
      // Each page once, half of them as each.
      if (place.length % 2 === (width === 360 ? 0 : 1)) assert.deepEqual(await seriousFindings(page), [], place);
      const isWider = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
      assert.equal(isWider, false, `${place} scrolls sideways`);
    }
  }
  await page.getByRole('tab', { name: '申请' }).waitFor();
  await page.goto(`${serving.url}/#/account`);
  await page.getByRole('button', { name: '退出登录' }).click();
  for (const tab of ['登录', '申请账号']) {
    await page.getByRole('tab', { name: tab }).click();
    assert.deepEqual(await seriousFindings(page), [], tab);
  }
});

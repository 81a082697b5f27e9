/** 应用 in a real browser against a real server and a real, tiny model: gallery, runs, an own application, two who edit it, files. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AppStore, openMigrated, serve } from '@tunan/api';
import { checkApp, parseYaml } from '@tunan/applications';
import { pageFolder } from '@tunan/playground';
import type { AppInput } from '@tunan/protocol';
import type { Page } from 'playwright-core';
import { launchBrowser, openPage, seriousFindings } from './page-browser.ts';
import { tinyEngine } from './tiny-engine.ts';

const both = (zh: string, en = zh) => ({ zh, en });
const SCRIPT = '<img src=x onerror="document.title=1">';
const couplet = parseYaml(
  readFileSync(fileURLToPath(new URL('../../apps/gallery/applications/couplet.yaml', import.meta.url)), 'utf8'),
  'couplet',
) as AppInput;
const long: AppInput = {
  ...{ tunan_app: 1, name: 'long', title: both('长文', 'Long text'), description: both(SCRIPT), group: 'writing' },
  inputs: [{ name: 'theme', label: both('题', 'Theme') }],
  sampling: { max_tokens: 6 },
  checks: [{ use: 'length', least: 400 }],
  retries: 1,
};
const chat: AppInput = { ...long, name: 'chat', title: both('谈话'), checks: [], conversation: {} };
const talk: AppInput = { ...long, name: 'talk', title: both('闲谈'), needs: 'chat', model: 'absent', checks: [] };
const measured = { app: 'couplet', measure: 'form', metric: 'form', value: 0.5, low: 0.4, high: 0.6 } as const;
const draws = { first_draw: 0.25, free_draw: 0.02 };

const { engine, close } = await tinyEngine();
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-apps-page-'));
const database = await openMigrated(path.join(folder, 'apps.sqlite'), {}, undefined);
const apps = {
  gallery: [couplet, long, chat, talk].map((app) => checkApp(app, app.name)),
  store: new AppStore(database),
  quality: new Map([['m', [{ ...measured, ...draws, items: 100, measured: '2026-11-30' }]]]),
};
const serving = await serve({ models: new Map([['m', engine]]), page: await pageFolder(), port: 0, apps });
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  await serving.close();
  close();
  await database.close();
  rmSync(folder, { recursive: true, maxRetries: 3 });
});
const at = (rest = '') => `${serving.url}/#/apps${rest}`;
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const output = (page: Page) => page.locator('.apps-output');

test('the gallery says how good each application is here, and which cannot run; it fits 360 px and axe', async () => {
  await using opened = await openPage(browser, at(), { viewport: { width: 360, height: 740 }, bypassCSP: true });
  const { page, complaints } = opened;
  await page.getByRole('heading', { name: '对对联' }).waitFor();
  await page.getByText('形式正确 50 %（95 % 区间 40 % – 60 %，100 条） · 首次即正确 25 %，不约束时 2 % · m').waitFor();
  await page.getByText('不能运行：它需要模型“absent”，此处没有').waitFor();
  assert.equal(await page.locator('main img').count(), 0, 'texts are shown as text');
  const isWide = () => page.evaluate('document.documentElement.scrollWidth > innerWidth');
  assert.equal(await isWide(), false);
  assert.deepEqual(await seriousFindings(page), []);
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.deepEqual(await seriousFindings(page), [], 'in the dark');
  await page.emulateMedia({ colorScheme: 'light' });
  // By the keyboard alone.
  await page.getByRole('link', { name: '长文' }).focus();
  await page.keyboard.press('Enter');
  await press(page, '复制为我的应用');
  await page.getByRole('heading', { name: '修改' }).waitFor();
  await page.getByText('取样', { exact: true }).click();
  await press(page, '添加示例');
  await page.getByLabel('示例 1：题').waitFor();
  assert.equal(await isWide(), false);
  assert.deepEqual(await seriousFindings(page), []);
  assert.deepEqual(complaints, []);
});

test('a run that fails its check shows every attempt and what was wrong, whole and streamed, in English too', async () => {
  await using opened = await openPage(browser, at('/long'), { locale: 'en-GB', bypassCSP: true });
  const { page, complaints } = opened;
  await page.getByLabel('Theme').fill('雪');
  for (const isStreamed of [false, true]) {
    await page.getByLabel('Show while it is written').setChecked(isStreamed);
    await page.getByLabel('Show the prompt that is sent').check();
    await page.getByLabel('Theme').press('Enter');
    await page.getByText('All 2 attempts').waitFor();
    await page.getByText('Fails a check').waitFor();
    assert.match((await page.locator('.apps-wrong').first().textContent()) ?? '', /^Wrong: .*400/);
    assert.equal(await page.locator('.apps-prompt').textContent(), '雪\n答:');
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await seriousFindings(page), [], colorScheme);
    }
    await page.getByLabel('Show the prompt that is sent').uncheck();
  }
  await page.reload();
  assert.equal(await page.getByLabel('Theme').inputValue(), '雪', 'kept over a reload');
  assert.deepEqual(complaints, []);
});

test('a conversation keeps its turns over a reload, and begins anew when asked', async () => {
  await using opened = await openPage(browser, at('/chat'));
  const { page, complaints } = opened;
  for (const [count, said] of ['春', '夏'].entries()) {
    await page.getByLabel('题').fill(said);
    await press(page, '运行');
    await page.getByText(`你: ${said}`).waitFor();
    assert.equal(await page.locator('details .apps-text').count(), count + 1);
    assert.equal(await page.getByLabel('题').inputValue(), '');
  }
  await page.reload();
  await page.getByText('你: 夏').waitFor();
  await press(page, '重新开始对话');
  await page.getByText('你: 夏').waitFor({ state: 'detached' });
  assert.deepEqual(complaints, []);
});

test('a newcomer has a couplet application of their own in a few clicks; two who edit it lose nothing', async (t) => {
  await using opened = await openPage(browser, serving.url);
  const { page, complaints } = opened;
  let clicks = 0;
  const click = async (role: 'link' | 'button' | 'textbox', name: string) => {
    await page.getByRole(role, { name, exact: true }).first().click();
    clicks += 1;
  };
  await click('link', '应用');
  await click('link', '对对联');
  await click('button', '复制为我的应用');
  await click('textbox', '示例 5：上联');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('青山不墨千秋画');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('绿水无弦万古琴');
  await click('button', '保存');
  await page.getByText('已保存，第 2 版。').waitFor();
  await click('textbox', '上联');
  await page.keyboard.type('海上生明月');
  await click('button', '运行');
  await page.getByText(/提示 \d+ \+ 生成 \d+ 词元/).waitFor();
  t.diagnostic(`${clicks} clicks from the first page to a couplet of one's own application`);
  assert.ok(clicks <= 7, `${clicks} clicks`);
  assert.match((await output(page).textContent()) ?? '', /^\p{Script=Han}{5}$/u);
  await page.getByLabel('显示所发的提示').check();
  await press(page, '运行');
  assert.match(
    (await page.locator('.apps-prompt').textContent()) ?? '',
    /上联：青山不墨千秋画\n下联：绿水无弦万古琴\n\n上联：海上生明月\n下联：$/,
  );

  await using second = await openPage(browser, page.url());
  await second.page.getByLabel('名称（中文）').fill(SCRIPT);
  await page.getByLabel('名称（中文）').fill('我的对联');
  await press(second.page, '保存');
  await second.page.getByRole('heading', { name: SCRIPT }).waitFor();
  await press(page, '保存');
  await page
    .getByRole('alert')
    .getByText(/你的修改仍在这里，没有丢失：读取的是第 2 版，其间他人已保存第 3 版/)
    .waitFor();
  assert.equal(complaints.length, 1, 'the refusal alone');
  await page.reload();
  assert.equal(await page.getByLabel('名称（中文）').inputValue(), '我的对联');
  await press(page, '保存');
  await press(page, '以我的修改覆盖');
  await page.getByText('已保存，第 4 版。').waitFor();
  await page.getByText('以前的版本').click();
  await press(page, '把第 3 版取到编辑器中');
  await page.getByText('有未保存的修改').waitFor();
  assert.equal(await page.getByLabel('名称（中文）').inputValue(), SCRIPT);
  await press(page, '放弃修改');

  // The tick stands before the server has answered, and when it refuses it is taken back.
  const shared = page.getByLabel('本服务器的人都可查看和运行（只读）');
  const answers = new EventEmitter();
  await page.route('**/sharing', async (route) => {
    const [isTaken] = await once(answers, 'answer');
    await (isTaken ? route.continue() : route.fulfill({ status: 500, json: { error: { message: '不行' } } }));
  });
  for (const isTaken of [false, true]) {
    const asked = page.waitForRequest('**/sharing');
    await shared.check();
    await asked;
    const answered = page.waitForResponse('**/sharing');
    answers.emit('answer', isTaken);
    await answered;
    await page.getByRole('alert').waitFor({ state: isTaken ? 'detached' : 'visible' });
    await page.getByRole('button', { name: '导出文件' }).and(page.locator(':enabled')).waitFor();
    assert.equal(await shared.isChecked(), isTaken);
  }
  const [download] = await Promise.all([page.waitForEvent('download'), press(page, '导出文件')]);
  assert.equal(download.suggestedFilename(), 'couplet.json');
  const file = readFileSync(await download.path(), 'utf8');
  await page.getByRole('link', { name: '全部应用' }).click();
  await page.getByRole('heading', { name: '我的应用' }).waitFor();
  assert.match((await page.locator('.apps-cards li').first().textContent()) ?? '', /我的对联/, 'own ones come first');
  const take = (text: string) =>
    page
      .getByLabel('YAML 或 JSON 应用文件')
      .setInputFiles({ name: 'a.json', mimeType: 'application/json', buffer: Buffer.from(text) });
  await take('name: [');
  await page.getByRole('alert').getByText('file 不是有效的 YAML').waitFor();
  await take(file);
  await page.getByRole('heading', { name: '我的对联' }).waitFor();
  await press(page, '删除');
  await page.getByRole('dialog').getByRole('button', { name: '删除', exact: true }).click();
  await page.getByRole('heading', { name: '我的应用' }).waitFor();
  const wrong = [...complaints, ...second.complaints].filter((text) => !/status of (409|400|500)/.test(text));
  assert.deepEqual(wrong, []);
});

test('checks, retries and the constraint are edited by the keyboard alone, in dark mode too; a broken one is told and kept', async () => {
  await using opened = await openPage(browser, at('/long'), { bypassCSP: true, colorScheme: 'dark' });
  const { page, complaints } = opened;
  const key = (name: string) => page.keyboard.press(name);
  await press(page, '复制为我的应用');
  await page.getByText('检查与约束（1）').focus();
  await key('Enter');
  await page.getByLabel('检查 1：至少').focus();
  await key('Control+A');
  await page.keyboard.type('2');
  // A regular expression beside it, by the keys alone.
  await page.getByLabel('要添加的检查').focus();
  for (let down = 0; down < 7; down++) await key('ArrowDown');
  await key('Tab');
  await key('Enter');
  await page.getByLabel('检查 2：整个回答须匹配').fill('[春夏]{2}');
  assert.ok(await page.getByLabel('检查 2：写作时即约束模型').isChecked());
  await page.getByLabel('未通过时重写次数').fill('0');
  assert.deepEqual(await seriousFindings(page), []);
  await press(page, '保存');
  await page.getByText('已保存，第 2 版。').waitFor();
  await page.getByLabel('题', { exact: true }).fill('雪');
  await press(page, '运行');
  await page.getByText('通过全部检查').waitFor();
  assert.match((await output(page).textContent()) ?? '', /^[春夏]{2}$/);

  // The check that had the focus is gone, and the focus is where the checks begin.
  await page.getByRole('button', { name: '删除检查 2' }).focus();
  await key('Enter');
  await page.getByText('检查与约束（1）').waitFor();
  assert.equal(await page.evaluate('document.activeElement.tagName'), 'SUMMARY');
  await page.getByLabel('约束的种类').selectOption('json');
  await page.getByLabel('约束的内容').fill('{"enum": [7'); // not yet JSON
  await page.getByRole('alert').getByText('不是 JSON 对象').waitFor();
  await page.reload();
  await page.getByText('检查与约束（1）').click();
  assert.equal(await page.getByLabel('约束的内容').inputValue(), '{"enum": [7');
  await press(page, '保存');
  await page
    .getByRole('alert')
    .getByText(/constraint/)
    .waitFor();
  await page.getByLabel('约束的内容').fill('{"enum": [77]}');
  await press(page, '保存');
  await page.getByText('已保存，第 3 版。').waitFor();
  await page.getByLabel('题', { exact: true }).fill('雪');
  await press(page, '运行');
  await page.getByText('通过全部检查').waitFor();
  assert.equal(await output(page).textContent(), '77');
  assert.deepEqual(
    complaints.filter((text) => !/status of 400/.test(text)),
    [],
  );
});

test('every kind of check can be added, and has fields that are named, in English too', async () => {
  await using opened = await openPage(browser, at('/couplet'), {
    ...{ locale: 'en-GB', bypassCSP: true, viewport: { width: 360, height: 740 } },
  });
  const { page, complaints } = opened;
  await press(page, 'Copy to my applications');
  await page.getByText('Checks and constraint (3)').click();
  assert.equal(await page.getByLabel('Check 1: Input that is the upper line').inputValue(), 'upper');
  while ((await page.getByRole('button', { name: /^Delete check/ }).count()) > 0) {
    await page
      .getByRole('button', { name: /^Delete check/ })
      .first()
      .click();
  }
  const uses = ['verse', 'meter', 'couplet', 'parallel', 'acrostic', 'lines', 'length', 'choice'];
  for (const use of uses) {
    await page.getByLabel('Check to add').selectOption(use);
    await press(page, 'Add a check');
  }
  assert.ok(await page.getByRole('button', { name: 'Add a check' }).isDisabled(), 'eight are the most');
  await page.getByLabel('Check 2: Measure').fill('平平仄，中仄仄平平韵。');
  await page.getByLabel('Check 4: Places of a couplet that may depart').fill('2');
  await page.getByLabel('Check 8: Answers that are allowed').fill('一\n二');
  assert.deepEqual(await seriousFindings(page), []);
  assert.equal(await page.evaluate('document.documentElement.scrollWidth > innerWidth'), false);
  await press(page, 'Save');
  await page.getByText('Saved, revision 2.').waitFor();
  const id = page.url().split('/').at(-1)!;
  const { app } = (await (await fetch(`${serving.url}/v1/apps/${id}`)).json()) as { app: AppInput };
  assert.deepEqual(
    app.checks?.map(({ use }) => use),
    uses,
  );
  assert.deepEqual(app.checks?.at(-1), { use: 'choice', texts: ['一', '二'], impose: true });
  assert.deepEqual(app.checks?.[3], { use: 'parallel', of: 'upper', departures: 2, impose: true });
  assert.deepEqual(complaints, []);
});

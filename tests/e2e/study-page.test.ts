/** The judges' page in a real browser: consent, reading time, keyboard, two windows, a server that goes away, leaving; texts stay texts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { OpenStudy, type Serving, serve } from '@tunan/api';
import { pageFolder } from '@tunan/playground';
import type { StudyEvent } from '@tunan/protocol/studies';
import type { Page } from 'playwright-core';
import { launchBrowser, openPage, seriousFindings } from './page-browser.ts';
import { type StudyRequest, studyOf } from './study-texts.ts';

const page = await pageFolder();
const browser = await launchBrowser();
after(() => browser.close());

interface Served {
  readonly link: string;
  readonly folder: string;
  /** Ends the server and begins it again at the same address. */
  stop(): Promise<void>;
  begin(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function served(request: StudyRequest = {}): Promise<Served> {
  const { folder, made } = await studyOf({ judges: 2, each: 3, checks: 0, texts: 4, ...request });
  let study: OpenStudy;
  let serving: Serving | undefined;
  let port = 0;
  const begin = async () => {
    study = new OpenStudy(folder);
    serving = await serve({ models: new Map(), page, studies: [study], port });
    port = Number(new URL(serving.url).port);
  };
  const stop = async () => {
    await serving?.close();
    study[Symbol.dispose]();
    serving = undefined;
  };
  await begin();
  const code = made.invitations[0] === undefined ? '' : `/${made.invitations[0]}`;
  const link = `http://127.0.0.1:${port}/#/study/${made.study.id}${code}`;
  return { link, folder, stop, begin, [Symbol.asyncDispose]: async () => void (serving && (await stop())) };
}

const eventsOf = (folder: string): StudyEvent[] =>
  readFileSync(path.join(folder, 'judgements.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
const answersOf = (folder: string) => eventsOf(folder).filter((event) => event.event === 'answer');

const agree = (shown: Page) => shown.getByRole('button', { name: '同意并开始' }).click();
const send = (shown: Page) => shown.getByRole('button', { name: '提交，看下一篇' });
const at = (shown: Page, place: number) =>
  shown.getByRole('heading', { name: new RegExp(`^第 ${place} 篇`) }).waitFor();

async function choose(shown: Page, answer: string, confidence: string): Promise<void> {
  await shown.getByRole('radio', { name: answer }).check();
  await shown.getByRole('radio', { name: confidence }).check();
}

async function keepSight(shown: Page, name: string): Promise<void> {
  const folder = process.env.TUNAN_SCREENSHOTS;
  if (folder !== undefined) await shown.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

test('consent comes first; texts can be judged by the keyboard alone, once they can have been read', async () => {
  await using study = await served({ readingRate: 12, shortestSeconds: 1 });
  await using opened = await openPage(browser, study.link, { bypassCSP: true });
  const { page: shown, complaints } = opened;
  const bodies: string[] = [];
  shown.on('response', (response) => {
    if (response.url().includes('/studies/'))
      void response.text().then(
        (body) => bodies.push(body),
        () => undefined,
      );
  });
  await shown.getByText('参加完全自愿').waitFor();
  assert.throws(() => eventsOf(study.folder), /ENOENT/, 'nothing is kept before consent');
  await keepSight(shown, 'study-consent');
  await agree(shown);
  await at(shown, 1);
  await shown.getByText(/请先读完：还需 \d+ 秒/).waitFor();
  // The focus is at the head of the text.
  await shown.keyboard.press('Tab');
  await shown.keyboard.press('Space');
  await shown.keyboard.press('ArrowRight');
  await shown.keyboard.press('Tab');
  await shown.keyboard.press('Space');
  for (let i = 0; i < 3; i++) await shown.keyboard.press('ArrowRight');
  assert.equal(await send(shown).isDisabled(), true, 'no text is judged unread');
  assert.deepEqual(await seriousFindings(shown), []);
  await shown.getByText('可以提交').waitFor();
  await keepSight(shown, 'study-text');
  await shown.keyboard.press('Tab');
  await shown.keyboard.press('Enter');
  await at(shown, 2);
  const [answer] = answersOf(study.folder);
  assert.deepEqual(
    [answer?.answer, answer?.confidence, (answer?.seconds ?? 0) >= 1, (answer?.seenSeconds ?? 0) > 0.5],
    ['machine', 4, true, true],
  );
  for (const body of bodies) assert.doesNotMatch(body, /某集|"source"|"answer"|"human"/);
  assert.deepEqual(complaints, []);
});

test('a reload goes on where it was with what was chosen; a second window counts nothing twice', async () => {
  await using study = await served();
  await using opened = await openPage(browser, study.link);
  const { page: shown } = opened;
  await agree(shown);
  await at(shown, 1);
  const text = await shown.locator('.study-text').textContent();
  await choose(shown, '人写的', '3');
  await shown.waitForTimeout(400);
  await shown.reload();
  await at(shown, 1);
  assert.equal(await shown.locator('.study-text').textContent(), text);
  assert.equal(await shown.getByRole('radio', { name: '人写的' }).isChecked(), true);
  const second = await shown.context().newPage();
  await second.goto(study.link);
  await at(second, 1);
  await choose(second, '机器写的', '2');
  await send(second).click();
  await at(second, 2);
  await shown.bringToFront();
  // In some browsers coming back to a window is enough; in all of them sending is.
  if (await shown.getByRole('heading', { name: /^第 1 篇/ }).isVisible()) await send(shown).click();
  await shown.getByText('上一篇已在另一个窗口中判断过').waitFor();
  await at(shown, 2);
  assert.deepEqual(
    answersOf(study.folder).map(({ answer }) => answer),
    ['machine'],
  );
});

test('what was chosen is there when the server has been away, and all comes to an end', async () => {
  await using study = await served({ design: 'pair' });
  await using opened = await openPage(browser, study.link);
  const { page: shown } = opened;
  await agree(shown);
  await at(shown, 1);
  await choose(shown, '第二篇', '5 确定');
  await keepSight(shown, 'study-pair');
  await study.stop();
  await send(shown).click();
  await shown.getByText(/没有送到：.*您的选择还在/).waitFor();
  await study.begin();
  await send(shown).click();
  for (const place of [2, 3]) {
    await at(shown, place);
    await choose(shown, '第一篇', '1 猜的');
    await send(shown).click();
  }
  await shown.getByText('全部完成，谢谢！').waitFor();
  assert.deepEqual(
    answersOf(study.folder).map(({ answer }) => answer),
    ['second', 'first', 'first'],
  );
  await shown.getByRole('button', { name: '退出并删除我的判断' }).click();
  await shown.getByRole('button', { name: '删除', exact: true }).click();
  await shown.getByText('您的判断已删除').waitFor();
  assert.deepEqual(answersOf(study.folder), []);
});

test('script in any text is shown and never run; a narrow window and English do', async () => {
  const script = '<img src=x onerror="window.taken=1"><script>window.taken=1</script>。';
  const lines = [0, 1, 2, 3].map((number) =>
    JSON.stringify({ kind: 'poem', prompt: `第${number}首${script}`, text: `月${number}${script}`, source: 'x' }),
  );
  await using study = await served({
    ...{ lines: lines.join('\n'), each: 4, write: (number) => `花${number}${script}` },
    ...{ by: script, title: { zh: script, en: script } },
  });
  await using opened = await openPage(browser, study.link, {
    ...{ locale: 'en-GB', viewport: { width: 360, height: 700 }, colorScheme: 'dark', bypassCSP: true },
  });
  const { page: shown, complaints } = opened;
  await shown.getByRole('heading', { name: script }).waitFor();
  await shown.getByRole('button', { name: 'Agree and begin' }).click();
  for (let place = 1; place <= 4; place++) {
    await shown.getByRole('heading', { name: `Text ${place} of 4` }).waitFor();
    if (place === 1) {
      await keepSight(shown, 'study-narrow');
      assert.deepEqual(await seriousFindings(shown), []);
      assert.ok(
        ((await shown.evaluate('document.documentElement.scrollWidth')) as number) <= 360,
        'wider than the window',
      );
    }
    await choose(shown, 'A person', '3');
    await shown.getByRole('button', { name: 'Send, and go on' }).click();
  }
  await shown.getByText('All done').waitFor();
  assert.equal(await shown.evaluate('window.taken'), undefined);
  assert.deepEqual(complaints, []);
});

test('an invitation that is used, and a study that is not there, are told in words', async () => {
  await using study = await served({ invitations: true });
  await using first = await openPage(browser, study.link);
  await agree(first.page);
  await at(first.page, 1);
  await using second = await openPage(browser, study.link);
  await agree(second.page);
  await second.page.getByText('该邀请已使用过').waitFor();
  await using third = await openPage(browser, study.link.replace(/study\/.*/, 'study/aaaaaaaaaa'));
  await third.page.getByText('没有这个研究').waitFor();
});

/**
 * The pictures of the page in the READMEs, of a running server with a model (and accounts, for what needs them):
 *
 *   node apps/playground/scripts/screenshots.ts http://127.0.0.1:8000 [--out docs/images] [--only write]
 *
 * JPEG, so that each stays below 150 kB. Texts are those of the model that is served, always of the same seed.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';

interface Picture {
  /** Of the file, without its ending. */
  readonly name: string;
  /** Behind the address of the server. */
  readonly place: string;
  readonly options?: BrowserContextOptions;
  /** Until the page is as it is to be seen. */
  prepare(page: Page): Promise<void>;
}

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
const SEED = '20261130';

async function write(page: Page, beginning: string): Promise<void> {
  await page.getByLabel('开头', { exact: true }).fill(beginning);
  await page.getByLabel('种子', { exact: true }).fill(SEED);
  await page.getByLabel('最多词元', { exact: true }).fill('64');
  await page.getByRole('button', { name: '续写', exact: true }).click();
  await page.getByText(/词元\/秒/).waitFor();
}

const PICTURES: readonly Picture[] = [
  {
    name: 'write',
    place: '#/write',
    async prepare(page) {
      await write(page, '春夜\n');
      await page.getByRole('button', { name: '词元', exact: true }).click();
      await page.locator('.write-token').nth(5).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'write-compare-dark',
    place: '#/write',
    options: { colorScheme: 'dark' },
    async prepare(page) {
      await page.getByRole('checkbox', { name: '并排比较两组设置' }).check();
      await page.getByRole('tab', { name: '乙' }).click();
      await page.getByLabel('温度', { exact: true }).fill('0.3');
      await page.getByRole('tab', { name: '甲' }).click();
      await write(page, '江雪\n');
      await page
        .getByText(/词元\/秒/)
        .nth(1)
        .waitFor();
      await page.getByRole('tab', { name: '代码' }).click();
    },
  },
  {
    name: 'write-phone',
    place: '#/write',
    options: { viewport: PHONE, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
    prepare: (page) => write(page, '山居秋暝\n'),
  },
  {
    name: 'apps',
    place: '#/apps',
    async prepare(page) {
      await page.getByRole('heading', { name: '格律诗' }).waitFor();
    },
  },
  {
    name: 'apps-run',
    place: '#/apps/regulated-verse',
    options: { viewport: { width: 1280, height: 960 } },
    async prepare(page) {
      await page.getByLabel('题目', { exact: true }).fill('秋夜');
      await page.getByLabel('诗体', { exact: true }).selectOption('七绝');
      await page.getByRole('button', { name: '运行', exact: true }).click();
      await page.getByText(/提示 \d+ \+ 生成 \d+ 词元/).waitFor();
    },
  },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: 'docs/images' }, only: { type: 'string' } },
});
const [server] = positionals;
if (server === undefined) throw new Error('name the address of a running server: http://127.0.0.1:8000');
mkdirSync(values.out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.TUNAN_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  for (const picture of PICTURES.filter(({ name }) => values.only === undefined || name.startsWith(values.only))) {
    const context = await browser.newContext({ locale: 'zh-CN', viewport: DESKTOP, ...picture.options });
    const page = await context.newPage();
    await page.goto(new URL(picture.place, server).href);
    await picture.prepare(page);
    const file = path.join(values.out, `${picture.name}.jpg`);
    await page.screenshot({ path: file, type: 'jpeg', quality: 80 });
    await context.close();
    console.log(file);
  }
} finally {
  await browser.close();
}

/**
 * How soon the page of a running server shows something to work with, in a cold Chromium on a slowed processor.
 *
 *   node bench/first-paint.ts http://127.0.0.1:8000 [--slower 4] [--rounds 11] [--json]
 *
 * "first" is the browser's first contentful paint; "meaningful" is the frame after the box for the beginning stands on the page with its
 * buttons and parameters; "models" is when the served models are shown; bytes are those of all answers until then, as sent. Milliseconds from
 * the start of the navigation. Each round has a new context: nothing in its cache. The server runs unslowed, as on a machine of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { median } from './train-step/rounds.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    slower: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '11' },
    json: { type: 'boolean', default: false },
  },
});
const [address] = positionals;
if (address === undefined)
  throw new Error('name the address of a running server: node bench/first-paint.ts http://127.0.0.1:8000');

interface Times {
  readonly first: number;
  readonly meaningful: number;
  readonly models: number;
  readonly bytes: number;
  /** Cumulative layout shift; 0 where nothing jumped. */
  readonly shift: number;
}

/** Runs in the page before all of its own scripts. */
const WATCH = `
  globalThis.seen = { shift: 0 };
  const mark = (name, selector, isReady) => {
    const look = () => {
      if (!isReady(document.querySelector(selector))) return requestAnimationFrame(look);
      requestAnimationFrame(() => setTimeout(() => { seen[name] = performance.now(); }));
    };
    requestAnimationFrame(look);
  };
  mark('meaningful', '.write-box', (box) => box !== null && document.querySelector('.write-parameters input') !== null);
  mark('models', '.shell-server.ready', (line) => line !== null);
  new PerformanceObserver((list) => { for (const one of list.getEntries()) seen.shift += one.value; })
    .observe({ type: 'layout-shift', buffered: true });
`;

const browser = await chromium.launch({
  executablePath: process.env.TUNAN_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const rounds: Times[] = [];
try {
  // The first one warms the program itself, not its cache.
  for (let round = 0; round <= Number(options.rounds); round++) {
    const times = await look(address);
    if (round > 0) rounds.push(times);
  }
} finally {
  await browser.close();
}
const names = ['first', 'meaningful', 'models', 'bytes', 'shift'] as const;
const result = Object.fromEntries(names.map((name) => [name, median(rounds.map((times) => times[name]))]));
const worst = Object.fromEntries(names.map((name) => [name, Math.max(...rounds.map((times) => times[name]))]));
if (options.json)
  console.log(JSON.stringify({ slower: Number(options.slower), rounds: rounds.length, median: result, worst }));
else {
  console.log(`processor ${options.slower} times slower, ${rounds.length} rounds`);
  for (const name of names) console.log(`${name.padEnd(11)} median ${show(result[name])}   worst ${show(worst[name])}`);
}

function show(value: number | undefined): string {
  return (value ?? Number.NaN).toFixed(value !== undefined && value < 1 ? 3 : 0);
}

async function look(place: string): Promise<Times> {
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1280, height: 800 } });
  try {
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: Number(options.slower) });
    await session.send('Network.enable');
    let bytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    await page.addInitScript(WATCH);
    await page.goto(place);
    // Not waitForFunction, which needs the eval that the page forbids.
    while (!(await page.evaluate('seen.meaningful !== undefined && seen.models !== undefined'))) await sleep(50);
    const seen = (await page.evaluate(
      `({ ...seen, first: performance.getEntriesByName('first-contentful-paint')[0].startTime })`,
    )) as Omit<Times, 'bytes'>;
    return { ...seen, bytes };
  } finally {
    await context.close();
  }
}

/**
 * What accounts, limits, token counting and the ledger cost a request: p50 and p99 of the time to the end of an answer, beside the open server,
 * in turns, as public benchmarks of gateways measure it (an engine that answers after 22 ms; 1, 4 and 16 clients). Then requests/s with an
 * engine that answers at once, and streams that go on for a while: is every token billed that was received, does memory stay flat?
 *
 *   node bench/accounts.ts [--rounds 5] [--requests 300] [--delay 22] [--clients 1,4,16] [--at-once 64] [--streams 200] [--seconds 60]
 *     [--accounts URL] [--only latency|rate|streams] [--json]
 *
 * `--accounts` puts PostgreSQL in place of a SQLite file in a temporary folder. Another gateway joins as one more entry of `start`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '300' },
    delay: { type: 'string', default: '22' },
    clients: { type: 'string', default: '1,4,16' },
    'at-once': { type: 'string', default: '64' },
    streams: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
    accounts: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const folder = mkdtempSync(path.join(os.tmpdir(), 'tunan-bench-'));
const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

interface Server {
  readonly url: string;
  readonly key: string;
  readonly child: ChildProcess;
  lines(): Promise<string>;
}

let servers = 0;
async function start(guarded: boolean, args: readonly string[]): Promise<Server> {
  const place = values.accounts ?? path.join(folder, `${++servers}.sqlite`);
  const script = path.resolve(import.meta.dirname, 'accounts/server.ts');
  const child = spawn(process.execPath, ['--expose-gc', script, ...args, ...(guarded ? ['--accounts', place] : [])], {
    env: { TUNAN_ACCOUNTS_SECRET: 'a secret of benchmarks, and of nothing else', ...process.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const reader = createInterface({ input: child.stdout! });
  const lines = async () => String((await once(reader, 'line'))[0]);
  return { ...(JSON.parse(await lines()) as { url: string; key: string }), child, lines };
}

interface Look {
  readonly billed: number;
  readonly open: number;
  /** Bytes of the heap and beside it, after a collection. */
  readonly held: number;
  /** Bytes of the process. */
  readonly rss: number;
  /** Of the process since its start, µs. */
  readonly cpu: number;
}

async function look(server: Server): Promise<Look> {
  const line = server.lines();
  server.child.kill('SIGUSR2');
  return JSON.parse(await line) as Look;
}

async function stop(...all: readonly Server[]): Promise<void> {
  for (const { child } of all) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

/** @param onPart told of every event of a stream @returns ms */
function ask({ url, key }: Server, stream: boolean, onPart?: () => void): Promise<number> {
  const body = JSON.stringify({ model: 'm', prompt: '春眠不觉晓，处处闻啼鸟。', max_tokens: 16, stream });
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    authorization: `Bearer ${key}`,
  };
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request(`${url}/v1/completions`, { method: 'POST', agent, headers }, (response) => {
      response.on('data', (bytes: Buffer) => {
        if (onPart === undefined) return;
        const parts = bytes.toString().split('data: {').length - 1;
        for (let part = 0; part < parts; part++) onPart();
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - begun);
        else reject(new Error(`status ${response.statusCode}`));
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function load(
  server: Server,
  clients: number,
  requests: number,
): Promise<{ times: number[]; perSecond: number }> {
  const times: number[] = [];
  let left = requests;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left-- > 0) times.push(await ask(server, false));
    }),
  );
  return { times, perSecond: requests / ((performance.now() - begun) / 1000) };
}

const quantile = (numbers: readonly number[], share: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))]!;
const median = (numbers: readonly number[]): number => quantile(numbers, 0.5);

/** Each round asks both servers, in turns that change; quantiles are of all requests of a server. */
async function compare(args: readonly string[], clients: number, requests: number) {
  const both = { open: await start(false, args), accounts: await start(true, args) };
  const found = {
    open: { times: [] as number[], rates: [] as number[] },
    accounts: { times: [] as number[], rates: [] as number[] },
  };
  for (const server of Object.values(both)) await load(server, clients, Math.min(200, requests));
  const before = { open: await look(both.open), accounts: await look(both.accounts) };
  for (let round = 0; round < Number(values.rounds); round++) {
    const names = round % 2 === 0 ? (['open', 'accounts'] as const) : (['accounts', 'open'] as const);
    for (const name of names) {
      const { times, perSecond } = await load(both[name], clients, requests);
      found[name].times.push(...times);
      found[name].rates.push(perSecond);
    }
  }
  const after = { open: await look(both.open), accounts: await look(both.accounts) };
  await stop(both.open, both.accounts);
  const of = (name: 'open' | 'accounts') => ({
    cpu: (after[name].cpu - before[name].cpu) / found[name].times.length,
    p50: quantile(found[name].times, 0.5),
    p99: quantile(found[name].times, 0.99),
    perSecond: median(found[name].rates),
  });
  return { clients, open: of('open'), accounts: of('accounts') };
}

/** Streams of 16 tokens one after another, so many at a time. */
async function streams(count: number, seconds: number) {
  const server = await start(true, ['--pace', '50', '--tokens', '16']);
  let [received, answers] = [0, 0];
  const { billed: before } = await look(server);
  const end = performance.now() + seconds * 1000;
  const memory: { readonly held: number; readonly rss: number }[] = [];
  const running = Promise.all(
    Array.from({ length: count }, async () => {
      while (performance.now() < end) {
        await ask(server, true, () => {
          received++;
        });
        answers++;
      }
    }),
  );
  while (performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, (seconds * 1000) / 6));
    const { held, rss } = await look(server);
    memory.push({ held: Math.round(held / 2 ** 20), rss: Math.round(rss / 2 ** 20) });
  }
  await running;
  // Reports are some milliseconds behind.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { billed, open } = await look(server);
  await stop(server);
  return { count, seconds, answers, received, billed: billed - before, open, memory };
}

const told = (ms: number): string => ms.toFixed(2);
const result: Record<string, unknown> = { node: process.version, cpu: os.cpus()[0]?.model, cores: os.cpus().length };
console.log(
  `Node ${process.version}, ${os.cpus().length} × ${os.cpus()[0]?.model}; ${values.accounts === undefined ? 'SQLite' : 'PostgreSQL'}`,
);
const wants = (part: string): boolean => values.only === undefined || values.only === part;
try {
  if (wants('latency')) {
    console.log(
      `\nengine answers after ${values.delay} ms   p50 open, accounts (added)       p99 open, accounts (added)`,
    );
    const rows = [];
    for (const clients of values.clients.split(',').map(Number)) {
      const row = await compare(['--delay', values.delay], clients, Number(values.requests));
      rows.push(row);
      const [p50, p99] = (['p50', 'p99'] as const).map(
        (share) =>
          `${told(row.open[share])}, ${told(row.accounts[share])} ms (+${told(row.accounts[share] - row.open[share])})`,
      );
      console.log(`${String(clients).padStart(4)} clients                ${p50!.padEnd(34)} ${p99}`);
    }
    result.latency = rows;
  }
  if (wants('rate')) {
    const row = await compare([], Number(values['at-once']), Number(values.requests) * 10);
    result.rate = row;
    console.log(
      `\nengine answers at once, ${row.clients} clients: ${(['open', 'accounts'] as const).map((name) => `${name} ${Math.round(row[name].perSecond)} requests/s, ${Math.round(row[name].cpu)} µs of processor time each`).join('; ')}`,
    );
  }
  if (wants('streams')) {
    const row = await streams(Number(values.streams), Number(values.seconds));
    result.streams = row;
    console.log(
      `\n${row.count} streams for ${row.seconds} s: ${row.answers} answers, ${row.received} tokens received, ${row.billed} billed, ${row.open} open; held ${row.memory.map(({ held }) => held).join(' ')} MiB, process ${row.memory.map(({ rss }) => rss).join(' ')} MiB`,
    );
  }
  if (values.json) console.log(JSON.stringify(result));
} finally {
  agent.destroy();
  rmSync(folder, { recursive: true, force: true });
}

/**
 * What `tunan serve` adds in front of another server: time to the first byte of a stream and to the end of an answer, requests/s. Two
 * upstreams that answer at once, or after a while, stand behind it (gateway/upstream.ts), each in a process of its own. In turns the same
 * requests go to one of them directly, to the open server, to one with accounts, limits and ledger, and to Portkey's gateway in front of the
 * open server. What the last two add is told against the open server. Of our own servers the processor time of a request is told too, which
 * says more than times where other programs keep the machine busy.
 *
 *   node bench/gateway.ts [--rounds 5] [--requests 400] [--tokens 32] [--delay 22] [--clients 1,4,16] [--whole] [--json]
 *
 * Portkey's gateway joins where it is installed, for whole answers alone: on Node 24 its 1.15.2 answers streams with 500 (immutable headers):
 *   npm install --prefix .peers/node/portkey --ignore-scripts @portkey-ai/gateway@1.15.2
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Accounts, Limits } from '@tunan/api';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '400' },
    tokens: { type: 'string', default: '32' },
    delay: { type: 'string', default: '0' },
    clients: { type: 'string', default: '1,4,16' },
    whole: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const [rounds, requests] = [Number(values.rounds), Number(values.requests)];

interface Times {
  /** Milliseconds until the first byte, and until the last. */
  readonly first: number[];
  readonly whole: number[];
  readonly perSecond: number[];
  /** Processor time of the server for a request, µs; none where it does not tell. */
  readonly processor: number[];
}

const children: ChildProcess[] = [];
async function start(script: string, args: readonly string[], address: RegExp): Promise<string> {
  const file = path.resolve(import.meta.dirname, script);
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, LANG: 'C' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let said = '';
  for await (const part of child.stdout!.iterator({ destroyOnReturn: false })) {
    said += String(part);
    const found = address.exec(said);
    if (found === null) continue;
    child.stdout!.resume();
    return found[1]!;
  }
  throw new Error(`${script} ended without an address: ${said}`);
}

/** Where requests go, and what they say of themselves. */
interface Place {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether it tells what it takes. */
  readonly isOurs?: boolean;
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'tunan-gateway-'));
const MAIN = '../packages/cli/src/main.ts';
const SERVED = /at (http:\S+)/;

/** A server with accounts, and a key whose limits are far away, so that all that they cost is their work. */
async function withAccounts(model: string): Promise<Place> {
  const file = path.join(folder, 'accounts.sqlite');
  const accounts = await Accounts.open(file, { passwordCost: 2 });
  const admin = (await accounts.members.addFirstAdmin())!.account;
  const { text } = await accounts.keys.make(admin.id, { name: 'bench' });
  const limits = new Limits(accounts.database);
  await limits.seed();
  const far = { scope: 'organisation', subject: admin.organisationId, model: '*', amount: 1e12 } as const;
  for (const metric of ['requests_per_quarter', 'tokens_per_day', 'requests_per_minute'] as const)
    await limits.set({ ...far, metric });
  await accounts.close();
  const url = await start(MAIN, ['serve', '--model', model, '--port', '0', '--accounts', file], SERVED);
  return { url, headers: { authorization: `Bearer ${text}` }, isOurs: true };
}

const portkey = path.resolve(
  import.meta.dirname,
  '../.peers/node/portkey/node_modules/@portkey-ai/gateway/build/start-server.js',
);

async function portkeyBefore(url: string): Promise<Place> {
  const port = await freePort();
  await start(portkey, [`--port=${port}`, '--headless'], /(Ready)/);
  const headers = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${url}/v1`, authorization: 'Bearer x' };
  return { url: `http://127.0.0.1:${port}`, headers };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

function ask({ url, headers: own }: Place, stream: boolean): Promise<{ first: number; whole: number }> {
  const body = JSON.stringify({ model: 'm', prompt: '春眠不觉晓，', max_tokens: Number(values.tokens), stream });
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...own };
    const request = http.request(`${url}/v1/completions`, { method: 'POST', agent, headers }, (response) => {
      let first = 0;
      let text = '';
      response.on('data', (bytes: Buffer) => {
        if (first === 0) first = performance.now() - begun;
        text += bytes;
      });
      response.on('end', () => {
        const isWhole = stream ? text.endsWith('data: [DONE]\n\n') : /"finish_reason":"length"/.test(text);
        if (response.statusCode === 200 && isWhole) resolve({ first, whole: performance.now() - begun });
        else reject(new Error(`${url} answers ${response.statusCode}: ${text.slice(0, 200)}`));
      });
    });
    request.on('error', reject).end(body);
  });
}

/** Processor time of one of our servers since its start, s. */
async function processorSeconds({ url }: Place): Promise<number | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = /^process_cpu_seconds_total (\S+)/m.exec(text);
  return found === null ? undefined : Number(found[1]);
}

async function round(place: Place, stream: boolean, clients: number, times: Times): Promise<void> {
  const before = place.isOurs ? await processorSeconds(place) : undefined;
  const begun = performance.now();
  let left = requests;
  const client = async () => {
    while (left-- > 0) {
      const { first, whole } = await ask(place, stream);
      times.first.push(first);
      times.whole.push(whole);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  times.perSecond.push((1000 * requests) / (performance.now() - begun));
  if (before === undefined) return;
  const after = await processorSeconds(place);
  if (after !== undefined) times.processor.push(((after - before) * 1e6) / requests);
}

interface Figures {
  readonly firstP50: number;
  readonly wholeP50: number;
  readonly wholeP99: number;
  readonly perSecond: number;
  /** µs */
  readonly processor?: number;
}

const figuresOf = ({ first, whole, perSecond, processor }: Times): Figures => ({
  firstP50: quantile(first, 0.5),
  wholeP50: quantile(whole, 0.5),
  wholeP99: quantile(whole, 0.99),
  perSecond: quantile(perSecond, 0.5),
  ...(processor.length > 0 && { processor: quantile(processor, 0.5) }),
});

/** @param base what it is told against */
function lineOf(figures: Figures, base: Figures | undefined): string {
  const shown = (kind: 'firstP50' | 'wholeP50' | 'wholeP99') => {
    const added =
      base === undefined ? '' : ` (${figures[kind] < base[kind] ? '' : '+'}${(figures[kind] - base[kind]).toFixed(2)})`;
    return `${figures[kind].toFixed(2)}${added} ms`;
  };
  const processor =
    figures.processor === undefined ? '' : `, ${figures.processor.toFixed(0)} µs of processor time each`;
  return `first byte ${shown('firstP50')}, end ${shown('wholeP50')}, p99 ${shown('wholeP99')}, ${figures.perSecond.toFixed(0)}/s${processor}`;
}

const quantile = (numbers: readonly number[], share: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(share * numbers.length))]!;

try {
  const args = ['--tokens', values.tokens, '--delay', values.delay];
  const address = /(http:\S+)/;
  const behind = await Promise.all([1, 2].map(() => start('gateway/upstream.ts', args, address)));
  const model = `m=${behind.map((url) => `${url}/v1`).join(',')}`;
  const front = await start(MAIN, ['serve', '--model', model, '--port', '0'], SERVED);
  const places: Readonly<Record<string, Place>> = {
    direct: { url: behind[0]!, headers: {} },
    open: { url: front, headers: {}, isOurs: true },
    accounts: await withAccounts(model),
    ...(existsSync(portkey) && { portkey: await portkeyBefore(front) }),
  };
  console.log(
    `${os.cpus()[0]?.model}, ${os.cpus().length} cores, Node ${process.version}, ${values.tokens} tokens, ${values.delay} ms upstream`,
  );
  const results = [];
  for (const stream of values.whole ? [false] : [true, false]) {
    for (const clients of values.clients.split(',').map(Number)) {
      const times = new Map<string, Times>();
      const asked = Object.entries(places).filter(([name]) => !(stream && name === 'portkey'));
      for (const [name, place] of asked) {
        times.set(name, { first: [], whole: [], perSecond: [], processor: [] });
        await round(place, stream, clients, { first: [], whole: [], perSecond: [], processor: [] });
      }
      for (let turn = 0; turn < rounds; turn++) {
        for (const [name, place] of asked) await round(place, stream, clients, times.get(name)!);
      }
      const result = {
        stream,
        clients,
        ...Object.fromEntries([...times].map(([name, one]) => [name, figuresOf(one)])),
      };
      results.push(result);
      console.log(`${stream ? 'stream' : 'whole'}, ${clients} clients`);
      for (const [name, one] of times) {
        const figures = figuresOf(one);
        const base = name === 'direct' ? undefined : figuresOf(times.get(name === 'open' ? 'direct' : 'open')!);
        console.log(`  ${name.padEnd(9)}${lineOf(figures, base)}`);
      }
    }
  }
  if (values.json) console.log(JSON.stringify(results));
} finally {
  agent.destroy();
  for (const child of children) {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
}

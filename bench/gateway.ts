/**
 * What `tunan serve` adds in front of another server: time to the first byte of a stream and to the end of an answer, requests/s. Two
 * upstreams that answer at once stand behind it (gateway/upstream.ts), each in a process of its own, and the same requests go to one of them
 * directly, in turns.
 *
 *   node bench/gateway.ts [--rounds 5] [--requests 400] [--tokens 32] [--delay MS] [--clients 1,4,16] [--json]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '400' },
    tokens: { type: 'string', default: '32' },
    delay: { type: 'string', default: '0' },
    clients: { type: 'string', default: '1,4,16' },
    json: { type: 'boolean', default: false },
  },
});
const [rounds, requests] = [Number(values.rounds), Number(values.requests)];

interface Times {
  /** Milliseconds until the first byte, and until the last. */
  readonly first: number[];
  readonly whole: number[];
  readonly perSecond: number[];
}

const children: ChildProcess[] = [];
async function start(script: string, args: readonly string[], address: RegExp): Promise<string> {
  const file = path.resolve(import.meta.dirname, script);
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, LANG: 'C' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = await once(child.stdout!, 'data');
  return address.exec(String(line))![1]!;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

function ask(url: string, stream: boolean): Promise<{ first: number; whole: number }> {
  const body = JSON.stringify({ model: 'm', prompt: '春眠不觉晓，', max_tokens: Number(values.tokens), stream });
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
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

async function round(url: string, stream: boolean, clients: number, times: Times): Promise<void> {
  const begun = performance.now();
  let left = requests;
  const client = async () => {
    while (left-- > 0) {
      const { first, whole } = await ask(url, stream);
      times.first.push(first);
      times.whole.push(whole);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  times.perSecond.push((1000 * requests) / (performance.now() - begun));
}

const quantile = (numbers: readonly number[], share: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(share * numbers.length))]!;

try {
  const args = ['--tokens', values.tokens, '--delay', values.delay];
  const address = /(http:\S+)/;
  const behind = await Promise.all([1, 2].map(() => start('gateway/upstream.ts', args, address)));
  const model = `m=${behind.map((url) => `${url}/v1`).join(',')}`;
  const front = await start('../packages/cli/src/main.ts', ['serve', '--model', model, '--port', '0'], /at (http:\S+)/);
  const places = { direct: behind[0]!, tunan: front };
  console.log(
    `${os.cpus()[0]?.model}, ${os.cpus().length} cores, Node ${process.version}, ${values.tokens} tokens, ${values.delay} ms upstream`,
  );
  const results = [];
  for (const stream of [true, false]) {
    for (const clients of values.clients.split(',').map(Number)) {
      const times = Object.fromEntries(
        Object.keys(places).map((name) => [name, { first: [], whole: [], perSecond: [] } as Times]),
      );
      for (const url of Object.values(places))
        await round(url, stream, clients, { first: [], whole: [], perSecond: [] });
      for (let turn = 0; turn < rounds; turn++) {
        for (const [name, url] of Object.entries(places)) await round(url, stream, clients, times[name]!);
      }
      const figures = (kind: 'first' | 'whole', share: number) => {
        const [direct, tunan] = ['direct', 'tunan'].map((name) => quantile(times[name]![kind], share));
        return { direct: direct!, tunan: tunan!, added: tunan! - direct! };
      };
      const result = {
        ...{
          stream,
          clients,
          firstP50: figures('first', 0.5),
          wholeP50: figures('whole', 0.5),
          wholeP99: figures('whole', 0.99),
        },
        perSecond: Object.fromEntries(Object.keys(places).map((name) => [name, quantile(times[name]!.perSecond, 0.5)])),
      };
      results.push(result);
      const shown = ({ direct, added }: { direct: number; added: number }) =>
        `${direct.toFixed(2)} + ${added.toFixed(2)} ms`;
      console.log(
        `${stream ? 'stream' : 'whole '} ${String(clients).padStart(2)} clients: first byte ${shown(result.firstP50)}, end ${shown(result.wholeP50)} (p99 ${shown(result.wholeP99)}), ${Object.entries(
          result.perSecond,
        )
          .map(([name, rate]) => `${name} ${rate.toFixed(0)}/s`)
          .join(', ')}`,
      );
    }
  }
  if (values.json) console.log(JSON.stringify(results));
} finally {
  agent.destroy();
  for (const child of children) child.kill('SIGTERM');
}

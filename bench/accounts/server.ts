/**
 * A server whose engine answers after a while with so many tokens, with accounts, limits and ledger or without: what they cost is all that
 * differs. Prompts are counted by a real tokenizer, trained here. Prints its address, a key, and on SIGUSR2 what the ledger has billed.
 *
 *   node server.ts [--accounts PLACE] [--delay MS] [--tokens N] [--pace MS]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Accounts, Ledger, type Limit, serve, usageReport } from '@tunan/api';
import type { Engine, Generation, GenerationChunk, GenerationRequest } from '@tunan/inference';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';

const { values } = parseArgs({
  options: {
    accounts: { type: 'string' },
    delay: { type: 'string', default: '0' },
    tokens: { type: 'string', default: '16' },
    pace: { type: 'string', default: '0' },
  },
});
const [delay, tokens, pace] = [Number(values.delay), Number(values.tokens), Number(values.pace)];
const tokenizer = Tokenizer.fromFile(
  await trainBpe(['春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。'], { vocabularySize: 267 }),
);

const promptTokens = ({ prompts }: GenerationRequest): number =>
  prompts.reduce(
    (sum, prompt) => sum + (typeof prompt === 'string' ? tokenizer.encode(prompt).length : prompt.length),
    0,
  );

/** One chunk after the delay, or where there is a pace a token at a time. */
function submit(request: GenerationRequest, signal?: AbortSignal): Generation {
  let made = 0;
  const prompt = promptTokens(request);
  async function* chunks(): AsyncGenerator<GenerationChunk, void, void> {
    if (delay > 0) await sleep(delay);
    const step = pace === 0 ? tokens : 1;
    while (made < tokens) {
      if (pace > 0) await sleep(pace);
      if (signal?.aborted === true) throw signal.reason;
      made += step;
      yield { index: 0, text: '春'.repeat(step), tokens: [], finishReason: made < tokens ? undefined : 'length' };
    }
  }
  return {
    accepted: Promise.resolve(),
    seed: 1,
    get usage() {
      return { promptTokens: prompt, cachedTokens: 0, completionTokens: made };
    },
    [Symbol.asyncIterator]: chunks,
  };
}

const engine: Engine = {
  ...{
    kind: 'torch',
    device: 'cpu',
    contextLength: 4096,
    prefixCache: undefined,
    occupancy: { running: 0, waiting: 0 },
  },
  measure: (request) => ({ promptTokens: promptTokens(request), completionTokens: tokens }),
  ...{ submit, close: () => undefined, [Symbol.dispose]: () => undefined },
};

const accounts = values.accounts === undefined ? undefined : await Accounts.open(values.accounts);
const ledger = accounts && (await Ledger.open(accounts.database, { onTrouble: (error) => console.error(error) }));
const key = accounts && ledger ? await openAccount(accounts, ledger) : 'none';
const serving = await serve({ models: new Map([['m', engine]]), port: 0, accounts, ledger });

process.on('SIGUSR2', async () => {
  const rows = accounts === undefined ? [] : await usageReport(accounts.database);
  const billed = rows.reduce((sum, row) => sum + row.completionTokens, 0);
  const { user, system } = process.cpuUsage();
  globalThis.gc?.(); // of memory that is held what is needed counts
  const { heapUsed: heap, external } = process.memoryUsage();
  const rss = process.memoryUsage.rss();
  console.log(JSON.stringify({ billed, open: ledger?.open ?? 0, held: heap + external, rss, cpu: user + system }));
});
process.once('SIGTERM', async () => {
  await serving.close();
  await ledger?.close();
  await accounts?.close();
  process.exit();
});
// Behind the handlers: without one the signal would end the process.
console.log(JSON.stringify({ url: serving.url, key }));

/** An account with a key, and limits of every kind that are never reached. */
async function openAccount({ members, keys }: Accounts, { limits }: Ledger): Promise<string> {
  // A database that is given may know earlier ones.
  const email = `bench-${process.pid}-${Date.now()}@localhost`;
  const { account } = await members.add({ organisation: email, email, name: 'bench' });
  const { text } = await keys.make(account.id, { name: 'bench' });
  const kinds: [Limit['scope'], Limit['metric']][] = [
    ['organisation', 'requests_per_quarter'],
    ['organisation', 'tokens_per_month'],
    ['account', 'tokens_per_day'],
    ['key', 'requests_per_minute'],
    ['key', 'tokens_per_minute'],
    ['key', 'concurrent_requests'],
    ['key', 'tokens_per_request'],
  ];
  for (const [scope, metric] of kinds) await limits.set({ scope, metric, subject: '*', model: '*', amount: 1e12 });
  return text;
}

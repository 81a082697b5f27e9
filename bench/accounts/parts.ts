/** An engine that answers after a while with so many tokens, and an account whose limits are never reached. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Accounts, Ledger, Limit } from '@tunan/api';
import type { Engine, Generation, GenerationChunk, GenerationRequest } from '@tunan/inference';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';

interface Answers {
  /** Before the first token, and before each where there is a pace, ms. */
  readonly delay: number;
  readonly tokens: number;
  readonly pace: number;
}

/** Counts prompts by a real tokenizer, trained here. */
export async function engineOf({ delay, tokens, pace }: Answers): Promise<Engine> {
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

  return {
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
}

/** An account with a key, and limits of every kind that are never reached. */
export async function openAccount({ members, keys }: Accounts, { limits }: Ledger): Promise<string> {
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

/**
 * Time to the first token behind a beginning of 1 000 tokens: one that an earlier request had too, and one that none had.
 *
 * `node bench/shared-prefix.ts [--rounds N] [--prefix N] [--tail N] [--model 15m|110m] [--threads N] [--dtype float32|bfloat16] [--json]`.
 * Untrained models, random tokens, one request at a time; both kinds take turns in rounds, medians are printed.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type GenerationRequest, TorchEngine } from '@tunan/inference';
import { LanguageModel } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { setThreads } from '@tunan/torch';
import { seededRandom } from './seeded-random.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    prefix: { type: 'string', default: '1000' },
    tail: { type: 'string', default: '24' },
    model: { type: 'string', default: '15m' },
    threads: { type: 'string', default: '2' },
    dtype: { type: 'string', default: 'float32' },
    json: { type: 'boolean', default: false },
  },
});
const sizes = { '15m': { layers: 6, width: 384, heads: 6 }, '110m': { layers: 12, width: 768, heads: 12 } } as const;
const [rounds, prefix, tail] = [Number(values.rounds), Number(values.prefix), Number(values.tail)];
if (values.model !== '15m' && values.model !== '110m') throw new Error('--model: 15m or 110m');
if (values.dtype !== 'float32' && values.dtype !== 'bfloat16') throw new Error('--dtype: float32 or bfloat16');

setThreads(Number(values.threads));
const tokenizer = Tokenizer.fromFile(await trainBpe(['床前明月光，疑是地上霜。'], { vocabularySize: 262 }));
const config = { vocabularySize: 8192, contextLength: 2048, ...sizes[values.model] };
using model = LanguageModel.create(config, { seed: 1, dtype: values.dtype });
using engine = new TorchEngine(model, tokenizer);
const random = seededRandom(1);
const tokens = (count: number) => Array.from({ length: count }, () => 6 + Math.floor(random() * 256));

/** Milliseconds until the first token is there. */
async function firstToken(prompt: readonly number[]): Promise<number> {
  const request: GenerationRequest = { prompts: [prompt], maxTokens: 1, temperature: 0, logprobs: 0 };
  const start = performance.now();
  for await (const _ of engine.submit(request)) return performance.now() - start;
  throw new Error('no token');
}

const shared = tokens(prefix);
await firstToken([...shared, ...tokens(tail)]);
const times = { new: [] as number[], shared: [] as number[] };
for (let round = 0; round < rounds; round++) {
  times.new.push(await firstToken([...tokens(prefix), ...tokens(tail)]));
  times.shared.push(await firstToken([...shared, ...tokens(tail)]));
}
const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length >> 1]!;
const result = {
  new: median(times.new),
  shared: median(times.shared),
  ratio: median(times.new) / median(times.shared),
};
console.log(
  `${cpus()[0]?.model}, ${values.threads} threads, model ${values.model} in ${values.dtype}, ${rounds} rounds`,
);
console.log(`first token behind ${prefix} new tokens and ${tail}: ${result.new.toFixed(1)} ms`);
console.log(`first token behind ${prefix} shared tokens and ${tail}: ${result.shared.toFixed(1)} ms`);
console.log(`ratio ${result.ratio.toFixed(1)}`);
if (values.json) console.log(JSON.stringify(result));

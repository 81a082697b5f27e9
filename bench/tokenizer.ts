/**
 * Speed of training and encoding, side by side with Hugging Face's native library in one run.
 *
 *   node bench/tokenizer.ts [--vocabulary 8000] [--megabytes 8] [--rounds 5] [--threads 2] [--train-megabytes 48] [--json]
 *
 * Texts are poems of the npm package chinese-poetry. All encoders use the same tokenizer.json and their ids are
 * compared before anything is timed. MB are 10^6 bytes of UTF-8; the median of the rounds is printed, rounds of all
 * encoders take turns. "native" is the npm package tokenizers on one thread (TOKENIZERS_PARALLELISM=false).
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { EncodePool, preTokenizerNames, Tokenizer, trainBpe } from '@tunan/tokenizer';
import { Tokenizer as Native } from 'tokenizers';

const { values: options } = parseArgs({
  options: {
    vocabulary: { type: 'string', default: '8000' },
    megabytes: { type: 'string', default: '8' },
    'train-megabytes': { type: 'string', default: '48' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    split: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
process.env.TOKENIZERS_PARALLELISM = 'false';

function poems(): string[] {
  const root = path.dirname(createRequire(import.meta.url).resolve('chinese-poetry/package.json'));
  const folder = path.join(root, 'dist', 'quantangshi');
  const texts: string[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.startsWith('poet.')) continue;
    const file: { title: string; paragraphs: string[] }[] = JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
    for (const { title, paragraphs } of file) texts.push(`${title}\n${paragraphs.join('\n')}`);
  }
  return texts;
}

/** The first texts that together have about so many megabytes. */
function take(texts: readonly string[], megabytes: number): string[] {
  let bytes = 0;
  return texts.filter((text) => {
    if (bytes < megabytes * 1e6) bytes += Buffer.byteLength(text);
    else return false;
    return true;
  });
}

const megabytesOf = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const all = poems();
const trainingTexts = take(all, Number(options['train-megabytes']));
const split = preTokenizerNames.find((name) => name === options.split);
const trainingStart = performance.now();
const file = await trainBpe(trainingTexts, {
  vocabularySize: Number(options.vocabulary),
  sampleBytes: 1 << 30,
  ...(split ? { preTokenizer: split } : {}),
});
const trainingSeconds = (performance.now() - trainingStart) / 1000;
const peakMemoryMB = Math.round(process.resourceUsage().maxRSS / 1e3);

const tokenizer = Tokenizer.fromFile(file);
const native = Native.fromString(JSON.stringify(file));
await using pool = new EncodePool(tokenizer, { threads: Number(options.threads) });
const texts = take(all.toReversed(), Number(options.megabytes));
const megabytes = megabytesOf(texts);

const encoders: Record<string, () => Promise<ArrayLike<number>[]>> = {
  'tunan, 1 thread': async () => texts.map((text) => tokenizer.encode(text)),
  [`tunan, pool of ${options.threads}`]: () => pool.encodeBatch(texts),
  'Hugging Face native, 1 thread': async () => (await native.encodeBatch(texts)).map((encoding) => encoding.getIds()),
};

const reference = await encoders['Hugging Face native, 1 thread']!();
for (const encode of Object.values(encoders)) {
  const ids = await encode();
  ids.forEach((list, i) => {
    assert.deepEqual(Array.from(list), Array.from(reference[i]!));
  });
}
const seconds = new Map(Object.keys(encoders).map((name) => [name, [] as number[]]));
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [name, encode] of Object.entries(encoders)) {
    const start = performance.now();
    await encode();
    seconds.get(name)!.push((performance.now() - start) / 1000);
  }
}
const report = {
  vocabulary: tokenizer.vocabularySize,
  training: { megabytes: megabytesOf(trainingTexts), seconds: trainingSeconds, peakMemoryMB },
  encoding: Object.fromEntries(
    [...seconds].map(([name, values]) => [name, { megabytesPerSecond: megabytes / median(values) }]),
  ),
};
if (options.json) console.log(JSON.stringify(report, undefined, 2));
else {
  console.log(
    `training: ${report.training.megabytes.toFixed(1)} MB to ${report.vocabulary} tokens in ${trainingSeconds.toFixed(1)} s, ` +
      `peak memory ${peakMemoryMB} MB (all poems included)`,
  );
  for (const [name, { megabytesPerSecond }] of Object.entries(report.encoding)) {
    console.log(`${name.padEnd(32)} ${megabytesPerSecond.toFixed(1).padStart(6)} MB/s`);
  }
}

// node-llama-cpp used as its documentation shows: one context, a sequence for each stream, `evaluate` for the tokens.
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [folder = '', file, threads, streams, contextSize] = process.argv.slice(2);
const entry = createRequire(path.join(folder, 'package.json')).resolve('node-llama-cpp');
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(entry).href);
const llama = await getLlama({
  gpu: false,
  build: 'never',
  logLevel: LlamaLogLevel.error,
  maxThreads: Number(threads),
});
const model = await llama.loadModel({ modelPath: file });
const context = await model.createContext({
  sequences: Number(streams),
  contextSize: Number(contextSize),
  threads: Number(threads),
});
const sequences = Array.from({ length: Number(streams) }, () => context.getSequence());
console.log('ready');

/**
 * @param {any} sequence
 * @param {number[]} prompt
 * @param {{ tokens: number, temperature: number, seed: number }} load
 * @param {number} begin ms
 */
async function write(sequence, prompt, load, begin) {
  // What the sequence holds is kept where the prompt begins alike, as a conversation of this library does it.
  await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
  const rest = prompt.slice(sequence.nextTokenIndex);
  let first;
  let count = 0;
  for await (const token of sequence.evaluate(rest, {
    temperature: load.temperature,
    topK: 0,
    topP: 1,
    seed: load.seed,
    yieldEogToken: true,
  })) {
    model.detokenize([token]);
    first ??= (performance.now() - begin) / 1000;
    if (++count === load.tokens) break;
  }
  return first;
}

for await (const line of createInterface({ input: process.stdin })) {
  const load = JSON.parse(line);
  const begin = performance.now();
  /** @type {number[][]} */
  const prompts = load.prompts;
  const firsts = await Promise.all(prompts.map((prompt, place) => write(sequences[place], prompt, load, begin)));
  const seconds = (performance.now() - begin) / 1000;
  firsts.sort((a, b) => Number(a) - Number(b));
  console.log(JSON.stringify({ firstSeconds: firsts[firsts.length >> 1], seconds }));
}
process.exit(0);

/** A folder as operators have it: a corpus that was built, a run that was trained on its shards, and results of an evaluation. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCorpus, openCorpus, readRecipe, shardCorpus } from '@tunan/corpus';
import { trainBpe } from '@tunan/tokenizer';
import { train } from '@tunan/training';

/** What `tunan eval run` writes: docs/file-formats.md. */
export const RESULTS = {
  ...{ format: 'tunan-evaluation', formatVersion: 1, suite: 'zeroclue' },
  model: { name: 'tiny', identity: 'abc' },
  settings: { shots: 0, calibrate: 'none' },
  tasks: [
    {
      ...{
        task: 'eprstmt',
        title: '电商评论',
        examples: 610,
        labelled: 610,
        accuracy: 0.61,
        random: 0.5,
        majority: 0.52,
      },
      ...{ interval: { low: 0.57, high: 0.65 }, template: 'plain@1', runs: 1 },
    },
    {
      ...{ task: 'tnews', title: '新闻', examples: 2010, accuracy: 0.12, random: 1 / 15, majority: 0.1 },
      interval: null,
    },
  ],
  mean: { accuracy: 0.365, interval: { low: 0.34, high: 0.39 }, majority: 0.31, random: 0.28, tasks: 2 },
};

export async function makeWorkspace(folder: string): Promise<{ corpus: string; run: string; results: string }> {
  const recipe = readRecipe(fileURLToPath(new URL('../../recipes/corpus/tiny-poet.json', import.meta.url)));
  const [source] = recipe.sources;
  if (source?.type !== 'npm-package') throw new Error('tiny-poet is no npm package any more');
  const collections = source.collections.filter(({ name }) => name === 'caocaoshiji' || name === 'shijing');
  const corpus = path.join(folder, '语料', 'poems');
  await buildCorpus({ ...recipe, sources: [{ ...source, collections }] }, { out: corpus });
  const texts: string[] = [];
  for await (const { text } of openCorpus(corpus).documents('train')) texts.push(text);
  const tokenizerFile = path.join(folder, 'tokenizer.json');
  writeFileSync(tokenizerFile, JSON.stringify(await trainBpe(texts, { vocabularySize: 300 })));
  await shardCorpus(corpus, { tokenizerFile });
  const run = path.join(folder, 'runs', '第一次');
  await train({
    tokenizerFile,
    directory: run,
    recipe: {
      description: '小试',
      model: { contextLength: 32, layers: 1, width: 16, heads: 2 },
      data: [{ corpus: path.join(corpus, 'tokens') }],
      ...{ sequenceLength: 32, microBatch: 4, globalBatch: 4, steps: 12, threads: 1 },
      optimizer: { learningRate: 1e-2, warmupSteps: 2 },
      evaluation: { every: 4, windows: 4 },
      promised: {
        loss: 5,
        low: 4.5,
        high: 5.5,
        curve: [
          { tokens: 128, loss: 5.6 },
          { tokens: 1536, loss: 5 },
        ],
      },
    },
  });
  const results = path.join(folder, 'zeroclue');
  mkdirSync(results);
  writeFileSync(path.join(results, 'results.json'), JSON.stringify(RESULTS));
  writeFileSync(path.join(results, 'report.html'), '<!doctype html><title>r</title><script>alert(1)</script>');
  return { corpus, run, results };
}

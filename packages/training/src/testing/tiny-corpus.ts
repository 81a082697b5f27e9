/** Token shards and recipes for tests: a language of 60 words that a tiny model learns in seconds. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { IndexedDatasetWriter } from '@tunan/tokenizer/shards';
import { foldKey } from '../data/permutation.ts';
import type { RunRecipe } from '../recipe/schema.ts';

const VOCABULARY = 64;
const EOD = 4;
const FIRST_WORD = 5;

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-training-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/**
 * Writes train and validation shards. A document counts through the words from a random one on, by a step that is `kind`;
 * now and then it jumps.
 * @returns the directory
 */
export function writeTinyCorpus(
  directory: string,
  kind: number,
  options: { documents?: number; validation?: boolean; vocabulary?: number } = {},
): string {
  const { documents = 80, validation = true, vocabulary = VOCABULARY } = options;
  mkdirSync(directory, { recursive: true });
  const splits = {
    train: writeSplit(directory, 'train', kind, documents),
    ...(validation && { validation: writeSplit(directory, 'validation', kind + 1000, 12) }),
  };
  const tokenizer = { sha256: 'a tokenizer of numbers', vocabularySize: vocabulary, eod: EOD };
  const manifest = { format: 'tunan-tokens', formatVersion: 1, tokenizer, splits };
  writeFileSync(path.join(directory, 'tokens.json'), JSON.stringify(manifest));
  return directory;
}

function writeSplit(directory: string, name: string, kind: number, documents: number) {
  using writer = new IndexedDatasetWriter(path.join(directory, name), VOCABULARY);
  const words = VOCABULARY - FIRST_WORD;
  for (let document = 0; document < documents; document++) {
    const length = 5 + (foldKey(kind, document) % 60);
    let word = foldKey(kind, document, 1) % words;
    const ids = Array.from({ length }, (_, at) => {
      const jumps = foldKey(kind, document, 2, at) % 20 === 0;
      word = jumps ? foldKey(kind, document, 3, at) % words : (word + (kind % 1000)) % words;
      return FIRST_WORD + word;
    });
    writer.addDocument([...ids, EOD]);
  }
  return { prefix: name, ...writer.finish() };
}

/** A recipe that runs at hundreds of steps a second. */
export function tinyRecipe(corpora: readonly string[], change: Partial<RunRecipe>): RunRecipe {
  return {
    model: { contextLength: 32, layers: 2, width: 32, heads: 2 },
    data: corpora.map((corpus) => ({ corpus })),
    sequenceLength: 32,
    microBatch: 8,
    globalBatch: 8,
    steps: 20,
    optimizer: { learningRate: 1e-2, warmupSteps: 2 },
    precision: 'float32', // what two runs may differ by is of float32, and a fast bfloat16 is not everywhere
    ...change,
  };
}

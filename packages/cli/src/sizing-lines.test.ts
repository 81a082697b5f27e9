import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ShardBaselines, sizingPage } from '@tunan/evaluation';
import type { SizedCandidate, SizedRun } from '@tunan/training';
import { sizingLines } from './sizing-lines.ts';

const bits = (bitsPerCharacter: number) => ({
  bitsPerCharacter,
  characters: 1000,
  chineseBitsPerCharacter: undefined,
  chineseCharacters: 0,
});
const baselines: ShardBaselines = {
  uniform: 12,
  unigram: bits(9.5),
  ngram: { ...bits(6.8), order: 5 },
  charactersPerToken: 1,
  counted: 2e6,
  whole: true,
  trainingTokens: 2e6,
};

function candidate(layers: number, width: number, bitsPromised: number): SizedCandidate {
  const loss = bitsPromised * Math.LN2;
  const size = { layers, width, parameters: 1e6 * layers, matrixParameters: 5e5 * layers };
  return {
    ...size,
    tokensPerSecond: 5000,
    tokens: 3e6,
    seconds: 600,
    loss,
    low: loss - 0.1,
    high: loss + 0.2,
    measured: true,
  };
}

const chosen = candidate(3, 192, 7.6);
const law = { E: 3, A: 1, a: 0.34, B: 1.5, b: 0.28 };
const sized: SizedRun = {
  precision: 'float32',
  context: 128,
  batch: 16,
  learningRate: 0.00156,
  matrixLearningRate: 0.02,
  rateFactor: 1,
  distinctTokens: 2e7,
  points: [{ parameters: 5e5, tokens: 3e5, loss: 6.4 }],
  fit: { law, residual: 0.004, plausible: [] },
  candidates: [candidate(2, 128, 7.9), chosen],
  chosen,
  recipe: {
    model: 'x',
    data: [],
    sequenceLength: 128,
    microBatch: 16,
    globalBatch: 16,
    optimizer: { learningRate: 1 },
  },
  seconds: 180,
};

test('the choice stands out, its promise lies between the marks of the baselines, and the distances are said', () => {
  const lines = sizingLines(sized, baselines);
  assert.match(lines[0]!, / 5 .* 1$/, 'the n-gram is left of the unigram');
  assert.match(lines[1]!, /^ {2}2 x 128 /);
  assert.match(lines[2]!, /^→ 3 x 192 .* 7\.60 /);
  const row = lines[2]!.slice(-32);
  assert.ok(row.indexOf('|') < row.indexOf('●') && row.indexOf('●') < row.lastIndexOf('|'), row);
  const all = lines.join('\n');
  assert.match(all, /20\.0 % below the unigram, 11\.8 % above the 5-gram/);
  assert.match(all, /batch 16, learning rates 0\.0016 \(AdamW\) and 0\.020 \(Muon\), 1,464 steps/);
  assert.match(all, /10 times beyond; sizing took 180 s/);
});

test('the page holds the law, its points and the sizes', () => {
  const page = sizingPage(sized, baselines, 'tunan train run <x>');
  assert.match(page, /tunan train run &#60;x&#62;/);
  assert.match(page, /L\(N, D\) = 3\.000 \+ 1\.000 \/ N<sup>0\.34<\/sup>/);
  assert.equal(page.match(/<circle fill/g)!.length, 1);
  assert.match(page, /<tr class="total"><td>3 × 192/);
});

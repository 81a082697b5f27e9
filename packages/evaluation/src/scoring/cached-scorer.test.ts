import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { CachedScorer } from './cached-scorer.ts';
import type { CandidateScore, ScoreOptions, ScoreRequest, Scorer } from './scorer.ts';

/** Scores by the lengths of texts, and fails after so many requests: a scorer whose calls can be counted. */
class LengthScorer implements Scorer {
  readonly identity: string;
  readonly contextLength = 100;
  readonly asked: ScoreRequest[] = [];
  readonly #failAfter: number;

  constructor(identity: string, failAfter = Number.POSITIVE_INFINITY) {
    this.identity = identity;
    this.#failAfter = failAfter;
  }

  countTokens(text: string): number {
    return text.length;
  }

  async score(requests: readonly ScoreRequest[], { onProgress }: ScoreOptions = {}): Promise<CandidateScore[][]> {
    if (this.asked.length + requests.length > this.#failAfter) throw new Error('pulled the plug');
    this.asked.push(...requests);
    onProgress?.(requests.length, requests.length);
    return requests.map(({ context, candidates }) =>
      candidates.map(({ given, scored }) => ({
        logprob: -Math.sqrt(context.join('').length + given.length + scored.length),
        tokens: scored.length,
      })),
    );
  }
}

const requests: ScoreRequest[] = Array.from({ length: 600 }, (_, i) => ({
  context: [`问题${i}`],
  candidates: [
    { given: '', scored: '甲'.repeat(1 + (i % 3)) },
    { given: '乙', scored: '丙' },
  ],
}));

function folder(t: { after(done: () => void): void }): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-cache-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return path.join(directory, 'cache');
}

test('what was scored before an interruption is not scored again, and is the same', async (t) => {
  const directory = folder(t);
  const expected = await new LengthScorer('a').score(requests);
  {
    using cut = new CachedScorer(new LengthScorer('a', 520), directory);
    await assert.rejects(cut.score(requests), /plug/);
  }
  // The crash tore the last line.
  const [name] = readdirSync(directory) as [string];
  const file = path.join(directory, name);
  truncateSync(file, statSync(file).size - 5);
  const inner = new LengthScorer('a');
  using scorer = new CachedScorer(inner, directory);
  const progress: number[] = [];
  assert.deepEqual(await scorer.score(requests, { onProgress: (done) => progress.push(done) }), expected);
  assert.equal(inner.asked.length, 600 - 511);
  assert.deepEqual(progress, [511, 600]);
  assert.deepEqual(await scorer.score([requests[3]!, requests[3]!]), [expected[3], expected[3]]);
  assert.equal(inner.asked.length, 89);
});

test('another model, another text and another way to count are other entries; equal requests are one', async (t) => {
  const directory = folder(t);
  const [request] = requests as [ScoreRequest];
  const variants: ScoreRequest[] = [
    request,
    { ...request, context: ['问', '题0'] },
    { ...request, firstTokenOnly: true },
    { ...request, candidates: request.candidates.toReversed() },
    { ...request },
  ];
  const first = new LengthScorer('a');
  using scorer = new CachedScorer(first, directory);
  await scorer.score(variants);
  assert.equal(first.asked.length, 4);
  const second = new LengthScorer('b');
  using other = new CachedScorer(second, directory);
  await other.score(variants);
  assert.equal(second.asked.length, 4);
  const third = new LengthScorer('a');
  using again = new CachedScorer(third, directory);
  await again.score(variants);
  assert.equal(third.asked.length, 0);
});

test('damaged lines are computed again and counted; a cache that cannot be written is named', async (t) => {
  const directory = folder(t);
  const some = requests.slice(0, 5);
  {
    using whole = new CachedScorer(new LengthScorer('a'), directory);
    await whole.score(some);
  }
  const written = path.join(directory, readdirSync(directory)[0]!);
  const lines = readFileSync(written, 'utf8').trimEnd().split('\n');
  const damage = [
    '{"key": 1',
    '{}',
    'null',
    lines[1]!.replace(/\[.*\]/, '["x",1]'),
    lines[2]!.replace(/,[^,]*\]/, ']'),
  ];
  writeFileSync(written, [lines[0], ...damage, ...lines.slice(3), ''].join('\n'));
  const inner = new LengthScorer('a');
  using scorer = new CachedScorer(inner, directory);
  assert.equal(scorer.damagedLines, 5);
  assert.deepEqual(await scorer.score(some), await new LengthScorer('a').score(some));
  assert.equal(inner.asked.length, 2);
  const file = path.join(directory, 'file');
  writeFileSync(file, '');
  assert.throws(() => new CachedScorer(new LengthScorer('a'), file), { code: 'EVALUATION_CACHE' });
});

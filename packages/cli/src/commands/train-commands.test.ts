/** `train report` and `train size` as they are typed, on a small run of small poems. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { IndexedDatasetWriter } from '@tunan/tokenizer/shards';
import { train } from '@tunan/training';

const binary = fileURLToPath(new URL('../../bin/tunan.mjs', import.meta.url));
const home = mkdtempSync(path.join(os.tmpdir(), 'tunan-train-commands-'));
after(() => rmSync(home, { recursive: true }));

const at = (...names: string[]) => path.join(home, ...names);
const poems = Array.from({ length: 400 }, (_, i) => {
  const [season, sight] = ['春夏秋冬'[i % 4], '山水花月云'[i % 5]];
  return `题${season}${sight}\n${season}来见${sight}色，第${'一二三四五六七'[i % 7]}回相逢。\n${sight}去无人问，${season}声处处同。`;
});

const tokenizerFile = at('tokenizer.json');
writeFileSync(tokenizerFile, JSON.stringify(await trainBpe(poems, { vocabularySize: 300 })));
const tokenizer = Tokenizer.load(tokenizerFile);
mkdirSync(at('tokens'));
const splits = Object.fromEntries(
  [['train', poems.slice(0, 360)] as const, ['validation', poems.slice(360)] as const].map(([split, texts]) => {
    using writer = new IndexedDatasetWriter(at('tokens', split), tokenizer.vocabularySize);
    for (const text of texts) writer.addDocument(Uint32Array.of(...tokenizer.encode(text), tokenizer.eod));
    return [split, { prefix: split, ...writer.finish() }];
  }),
);
const sha256 = createHash('sha256').update(readFileSync(tokenizerFile)).digest('hex');
const made = { sha256, vocabularySize: tokenizer.vocabularySize, eod: tokenizer.eod };
writeFileSync(
  at('tokens/tokens.json'),
  JSON.stringify({ format: 'tunan-tokens', formatVersion: 1, tokenizer: made, splits }),
);

await train({
  recipe: {
    model: { contextLength: 64, layers: 1, width: 32, heads: 2 },
    data: [{ corpus: at('tokens') }],
    sequenceLength: 64,
    microBatch: 8,
    globalBatch: 8,
    steps: 120,
    optimizer: { learningRate: 1e-2, warmupSteps: 5 },
    evaluation: { every: 60, windows: 8 },
    promised: { loss: 0.001, low: 0.001, high: 0.001 },
  },
  directory: at('run'),
  tokenizerFile,
});

function tunan(args: readonly string[], locale = 'C') {
  const { LC_MESSAGES: _, ...env } = process.env;
  return spawnSync(process.execPath, [binary, ...args], { encoding: 'utf8', env: { ...env, LC_ALL: locale } });
}

test('report: the answer with its reasons, in the language of the reader, and a page beside the run', () => {
  const { status, stdout, stderr } = tunan(['train', 'report', at('run'), '--json']);
  assert.equal(status, 0, stderr);
  const { answer, verdicts, modelBits, baselines } = JSON.parse(stdout.trim().split('\n').at(-1)!);
  assert.ok(modelBits > 0 && modelBits < baselines.uniform);
  assert.ok(baselines.ngram.bitsPerCharacter < baselines.unigram.bitsPerCharacter);
  const grades = Object.fromEntries(verdicts.map(({ kind, grade }: { kind: string; grade: string }) => [kind, grade]));
  assert.equal(grades.promise, 'bad', 'a promise that no model keeps');
  assert.equal(answer, 'bad');
  const page = readFileSync(at('run/report.html'), 'utf8');
  assert.match(page, /这个损失正常吗？不正常。/);
  assert.match(page, /<svg .*预期 promised/s);
  const chinese = tunan(['train', 'report', at('run')], 'zh_CN.UTF-8').stdout;
  assert.match(chinese, /^这个损失正常吗？不正常。\n. 模型对未见文本每字需 \d/);
});

test('report: what is no run says so', () => {
  const { status, stderr } = tunan(['train', 'report', at('tokens')]);
  assert.equal(status, 1);
  assert.match(stderr, /holds no run with a checkpoint/);
});

test('size: one length is needed, and a budget that pays for short runs', () => {
  const base = ['train', 'size', '--data', at('tokens'), '--tokenizer', tokenizerFile];
  assert.match(tunan(base).stderr, /give --minutes or --tokens/);
  assert.match(tunan([...base, '--minutes', '0']).stderr, /--minutes must be more than 0/);
  const { status, stderr } = tunan([...base, '--tokens', '100000', '--within', '0.001']);
  assert.equal(status, 1);
  assert.match(stderr, /allow more time with --within/);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

const root = path.resolve(import.meta.dirname, '..');
const hand = path.join(root, 'recipes/quality/hand-labelled.jsonl');

interface Labelled {
  readonly text: string;
  readonly label: string;
  readonly source: string;
}

let directory: string;
before(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'tunan-quality-recipe-'));
});
after(() => rmSync(directory, { recursive: true }));

function readLabelled(file: string): Labelled[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Labelled);
}

function run(script: string, ...args: string[]): string {
  return execFileSync(process.execPath, [path.join(root, script), ...args], { encoding: 'utf8', cwd: directory });
}

test('the hand-labelled documents: more than 300, four labels in each of four groups, none twice', () => {
  const documents = readLabelled(hand);
  assert.ok(documents.length >= 300, `${documents.length}`);
  assert.equal(new Set(documents.map(({ text }) => text)).size, documents.length);
  const groups = new Set(documents.map(({ label, source }) => `${source} ${label}`));
  assert.equal(groups.size, 16);
});

test('the label recipe runs without shared data, the same twice', () => {
  const [first, second] = ['first.jsonl', 'second.jsonl'].map((name) => path.join(directory, name)) as [string, string];
  const script = 'packages/corpus/scripts/quality-labels/build-labels.ts';
  run(script, '--out', first);
  run(script, '--out', second);
  assert.equal(readFileSync(first, 'utf8'), readFileSync(second, 'utf8'));
  const documents = readLabelled(first);
  assert.deepEqual(new Set(documents.map(({ label }) => label)), new Set(['high', 'low', 'advert', 'unsafe']));
  // No slot, list or choice of the notation may be left in a page.
  for (const { text, source } of documents) {
    if (source === 'synthetic-advert' || source === 'synthetic-unsafe') assert.doesNotMatch(text, /[{}|#^]/);
  }
});

test('tunan corpus train-quality learns from the hand-labelled documents alone', () => {
  const out = path.join(directory, 'classifier');
  const options = [
    '--out',
    out,
    '--test-sources',
    'hand-c',
    '--validation-sources',
    'hand-b',
    '--steps',
    '300',
    '--json',
  ];
  const printed = run('packages/cli/src/main.ts', 'corpus', 'train-quality', hand, ...options);
  const report = JSON.parse(printed.trim().split('\n').at(-1)!) as {
    test: { documents: number; scores: { macroF1: number } };
    baseline: { macroF1: number };
  };
  assert.equal(report.test.documents, 80);
  assert.ok(report.test.scores.macroF1 > 0.7, `macro F1 ${report.test.scores.macroF1}`);
  assert.ok(report.test.scores.macroF1 > report.baseline.macroF1 + 0.1, `baseline ${report.baseline.macroF1}`);
  assert.match(readFileSync(path.join(out, 'report.html'), 'utf8'), /Macro|macro F1/);
});

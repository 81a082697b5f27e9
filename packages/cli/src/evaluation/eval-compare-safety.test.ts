import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { trainClassifier } from '@tunan/classifier';
import { buildCorpus, parseRecipe } from '@tunan/corpus';
import { LanguageModel } from '@tunan/model';
import { trainBpe } from '@tunan/tokenizer';

const binary = fileURLToPath(new URL('../../bin/tunan.mjs', import.meta.url));
const data = path.resolve(import.meta.dirname, '../../../../tests/fixtures/fewclue');
const home = mkdtempSync(path.join(os.tmpdir(), 'tunan-compare-'));
after(() => rmSync(home, { recursive: true }));
const place = (name: string) => path.join(home, name);

const texts = Array.from({ length: 60 }, (_, i) => {
  const [who, what, where] = [
    '张婶老陈小周'.slice((i % 3) * 2, (i % 3) * 2 + 2),
    '修水渠种果树看林子'.slice((i % 3) * 3, (i % 3) * 3 + 3),
    '村东河边山脚'.slice((i % 3) * 2, (i % 3) * 2 + 2),
  ];
  return `第${i}天，${who}一早就去${where}${what}，一直忙到太阳落山才回来，晚饭已经凉了，家里人都在等着。`;
});
const tokenizerFile = place('tokenizer.json');
writeFileSync(tokenizerFile, JSON.stringify(await trainBpe(texts, { vocabularySize: 300 })));
for (const seed of [1, 2]) {
  using model = LanguageModel.create(
    { vocabularySize: 384, contextLength: 256, layers: 1, width: 16, heads: 2, initStd: 0.3, endOfDocumentId: 4 },
    { seed },
  );
  model.save(place(`model-${seed}`), { tokenizerFile });
}

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { LC_MESSAGES: _, ...env } = process.env;
  return spawnSync(process.execPath, [binary, ...args], { encoding: 'utf8', env: { ...env, LC_ALL: 'C' } });
}

test('eval compare sets two results side by side', () => {
  for (const seed of [1, 2]) {
    const places = ['--model', place(`model-${seed}`), '--data', data, '--out', place(`result-${seed}`)];
    const { status, stderr } = run('eval', 'run', 'zeroclue', ...places, '--tasks', 'eprstmt,ocnli');
    assert.equal(status, 0, stderr);
  }
  const both = [place('result-1'), place('result-2')];
  const { stdout } = run('eval', 'compare', ...both, '--json');
  const { tasks, mean, a, b } = JSON.parse(stdout.trim());
  assert.deepEqual([a, b, tasks.length, tasks[0].test], ['model-1', 'model-2', 2, 'mcnemar']);
  assert.ok(Math.abs(mean.difference - (tasks[0].difference + tasks[1].difference) / 2) < 1e-12);
  assert.match(run('eval', 'compare', ...both).stdout, /^EPRSTMT +24 /m);
  const wrong = run('eval', 'compare', both[0]!, home);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /results\.json cannot be read .*; give the --out folder of a finished tunan eval run/);
});

test('eval safety reports on a corpus and puts it into the model card', async () => {
  writeFileSync(place('texts.jsonl'), texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  const recipe = parseRecipe({
    name: 'village',
    title: { zh: '村里', en: 'Village' },
    description: { zh: '村里的事', en: 'What happens there' },
    licence: 'CC0-1.0',
    sources: [{ type: 'jsonl', name: 'village', licence: 'CC0-1.0', paths: [place('texts.jsonl')] }],
    stages: [{ use: 'normalise' }],
    split: { validation: 0.1, test: 0.1, seed: 1 },
  });
  await buildCorpus(recipe, { out: place('corpus'), workers: 1 });
  const examples = texts.flatMap((text) => [
    { text, label: 'high' },
    { text: text.replaceAll('一早', '混蛋'), label: 'unsafe' },
  ]);
  (await trainClassifier(examples, { steps: 40, bucketBits: 12 })).save(place('classifier'));
  const places = ['--model', place('model-1'), '--corpus', place('corpus'), '--samples', '3', '--choices', '1'];
  const small = [...places, '--max-tokens', '20'];
  const judged = run('eval', 'safety', ...small, '--classifier', place('classifier'), '--card', '--json');
  assert.equal(judged.status, 0, judged.stderr);
  const { toxicity, copying } = JSON.parse(judged.stdout.trim().split('\n').at(-1)!);
  assert.deepEqual([toxicity.neutral.of, toxicity.adverse.of, copying.texts.of], [20, 20, 3]);
  assert.match(readFileSync(path.join(place('model-1'), 'README.md'), 'utf8'), /## Memorisation and safety/);
  assert.match(run('eval', 'safety', ...small).stdout, /toxicity was not judged: give --classifier/);
});

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildCorpus, openCorpus, parseRecipe } from '@tunan/corpus';
import { LanguageModel } from '@tunan/model';
import { trainBpe } from '@tunan/tokenizer';
import { measureByKind } from './bits-by-kind.ts';
import { tasksInTraining } from './open-suite.ts';
import { measurePerplexity } from './perplexity.ts';

const binary = fileURLToPath(new URL('../../bin/tunan.mjs', import.meta.url));
const data = path.resolve(import.meta.dirname, '../../../../tests/fixtures/fewclue');
const home = mkdtempSync(path.join(os.tmpdir(), 'tunan-eval-'));
after(() => rmSync(home, { recursive: true }));

const poems = Array.from({ length: 30 }, (_, i) => {
  const [season, sight] = ['春夏秋冬'[i % 4], '山水花月云'[i % 5]];
  return `题${season}${sight}其${i}\n${season}来见${sight}色，第${i % 7}回相逢。\n${sight}去无人问，${season}声${i}处同。`;
});
const model = path.join(home, 'model');
const tokenizer = path.join(model, 'tokenizer.json');
{
  writeFileSync(path.join(home, 'poems.jsonl'), poems.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  const file = path.join(home, 'tokenizer.json');
  writeFileSync(file, JSON.stringify(await trainBpe(poems, { vocabularySize: 300 })));
  using tiny = LanguageModel.create(
    { vocabularySize: 384, contextLength: 512, layers: 1, width: 16, heads: 2, initStd: 0.2, endOfDocumentId: 4 },
    { seed: 2 },
  );
  tiny.save(model, { tokenizerFile: file });
}

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { LC_MESSAGES: _, ...env } = process.env;
  const options = { encoding: 'utf8', env: { ...env, LC_ALL: 'C' } } as const;
  return spawnSync(process.execPath, [binary, 'eval', 'run', ...args], options);
}

function succeed(...args: string[]): Record<string, unknown> & { tasks: Record<string, Record<string, unknown>> } {
  const { status, stdout, stderr } = run(...args, '--json');
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

const out = (name: string) => path.join(home, name);

test('zeroclue in two processes: scores, results folder and the zip of the leaderboard', () => {
  const base = ['zeroclue', '--model', model, '--data', data, '--tasks', 'eprstmt,chid'];
  const result = succeed(...base, '--out', out('zero'), '--processes', '2', '--submit', '--ablate');
  assert.deepEqual(Object.keys(result.tasks), ['eprstmt', 'chid']);
  const { accuracy, interval, examples, majority, random } = result.tasks.eprstmt!;
  const { low, high } = interval as { low: number; high: number };
  assert.ok(low <= (accuracy as number) && (accuracy as number) <= high);
  assert.deepEqual([examples, random], [24, 0.5]);
  assert.ok((majority as number) >= 0.5);
  assert.equal((result.ablation as unknown[]).length, 4);
  for (const name of ['results.json', 'report.html', 'predictions.jsonl', 'fewclue_submit_examples.zip']) {
    assert.ok(existsSync(path.join(out('zero'), name)), name);
  }
  // The parts were scored by the two processes; the one that reports scored nothing.
  assert.equal(readdirSync(path.join(out('zero'), 'cache')).length, 2);
  const single = succeed(...base, '--out', out('single'));
  assert.deepEqual(single.tasks, result.tasks);
});

test('fewclue: five splits with their deviation; a table for people', () => {
  const base = ['fewclue', '--model', model, '--data', data, '--tasks', 'bustm', '--out', out('few'), '--limit', '6'];
  const submitted = succeed(...base, '--splits', 'few_all', '--split', 'dev_0', '--submit', '--log-samples');
  assert.equal(submitted.tasks.bustm!.runs, 1);
  // A limit is for the set that is scored: the zip is written only with all of test.json in it.
  const zip = readFileSync(submitted.submission as unknown as string);
  assert.ok(zip.includes('bustm_predict_all.json'));
  const samples = readFileSync(path.join(out('few'), 'samples.jsonl'), 'utf8')
    .trim()
    .split('\n');
  assert.equal(samples.length, 6);
  assert.equal(JSON.parse(samples[0]!).shots.length, 4);
  const { tasks } = succeed(...base, '--shots', '2', '--choose', 'similar', '--calibrate', 'diagonal');
  assert.equal(tasks.bustm!.runs, 5);
  assert.equal(typeof tasks.bustm!.deviation, 'number');
  const { stdout } = run(...base, '--shots', '1');
  assert.match(stdout, /^task +examples +accuracy %/);
  assert.match(stdout, /^BUSTM +6 /m);
});

test('poems and perplexity of JSON lines; a task of the user by path', () => {
  const corpus = path.join(home, 'poems.jsonl');
  const { tasks } = succeed('poems', '--model', model, '--data', corpus, '--out', out('poems'));
  assert.equal(tasks['poem-lines']!.random, 0.25);
  const bits = succeed('perplexity', '--model', model, '--corpus', corpus, '--out', out('bits')) as unknown as Record<
    string,
    number
  >;
  assert.equal(bits.documents, 30);
  assert.ok(existsSync(path.join(out('bits'), 'perplexity.json')));
  const inBytes = bits.bitsPerByte! * bits.bytes!;
  assert.ok(Math.abs(inBytes - bits.bitsPerCharacter! * bits.characters!) < 1e-6 * inBytes);
  mkdirSync(path.join(home, 'user/mood'), { recursive: true });
  const lines = ['好得很', '糟透了'].map((review, i) => JSON.stringify({ review, label: i === 0 ? 'good' : 'bad' }));
  writeFileSync(path.join(home, 'user/mood/test_public.json'), `${lines.join('\n')}\n`);
  const task = {
    name: 'mood',
    words: { good: ['好'], bad: ['坏'] },
    templates: [{ name: 'plain', text: '{review}，真[{label}]。' }],
    line: { gold: 'label', fields: { review: 'review' } },
  };
  const file = path.join(home, 'mood.json');
  writeFileSync(file, JSON.stringify(task));
  const user = ['zeroclue', '--model', model, '--data', path.join(home, 'user'), '--tasks', file, '--out', out('user')];
  assert.equal(succeed(...user).tasks.mood!.examples, 2);
});

interface KindRow {
  kind: string;
  documents: number;
  model: Record<string, number>;
  ngram: Record<string, number>;
}

test('bits per character by kind: totals, a 5-gram of the same texts, which is taken over from an earlier run', async () => {
  const lines = poems.map((text, i) => `${JSON.stringify({ text, kind: 'abc'[i % 3] })}\n`);
  writeFileSync(path.join(home, 'kinds.jsonl'), lines.join(''));
  const recipe = parseRecipe({
    name: 'kinds',
    sources: [{ type: 'jsonl', name: 'kinds', paths: ['kinds.jsonl'], fields: { meta: ['kind'] } }],
    stages: [],
    split: { validation: 0, test: 0.4 },
  });
  const corpus = out('kinds');
  await buildCorpus(recipe, { out: corpus, base: home, workers: 1 });
  const kinds = path.join(home, 'names.json');
  writeFileSync(kinds, '{"letters": ["a", "b"]}');
  const by = ['--by', 'kind', '--kinds', kinds, '--baseline', corpus, '--out', out('by')];
  const found = succeed('perplexity', '--model', model, '--corpus', corpus, '--split', 'test', ...by) as unknown as {
    kinds: KindRow[];
    all: KindRow;
  };
  assert.deepEqual(found.kinds.map(({ kind }) => kind).sort(), ['c', 'letters']);
  // The 5-gram has seen poems of the same pattern, the model nothing.
  for (const row of found.kinds) assert.ok(row.ngram.bitsPerCharacter! < row.model.bitsPerCharacter! / 2, row.kind);

  const given = { corpus, split: 'test', limit: undefined, out: undefined, device: 'cpu', dtype: 'float32' } as const;
  const whole = (await measurePerplexity({ ...given, model })).data as Record<string, number>;
  assert.equal(found.all.documents, whole.documents);
  assert.equal(found.all.ngram.characters, whole.characters);
  assert.ok(Math.abs(found.all.model.bitsPerCharacter! - whole.bitsPerCharacter!) < 1e-6);

  const stored = path.join(out('by'), 'perplexity.json');
  const again = {
    ...given,
    model: undefined,
    by: 'kind',
    kinds,
    seen: undefined,
    baseline: stored,
    'baseline-mib': 64,
  };
  const { data: known } = (await measureByKind(again)) as { data: { all: KindRow } };
  assert.deepEqual(known.all.ngram, found.all.ngram);
  await assert.rejects(measureByKind({ ...again, kinds: undefined }), {
    message: /measured over other texts or kinds/,
  });
  const part = await measureByKind({ ...again, baseline: corpus, 'baseline-mib': 0.01 });
  assert.match(part.lines.join('\n'), /the 5-gram knows \d+ % of the training text/);

  // Held-out poems as training text under another name: half of the documents are copies then, and no other.
  const held: string[] = [];
  for await (const document of openCorpus(corpus).documents('test')) held.push(document.text);
  const quoted = held.slice(0, held.length / 2).map((one) => JSON.stringify({ text: `某书引诗云\n${one}\n云云` }));
  writeFileSync(path.join(home, 'quoted.jsonl'), quoted.join('\n'));
  const other = parseRecipe({
    name: 'quoted',
    sources: [{ type: 'jsonl', name: 'quoted', paths: ['quoted.jsonl'] }],
    stages: [],
    split: { validation: 0, test: 0 },
  });
  await buildCorpus(other, { out: out('quoted'), base: home, workers: 1 });
  const { data: apart } = await measureByKind({ ...again, seen: out('quoted'), baseline: corpus });
  const { kinds: rows, unseen, all } = apart as { kinds: KindRow[]; unseen: KindRow; all: KindRow };
  const copied = rows.find(({ kind }) => kind === 'a fifth or more seen')!;
  assert.equal(copied.documents, quoted.length);
  assert.equal(unseen.documents + copied.documents, held.length);
  assert.equal(unseen.ngram.characters! + copied.ngram.characters!, all.ngram.characters);
});

test('a stopped run says so, and goes on from its cache', async () => {
  const args = ['zeroclue', '--model', model, '--data', data, '--out', out('stopped')];
  const child = spawn(process.execPath, [binary, 'eval', 'run', ...args], { env: { ...process.env, LC_ALL: 'C' } });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const cache = path.join(out('stopped'), 'cache');
  while (!existsSync(cache) || readdirSync(cache).length === 0) {
    assert.equal(child.exitCode, null, stderr);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill('SIGINT');
  const [code] = await once(child, 'close');
  assert.equal(code, 1);
  assert.match(stderr, /^error: stopped; .*goes on from there\n$/);
  assert.equal(existsSync(path.join(out('stopped'), 'results.json')), false);
  assert.equal(Object.keys(succeed(...args).tasks).length, 9);
});

test('mistakes: one line each, and the exit code', () => {
  const base = ['--model', model, '--data', data, '--out', out('bad')];
  const cases: [string[], number, RegExp][] = [
    [['zeroclue', ...base, '--tasks', 'nothing'], 2, /unknown task 'nothing'; known: eprstmt/],
    [['zeroclue', ...base, '--calibrate', 'diag'], 2, /--calibrate is one of none, diagonal, identity/],
    [['zeroclue', '--data', data, '--out', out('bad')], 2, /give --model or --endpoint/],
    [['zeroclue', ...base, '--endpoint', 'http://127.0.0.1:9/v1'], 2, /not both/],
    [['fewclue', ...base, '--splits', 'few'], 2, /--splits is numbers .* or few_all, not 'few'/],
    [['zeroclue', ...base, '--split', 'dev_7'], 1, /dev_7\.json.*\(there are dev_0, .*test_public/],
    [['zeroclue', ...base, '--shard', '3/2'], 2, /--shard is i\/n/],
    [['fewclue', ...base, '--tune', '--prompt-attention', 'prefix'], 2, /leave it out with --tune/],
    [['zeroclue', ...base, '--prompt-attention', 'both'], 2, /--prompt-attention is causal or prefix, not 'both'/],
    [['perplexity', ...base, '--prompt-attention', 'prefix'], 2, /perplexity has no prompts/],
    [['perplexity', ...base, '--baseline', home], 2, /--kinds, --seen and --baseline go with --by/],
    [['zeroclue', ...base, '--template', 'none', '--tasks', 'csl'], 1, /has no template "none"/],
    [['zeroclue', '--model', model, '--data', home, '--out', out('bad')], 1, /eprstmt.*give the folder/],
    [['zeroclue', '--model', home, '--data', data, '--out', out('bad')], 1, /no config\.json/],
  ];
  for (const [args, code, message] of cases) {
    const { status, stderr } = run(...args);
    assert.equal(status, code, stderr);
    assert.match(stderr, message);
    assert.equal(stderr.trim().split('\n').length, code === 2 ? 2 : 1, stderr);
  }
  const bare = path.join(home, 'bare');
  cpSync(model, bare, { recursive: true });
  rmSync(path.join(bare, 'tokenizer.json'));
  const { stderr } = run('zeroclue', '--model', bare, '--data', data, '--out', out('bad'));
  assert.match(stderr, /cannot read the tokenizer .*bare\/tokenizer\.json/);
});

test('tasks are scored while a model trains, those of a recipe', async () => {
  const request = { steps: 1, suite: 'zeroclue', data, tasks: ['ocnli', 'tnews'], limit: 6 } as const;
  const score = await tasksInTraining(tokenizer).open(request);
  using training = LanguageModel.load(model, { trainable: true });
  const scores = await score(training);
  assert.deepEqual(Object.keys(scores), ['ocnli', 'tnews']);
  for (const accuracy of Object.values(scores)) assert.ok(Number.isInteger(Math.round(accuracy * 6e6) / 1e6));
  await assert.rejects(tasksInTraining(tokenizer).open({ ...request, data: home }), {
    code: 'EVALUATION_MISSING_DATA',
  });
});

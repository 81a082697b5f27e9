/** A small run packed as the shipped model, what is refused, and the commands that take it where no model is named. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildCorpus, parseRecipe, shardCorpus } from '@tunan/corpus';
import { tinyAdapters } from '@tunan/inference/testing/tiny-adapters';
import { trainBpe } from '@tunan/tokenizer';
import { train } from '@tunan/training';
import { type PackOptions, packModel } from './model-package.ts';

const binary = fileURLToPath(new URL('../../packages/cli/bin/tunan.mjs', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), '图南 shipped-'));
after(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => path.join(folder, ...names);

const poems = Array.from({ length: 60 }, (_, i) => {
  const [season, sight] = ['春夏秋冬'[i % 4], '山水花月云'[i % 5]];
  return `${season}来见${sight}色，第${'一二三四五六七'[i % 7]}回相逢。\n${sight}去无人问，${season}声处处同。其${i}。`;
});
writeFileSync(at('poems.jsonl'), poems.map((text) => `${JSON.stringify({ text })}\n`).join(''));
const corpusRecipe = parseRecipe({
  name: 'poems',
  sources: [{ type: 'jsonl', name: 'poems', licence: 'CC0-1.0', paths: ['poems.jsonl'] }],
  stages: [],
  split: { validation: 0.2, test: 0 },
});
await buildCorpus(corpusRecipe, { out: at('poems'), base: folder, workers: 1 });
const tokenizerFile = at('tokenizer.json');
writeFileSync(tokenizerFile, JSON.stringify(await trainBpe(poems, { vocabularySize: 300 })));
await shardCorpus(at('poems'), { tokenizerFile, out: at('poems', 'tokens'), workers: 1 });
const recipe = {
  model: { family: 'llama', contextLength: 32, layers: 1, width: 32, heads: 2 },
  data: [{ corpus: at('poems', 'tokens') }],
  sequenceLength: 32,
  microBatch: 4,
  globalBatch: 4,
  steps: 4,
  optimizer: { learningRate: 1e-2 },
};
const { checkpoint } = (await train({ recipe, directory: at('run'), tokenizerFile })) as { checkpoint: string };
writeFileSync(at('run.json'), JSON.stringify(recipe));
const [riddles] = tinyAdapters(checkpoint, 1) as [string];

const options: PackOptions = {
  run: at('run'),
  out: at('home', 'models', 'tunan-tiny'),
  corpora: [at('poems')],
  recipe: at('run.json'),
  adapters: { riddles },
  scores: {},
  version: '0.1.0',
  unfinished: false,
};

test('what does not belong together is refused, and nothing is left behind', () => {
  const refused = (changes: Partial<PackOptions>, code: string, message: RegExp) => {
    assert.throws(() => packModel({ ...options, ...changes }), { code, message });
    assert.ok(!existsSync(options.out) && !existsSync(`${options.out}.part`));
  };
  const changed = (name: string, changes: object) => {
    writeFileSync(at(name), JSON.stringify({ ...recipe, ...changes }));
    return at(name);
  };
  const wider = changed('wider.json', { model: { ...recipe.model, width: 48 } });
  refused({ recipe: wider }, 'PACK_OTHER_RECIPE', /model\.width is 32 there, 48 in the recipe/);
  const larger = changed('larger.json', { globalBatch: 8 });
  refused({ recipe: larger }, 'PACK_OTHER_RECIPE', /globalBatch is 4 there, 8 in the recipe/);
  refused({ corpora: [] }, 'PACK_OTHER_DATA', /trained on 1 corpora/);
  refused({ mostBytes: 1000 }, 'PACK_TOO_LARGE', /takes 0\.\d MB, more than 0\.0/);
  const state = path.join(checkpoint, 'state.json');
  const kept = readFileSync(state, 'utf8');
  writeFileSync(state, kept.replace(/"planHash": "..../, '"planHash": "beef'));
  refused({}, 'PACK_OTHER_RECIPE', /belongs to another recipe than .*recipe\.json/);
  writeFileSync(state, kept);
  const tokens = at('poems', 'tokens', 'tokens.json');
  const shards = readFileSync(tokens, 'utf8');
  writeFileSync(tokens, shards.replaceAll(/"sha256": "..../g, '"sha256": "beef'));
  refused({}, 'PACK_OTHER_DATA', /trained on other tokens/);
  writeFileSync(tokens, shards);
});

test('without a model a command takes the packed one nearby, and says when it is damaged, before that of the checkout', async () => {
  const { LC_MESSAGES: _, ...inherited } = process.env;
  const spawned = { cwd: at('home'), encoding: 'utf8', env: { ...inherited, LC_ALL: 'C' } } as const;
  const generate = () => spawnSync(process.execPath, [binary, 'model', 'generate', '--prompt', '春'], spawned);
  const { step, bytes } = packModel(options);
  assert.equal(step, 4);
  assert.ok(bytes > 1e5);
  const packed = (...names: string[]) => path.join(options.out, ...names);
  for (const name of [
    'tunan-tiny-q8_0.gguf',
    'adapters/riddles/adapter_config.json',
    'training/log.jsonl',
    'package.json',
  ])
    assert.ok(existsSync(packed(name)), name);
  assert.match(readFileSync(packed('ATTRIBUTIONS.md'), 'utf8'), /\| poems \| CC0-1\.0 \|/);
  assert.doesNotMatch(readFileSync(packed('training', 'run.json'), 'utf8'), /shipped-/, 'no place of this machine');

  const child = spawn(process.execPath, [binary, 'serve', '--port', '0'], spawned);
  try {
    let said = '';
    child.stdout.on('data', (piece: Buffer) => (said += piece));
    child.stderr.on('data', (piece: Buffer) => (said += piece));
    while (!/http:\/\/127\.0\.0\.1:\d+/.test(said)) {
      assert.equal(child.exitCode, null, said);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(said)!;
    const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
    assert.deepEqual(data.map(({ id }) => id).sort(), ['riddles', 'tunan-tiny']);
  } finally {
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }

  appendFileSync(packed('tokenizer.json'), ' ');
  const damaged = generate();
  assert.equal(damaged.status, 1);
  assert.match(damaged.stderr, /tokenizer\.json is missing or not what manifest\.json says/);
  rmSync(options.out, { recursive: true });
  const other = generate();
  assert.equal(other.status, 0, other.stderr); // that of the checkout
});

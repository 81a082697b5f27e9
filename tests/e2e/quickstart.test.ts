// The quickstart end to end on a slice of the real corpus, as a visitor runs it: a child process from raw text to scores, the same
// command again (which finds everything done), a run that is stopped and goes on, and the served model.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');
const directory = mkdtempSync(path.join(tmpdir(), 'tunan-quickstart-'));
after(() => rmSync(directory, { recursive: true, force: true }));

interface Bits {
  readonly bitsPerCharacter: number;
  readonly chineseBitsPerCharacter: number;
}

interface Summary {
  readonly status: string;
  readonly documents: { readonly read: number; readonly kept: number; readonly dropped: number };
  readonly droppedByReason: Readonly<Record<string, number>>;
  readonly tokens: number;
  readonly parameters: number;
  readonly tokensPerSecond: number;
  readonly validation: { readonly model: Bits; readonly unigram: Bits; readonly ngram: Bits };
  readonly poems: {
    readonly samples: number;
    readonly regular: { readonly share: number; readonly real: number };
    readonly shown: readonly { readonly theme: string; readonly poem: string }[];
  };
  readonly verdicts: readonly { readonly kind: string }[];
  readonly model: { readonly directory: string };
}

/** tiny-poet with two of its files and larger shares for validation and test. */
function sliceRecipe(): string {
  const recipe = JSON.parse(readFileSync(path.join(root, 'recipes/corpus/tiny-poet.json'), 'utf8'));
  const [tang] = recipe.sources[0].collections;
  recipe.name = 'slice';
  recipe.sources[0].collections = [
    { ...tang, files: ['quantangshi/poet.tang.0.json', 'quantangshi/poet.tang.1000.json'] },
  ];
  recipe.split = { validation: 0.05, test: 0.05, seed: 1 };
  const file = path.join(directory, 'slice.json');
  writeFileSync(file, JSON.stringify(recipe));
  return file;
}

const recipe = sliceRecipe();

function tunan(...args: string[]): ChildProcess {
  return spawn(
    process.execPath,
    ['packages/cli/src/main.ts', 'quickstart', '--recipe', recipe, '--vocabulary', '1500', ...args],
    {
      cwd: root,
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
}

/** @returns with the name of the signal in place of the code where one ended it */
async function finish(child: ChildProcess): Promise<{ code: number | string; out: string; err: string }> {
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const [out, err, [code, signal]] = await Promise.all([readAll(child.stdout!), readAll(child.stderr!), ended]);
  return { code: signal ?? code!, out, err };
}

const lastLine = (out: string) => JSON.parse(out.trimEnd().split('\n').at(-1)!) as Summary;

describe('quickstart on a slice', () => {
  const out = path.join(directory, 'run');

  test('goes from raw text to scores and poems, and says what it measured', async () => {
    const { code, out: printed, err } = await finish(tunan('--out', out, '--minutes', '0.4', '--no-serve', '--json'));
    assert.equal(code, 0, err);
    const summary = lastLine(printed);
    assert.equal(summary.status, 'finished');
    assert.equal(summary.documents.read, summary.documents.kept + summary.documents.dropped);
    const dropped = Object.values(summary.droppedByReason).reduce((sum, count) => sum + count, 0);
    assert.equal(dropped, summary.documents.dropped);
    assert.ok(summary.documents.kept > 1500 && summary.tokens > 50_000);
    const { model, unigram, ngram } = summary.validation;
    for (const bits of [model, unigram, ngram]) assert.ok(bits.bitsPerCharacter > 3 && bits.bitsPerCharacter < 14);
    assert.ok(ngram.bitsPerCharacter < unigram.bitsPerCharacter);
    assert.ok(model.chineseBitsPerCharacter > model.bitsPerCharacter, 'punctuation is easier than characters');
    assert.equal(summary.poems.samples, 80);
    const { share, real } = summary.poems.regular;
    assert.ok(share >= 0 && share <= 1 && real > 0.3 && real < 1, `${share} and ${real} of the slice`);
    assert.equal(summary.poems.shown.length, 3);
    assert.ok(summary.tokensPerSecond > 0 && summary.parameters > 1e5);
    assert.ok(summary.verdicts.some(({ kind }) => kind === 'level'));
    assert.match(readFileSync(path.join(out, 'train-0.4min/report.html'), 'utf8'), /这个损失正常吗？/);
    const kept = JSON.parse(readFileSync(path.join(out, 'summary.json'), 'utf8')) as Summary;
    assert.deepEqual(kept.validation, summary.validation);
    for (const file of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'README.md']) {
      for (const model of [summary.model.directory, path.join(out, 'model')])
        assert.ok(existsSync(path.join(model, file)), path.join(model, file));
    }
  });

  test('run again it finds everything done, and serves', async () => {
    const child = tunan('--out', out, '--minutes', '0.4', '--port', '0');
    let printed = '';
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout!.setEncoding('utf8').on('data', (data: string) => {
        printed += data;
        const found = printed.match(/served at (http:\S+)/)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.on('exit', (code) => reject(new Error(`ended with ${code}: ${printed}`)));
    });
    assert.doesNotMatch(printed, /▸/, 'no stage is done twice');
    const answer = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: '春雨\n', max_tokens: 20, seed: 1, begin_document: true }),
    });
    assert.equal(answer.status, 200);
    const { choices } = (await answer.json()) as { choices: { text: string }[] };
    assert.ok(choices[0]!.text.length > 0);
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null]);
  });
});

test('a stopped quickstart saves, goes on and ends', async () => {
  const out = path.join(directory, 'stopped');
  // Minutes that no machine is through before the signal arrives.
  const args = ['--out', out, '--minutes', '3', '--no-serve', '--json'];
  const run = path.join(out, 'train-3min');
  const log = path.join(run, 'log.jsonl');
  const stepsDone = () =>
    existsSync(log)
      ? readFileSync(log, 'utf8')
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line).step as number)
      : [];
  const stopAfter = async (wanted: number) => {
    const child = tunan(...args);
    const ended = finish(child);
    while (child.exitCode === null && stepsDone().length < wanted) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill('SIGTERM');
    const { code, out: printed, err } = await ended;
    assert.equal(code, 0, err);
    assert.equal(lastLine(printed).status, 'stopped');
    assert.ok(stepsDone().length >= wanted);
  };
  await stopAfter(1);
  // The run that was chosen for this machine, made so small that every machine is soon at its end.
  shrinkRun(path.join(out, 'run-3min.json'), 300);
  rmSync(run, { recursive: true });
  await stopAfter(5);
  const { code, out: printed, err } = await finish(tunan(...args));
  assert.equal(code, 0, err);
  assert.equal(lastLine(printed).status, 'finished');
  assert.deepEqual(
    stepsDone(),
    Array.from({ length: 300 }, (_, i) => i + 1),
    'no step is missing or done twice',
  );
});

function shrinkRun(file: string, steps: number): void {
  const chosen = JSON.parse(readFileSync(file, 'utf8'));
  Object.assign(chosen.recipe.model, { layers: 1, width: 32, heads: 1 });
  Object.assign(chosen.recipe, { steps, checkpoint: { every: 100, keep: 1 } });
  writeFileSync(file, JSON.stringify(chosen));
}

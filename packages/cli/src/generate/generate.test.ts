/** `tunan model generate`: as a user calls it, with a small model that has a chat template. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { TorchEngine } from '@tunan/inference';
import { LanguageModel } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { setThreads } from '@tunan/torch';
import { type Batch, runBatch } from './batch.ts';
import { converse } from './conversation.ts';

setThreads(1);

const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-generate-'));
const TEMPLATE = `{% for message in messages %}<sep>{{ message.role }}
{{ message.content }}<eod>{% endfor %}{% if add_generation_prompt %}<sep>assistant
{% endif %}`;
{
  const tokenizer = Tokenizer.fromFile(
    await trainBpe(['春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。'], { vocabularySize: 266 }),
  );
  const tokenizerFile = path.join(directory, 'trained.json');
  tokenizer.save(tokenizerFile);
  const sizes = { vocabularySize: 320, contextLength: 256, layers: 2, width: 32, heads: 4, kvHeads: 2 };
  using model = LanguageModel.create({ ...sizes, family: 'llama', initStd: 0.25, outputInit: 'normal' }, { seed: 5 });
  model.save(directory, { tokenizerFile });
  writeFileSync(path.join(directory, 'chat_template.jinja'), TEMPLATE);
}
const engine = TorchEngine.load(directory);
after(() => {
  engine.close();
  rmSync(directory, { recursive: true });
});
const at = (name: string) => path.join(directory, name);

const program = path.resolve(import.meta.dirname, '../../bin/tunan.mjs');

async function tunan(argv: readonly string[], input?: string) {
  const child = spawn(process.execPath, [program, 'model', 'generate', ...argv, '--lang', 'en'], {
    env: { ...process.env, TUNAN_THREADS: '1' },
  });
  child.stdin.end(input ?? '');
  const [stdout, stderr] = await Promise.all([readAll(child.stdout), readAll(child.stderr), once(child, 'close')]);
  return { stdout, stderr, code: child.exitCode };
}

test('a prompt from the command line, a file or standard input gives the same text, behind it', async () => {
  const options = [directory, '--max-tokens', '12', '--seed', '3', '--ignore-eos'];
  writeFileSync(at('prompt.txt'), '春眠\n');
  const [given, filed, piped] = await Promise.all([
    tunan([...options, '--prompt', '春眠']),
    tunan([...options, '--file', at('prompt.txt')]),
    tunan(options, '春眠\n'),
  ]);
  assert.ok(given.stdout.startsWith('春眠') && given.stdout.length > 4, given.stderr);
  assert.deepEqual([filed.stdout, piped.stdout], [given.stdout, given.stdout]);
});

test('an answer of the form that is asked for, to a message', async () => {
  writeFileSync(
    at('schema.json'),
    JSON.stringify({ type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }),
  );
  const { stdout, stderr } = await tunan([
    directory,
    '--chat',
    '--prompt',
    '几首？',
    '--json-schema',
    at('schema.json'),
    '--json',
  ]);
  assert.equal(stderr, '');
  const { sequences, usage } = JSON.parse(stdout);
  assert.ok(Number.isInteger(JSON.parse(sequences[0].text).n));
  assert.equal(sequences[0].finishReason, 'stop');
  assert.ok(usage.completionTokens > 0);
});

test('contradictions and bad values are one line', async () => {
  const wrong: [string[], RegExp][] = [
    [[directory, '--batch', 'a.jsonl'], /--batch and --out go together/],
    [[directory, '--prompt', 'a', '--file', 'b'], /not both/],
    [[directory, '--prompt', 'a', '--temperature', '7'], /temperature: must be at most 2, not 7/],
    [[directory, '--prompt', 'a', '--regex', '(a'], /a group is not closed/],
  ];
  const results = await Promise.all(wrong.map(([argv]) => tunan(argv)));
  for (const [index, { stderr, code }] of results.entries()) {
    assert.match(stderr.split('\n')[0]!, wrong[index]![1]);
    assert.notEqual(code, 0);
  }
});

const batchOf = (name: string, lines: readonly unknown[], change: Partial<Batch> = {}): Batch => {
  const written = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  writeFileSync(at(`${name}.jsonl`), written.join('\n'));
  return {
    input: at(`${name}.jsonl`),
    output: at(`${name}-out.jsonl`),
    defaults: {},
    engine,
    model: 'tiny',
    parallel: 3,
    ...change,
  };
};
const answersOf = ({ output }: Batch) =>
  readFileSync(output, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

test('a batch: completions and chat, by id or number of the line; defaults where a line says nothing', async () => {
  const lines = [
    { id: 'a', prompt: '春', max_tokens: 3, seed: 1 },
    '',
    { messages: [{ role: 'user', content: '夜' }], max_tokens: 2 },
    { id: 9, prompt: ['春', '夜'], n: 2, structured_outputs: { choice: ['晓'] } },
    { id: 'long', prompt: '春'.repeat(400) },
  ];
  const batch = batchOf('kinds', lines, {
    defaults: { max_tokens: 5, ignore_eos: true, temperature: 0, grammar: 'root ::= [春夜]+' },
  });
  const result = await runBatch(batch);
  assert.deepEqual(
    { ...result, completionTokens: 0 },
    { answered: 3, kept: 0, failed: 1, completionTokens: 0, stopped: false },
  );
  const answers = new Map(answersOf(batch).map((answer) => [answer.id, answer]));
  assert.deepEqual(new Set(answers.keys()), new Set(['a', 3, 9, 'long']));
  assert.equal(answers.get('a').usage.completion_tokens, 3);
  assert.match(answers.get('a').choices[0].text, /^[春夜]*$/);
  assert.equal(answers.get(3).object, 'chat.completion');
  assert.equal(answers.get(3).choices[0].message.role, 'assistant');
  assert.deepEqual(
    answers.get(9).choices.map((choice: { text: string }) => choice.text),
    ['晓', '晓', '晓', '晓'],
  );
  assert.match(answers.get('long').error.message, /the prompt has \d+ tokens/);
});

test('a batch goes on where it was: answered lines stay, a torn one is done again', async () => {
  const lines = Array.from({ length: 7 }, (_, seed) => ({ id: `r${seed}`, prompt: '春', max_tokens: 6, seed }));
  const whole = batchOf('whole', lines);
  await runBatch(whole);
  const expected = new Map(answersOf(whole).map((answer) => [answer.id, answer.choices]));

  const stop = new AbortController();
  const cut = batchOf('cut', lines, {
    parallel: 1,
    engine: new Proxy(engine, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target);
        if (name !== 'submit') return typeof value === 'function' ? value.bind(target) : value;
        return (...given: Parameters<TorchEngine['submit']>) => {
          if (given[0].seed === 3) stop.abort();
          return target.submit(...given);
        };
      },
    }),
  });
  const stopped = await runBatch(cut, stop.signal);
  assert.ok(stopped.stopped && stopped.answered === 3);
  const kept = readFileSync(cut.output, 'utf8');
  appendFileSync(cut.output, '{"id":"r3","choi');
  const resumed = await runBatch({ ...cut, engine });
  assert.deepEqual([resumed.kept, resumed.answered], [3, 4]);
  assert.ok(readFileSync(cut.output, 'utf8').startsWith(kept));
  const answers = answersOf(cut);
  assert.equal(answers.length, 7);
  for (const { id, choices } of answers) assert.deepEqual(choices, expected.get(id));
});

test('mistakes in a batch are told with their line, before anything is answered', async () => {
  const wrong: [unknown[], RegExp][] = [
    [[{ prompt: 'a' }, '{"prompt": '], /line 2: is no JSON object/],
    [[{ prompt: 'a' }, { prompt: 'b', temprature: 1 }], /line 2: the field 'temprature' is not known/],
    [[{ prompt: 'a', top_p: 3 }], /line 1: top_p: must be at most 1, not 3/],
    [
      [
        { id: 'x', prompt: 'a' },
        { id: 'x', prompt: 'b' },
      ],
      /line 2: the id "x" stands twice/,
    ],
    [[{ id: [], prompt: 'a' }], /line 1: id must be a text or a number/],
    [[{ prompt: 'a', stream: true }], /line 1: stream is not for batches/],
  ];
  for (const [index, [lines, message]] of wrong.entries()) {
    await assert.rejects(runBatch(batchOf(`wrong-${index}`, lines)), { code: 'CLI_BATCH', message });
  }
  const other = batchOf('other', [{ id: 'x', prompt: 'a', max_tokens: 1 }]);
  writeFileSync(other.output, '{"id":"y"}\n');
  await assert.rejects(runBatch(other), { message: /line 1: is no answer to a request of/ });
});

test('a conversation remembers what was said', async () => {
  const output = new PassThrough();
  const asked: unknown[] = [];
  const watched = new Proxy(engine, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target);
      if (name !== 'encodeChat') return typeof value === 'function' ? value.bind(target) : value;
      return (messages: { content: string }[]) => {
        asked.push(messages.map(({ content }) => content));
        return target.encodeChat!(messages as never);
      };
    },
  });
  const input = Readable.from(['春\n', '\n', '夜\n', '/clear\n', '花\n']);
  const fields = { max_tokens: 20, structured_outputs: { choice: ['晓', '声'] }, temperature: 0 };
  await converse({ engine: watched, fields, system: '诗人', input, output });
  output.end();
  const answers = [...(await readAll(output)).matchAll(/[晓声]/g)].map(([one]) => one);
  assert.equal(answers.length, 3);
  assert.deepEqual(asked, [
    ['诗人', '春'],
    ['诗人', '春', answers[0], '夜'],
    ['诗人', '花'],
  ]);
});

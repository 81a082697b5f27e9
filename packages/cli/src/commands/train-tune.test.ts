/** `train tune` as it is typed, on a model of some kilobytes: preview, a run, its adapter merged, and what is refused. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LanguageModel } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';

const binary = fileURLToPath(new URL('../../bin/tunan.mjs', import.meta.url));
const home = mkdtempSync(path.join(os.tmpdir(), 'tunan-train-tune-'));
after(() => rmSync(home, { recursive: true }));
const at = (...names: string[]) => path.join(home, ...names);

const VERSES = ['床前明月光，疑是地上霜。', '举头望明月，低头思故乡。', '白日依山尽，黄河入海流。'];
const tokenizer = Tokenizer.fromFile(await trainBpe(VERSES, { vocabularySize: 270 }));
tokenizer.save(at('tokenizer.json'));
const sizes = {
  vocabularySize: 320,
  contextLength: 96,
  layers: 2,
  width: 32,
  initStd: 0.2,
  endOfDocumentId: tokenizer.eod,
};
{
  using model = LanguageModel.create({ ...sizes, heads: 2, dropout: 0 }, { seed: 1 });
  model.save(at('base'), { tokenizerFile: at('tokenizer.json') });
}
const conversations = VERSES.flatMap((verse) =>
  [...verse].map((sign, i) => ({
    messages: [
      { role: 'user', content: `${sign}的下一字<eod>` },
      { role: 'assistant', content: verse[i + 1] ?? '。' },
    ],
  })),
);
const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
writeFileSync(at('data.jsonl'), lines(conversations));
writeFileSync(at('questions.jsonl'), lines(conversations.slice(0, 6)));
writeFileSync(at('general.txt'), VERSES.join('\n'));

function tunan(args: readonly string[], locale = 'C') {
  const { LC_MESSAGES: _, ...env } = process.env;
  const options = { encoding: 'utf8', env: { ...env, LC_ALL: locale, TUNAN_THREADS: '1' } } as const;
  return spawnSync(process.execPath, [binary, ...args], options);
}
const tune = ['train', 'tune', '--model', at('base'), '--data', at('data.jsonl')];

test('preview: what is learnt is marked, and a special token that somebody wrote is text', () => {
  const { status, stdout, stderr } = tunan([...tune, '--preview', '2']);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^── .*data\.jsonl:\d+\n<eod>问：.的下一字<eod>\n答：⟦.<eod>⟧\n── /);
  assert.match(stdout, /examples of \d+ tokens, \d+ of them learnt; 2 examples held out/);
  assert.match(stdout, /no chat template: conversations take a plain one/);
});

test('a template by name is refused where the tokenizer lacks its tokens, and one of a file is taken', () => {
  const named = tunan([...tune, '--chat-template', 'qwen', '--preview', '1']);
  assert.equal(named.status, 1);
  assert.match(
    named.stderr,
    /chat template qwen writes <\|im_start\|> <\|im_end\|>, which the tokenizer has no tokens for/,
  );
  const file = at('own.jinja');
  const turn = '{% for m in messages %}{{ "【" + m.content + "】" }}{% endfor %}';
  writeFileSync(file, `<eod>${turn}{% if add_generation_prompt %}{{ "【" }}{% endif %}`);
  const { status, stdout, stderr } = tunan([...tune, '--chat-template', file, '--preview', '1']);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /<eod>【.的下一字<eod>】【⟦.】⟧/);
});

test('a table of GBK with columns of other names is read by them', () => {
  const table = path.join(home, '问答.csv');
  writeFileSync(table, Buffer.from('\xce\xca,\xb4\xf0\n"\xb4\xb2\xc7\xb0",\xc3\xf7\xd4\xc2\n', 'latin1')); // 问,答 / 床前,明月
  const preview = [
    'train',
    'tune',
    '--model',
    at('base'),
    '--data',
    table,
    '--validation-share',
    '0',
    '--preview',
    '1',
  ];
  const { status, stdout, stderr } = tunan([...preview, '--columns', 'prompt=问,completion=答']);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^── .*问答\.csv:2\n<eod>床前⟦明月<eod>⟧\n/);
  const unknown = tunan([...preview, '--columns', 'prompt=问,completion=回答'], 'zh_CN.UTF-8');
  assert.equal(unknown.status, 1);
  assert.match(unknown.stderr, /问答\.csv:2：没有“回答”列；有：问, 答/);
});

test('a run, its report, and its adapter merged into a model that answers conversations', () => {
  const made = tunan([
    ...tune,
    '--out',
    at('run'),
    '--rank',
    '2',
    '--learning-rate',
    '0.01',
    '--epochs',
    '8',
    '--test',
    at('questions.jsonl'),
    '--general',
    at('general.txt'),
    '--json',
  ]);
  assert.equal(made.status, 0, made.stderr);
  const { status, output, before, after: end, report } = JSON.parse(made.stdout.trim().split('\n').at(-1)!);
  assert.deepEqual([status, output], ['finished', at('run', 'adapter')]);
  assert.ok(end < before, `${before} → ${end}`);
  assert.deepEqual(
    report.scores.scores.map(({ answerer }: { answerer: string }) => answerer).filter((one: string) => one !== 'best'),
    ['before', 'after', 'copy', 'nearest'],
  );
  assert.ok(report.general.before !== report.general.after && report.general.characters > 0);
  assert.equal(report.samples.length, 2);
  const config = JSON.parse(readFileSync(at('run', 'adapter', 'adapter_config.json'), 'utf8'));
  assert.deepEqual([config.base_model_name_or_path, config.r, config.fan_in_fan_out], ['base', 2, true]);

  const merged = tunan(['model', 'merge', at('base'), '--adapter', output, '--out', at('merged')], 'zh_CN.UTF-8');
  assert.equal(merged.status, 0, merged.stderr);
  const answer = tunan(['model', 'generate', at('merged'), '--chat', '--prompt', '床的下一字', '--max-tokens', '4']);
  assert.equal(answer.status, 0, answer.stderr);

  const reported = tunan(['train', 'report', at('run')], 'zh_CN.UTF-8');
  assert.equal(reported.status, 0, reported.stderr);
  assert.match(reported.stdout, /^微调有效吗？.*未测量遗忘/s);
  assert.match(readFileSync(at('run', 'report.html'), 'utf8'), /<svg.*床|明|依/s);
  assert.match(readFileSync(at('run', 'report.md'), 'utf8'), /\| 0 \| \d/);

  const again = tunan(
    [...tune, '--out', at('run'), '--rank', '2', '--learning-rate', '0.01', '--epochs', '8'],
    'zh_CN.UTF-8',
  );
  assert.equal(again.status, 1);
  assert.match(again.stderr, /已有训练：请用 --resume 继续/);
});

test('two processes tune one adapter, and the first speaks for both', () => {
  const args = [
    ...tune,
    '--out',
    at('shared'),
    '--rank',
    '2',
    '--epochs',
    '0.5',
    '--nproc',
    '2',
    '--tensor-parallel',
    '2',
  ];
  const { status, stdout, stderr } = tunan([...args, '--json']);
  assert.equal(status, 0, stderr);
  const report = JSON.parse(stdout.trim());
  assert.deepEqual([report.status, report.output], ['finished', at('shared', 'adapter')]);
  assert.equal(stderr.match(/examples held out/g)!.length, 1, stderr);
  const three = tunan([...args, '--nproc', '3'], 'zh_CN.UTF-8');
  assert.equal(three.status, 1);
  assert.match(three.stderr, /3 个进程.*请启动 2 或 4 个/s);
});

test('what cannot be tuned on is refused before anything is written', () => {
  writeFileSync(at('bad.jsonl'), lines([conversations[0], { prompt: 'a', completion: '' }]));
  const bad = tunan(
    ['train', 'tune', '--model', at('base'), '--data', at('bad.jsonl'), '--out', at('none')],
    'zh_CN.UTF-8',
  );
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /bad\.jsonl:2：completion 为空/);
  const target = tunan([...tune, '--targets', 'q_proj', '--out', at('none')]);
  assert.equal(target.status, 1);
  assert.match(target.stderr, /no maps named q_proj; it has c_attn, attn\.c_proj, c_fc, mlp\.c_proj/);
  const full = tunan([...tune, '--way', 'full', '--rank', '4', '--out', at('none')]);
  assert.equal(full.status, 2);
  assert.match(full.stderr, /are for --way lora/);
  assert.ok(!existsSync(at('none')));
});

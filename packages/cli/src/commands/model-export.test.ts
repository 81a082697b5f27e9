/** `model export` and `model import` as they are typed, on a model of some kilobytes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LanguageModel } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';

const binary = fileURLToPath(new URL('../../bin/tunan.mjs', import.meta.url));
const home = mkdtempSync(path.join(os.tmpdir(), 'tunan-model-export-'));
after(() => rmSync(home, { recursive: true }));
const at = (...names: string[]) => path.join(home, ...names);

const POEM = '静夜思\n床前明月光，疑是地上霜。举头望明月，低头思故乡。';
const tokenizer = Tokenizer.fromFile(await trainBpe([POEM, POEM], { vocabularySize: 270 }));
tokenizer.save(at('tokenizer.json'));
const sizes = { vocabularySize: 320, contextLength: 48, layers: 2, width: 96, endOfDocumentId: tokenizer.eod };
{
  using model = LanguageModel.create({ ...sizes, family: 'llama', heads: 4, outputInit: 'normal' }, { seed: 1 });
  model.save(at('model'), { tokenizerFile: at('tokenizer.json') });
}
writeFileSync(at('poem.txt'), POEM);

function tunan(args: readonly string[], locale = 'C') {
  const { LC_MESSAGES: _, ...env } = process.env;
  return spawnSync(process.execPath, [binary, 'model', ...args], {
    encoding: 'utf8',
    env: { ...env, LC_ALL: locale, TUNAN_THREADS: '1' },
  });
}

test('a GGUF with its card and Modelfile, what its rounding costs, and the way back', () => {
  const args = ['export', at('model'), '--format', 'gguf', '--measure', at('poem.txt')];
  const made = tunan([...args, '--type', 'q4_k_m', '--json']);
  assert.equal(made.status, 0, made.stderr);
  const report = JSON.parse(made.stdout.trim().split('\n').at(-1)!);
  assert.equal(report.file, at('model-gguf', 'model-q4_k_m.gguf'));
  assert.match(report.notes[0], /rows of 96 are no whole blocks of Q6_K; they are Q8_0, as in llama\.cpp/);
  const { original, exported, characters } = report.measured;
  assert.equal(characters, Array.from(POEM).length + 1);
  assert.ok(original > 0 && Math.abs(exported / original - 1) < 0.05);

  const chinese = tunan([...args, '--type', 'q8_0'], 'zh_CN.UTF-8');
  assert.equal(chinese.status, 0, chinese.stderr);
  assert.match(chinese.stdout, /每字比特数：导出前 \d/);
  const card = readFileSync(at('model-gguf', 'README.md'), 'utf8');
  for (const type of ['q4_k_m', 'q8_0']) assert.match(card, new RegExp(`## model-${type}\\.gguf`));
  assert.match(card, /\| bits per character \| \d/);
  const modelfile = readFileSync(at('model-gguf', 'model-q8_0.Modelfile'), 'utf8');
  assert.match(modelfile, /^FROM \.\/model-q8_0\.gguf\n/);

  const again = tunan([...args, '--type', 'q8_0']);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /model-q8_0\.gguf is there already: give another --out/);

  const back = tunan(['import', at('model-gguf', 'model-q8_0.gguf'), '--out', at('back')]);
  assert.equal(back.status, 0, back.stderr);
  LanguageModel.load(at('back')).dispose();
});

test('ONNX in several types beside each other, and QONNX, each with its loss in the card', () => {
  const export_ = (...args: string[]) => tunan(['export', at('model'), '--format', ...args]);
  const plain = export_('onnx', '--json');
  assert.equal(plain.status, 0, plain.stderr);
  const { file, type, bytes } = JSON.parse(plain.stdout.trim().split('\n').at(-1)!);
  assert.deepEqual([file, type], [at('model-onnx', 'onnx', 'model.onnx'), 'f32']);
  assert.equal(statSync(file).size, bytes);
  const small = export_('onnx', '--type', 'int8', '--measure', at('poem.txt'));
  assert.equal(small.status, 0, small.stderr);
  assert.match(small.stdout, /model_quantized\.onnx: int8, .*\nbits per character: \d.* before, \d.* in the file/);
  const card = readFileSync(at('model-onnx', 'README.md'), 'utf8');
  assert.match(card, /## onnx\/model\.onnx[\s\S]*## onnx\/model_quantized\.onnx[\s\S]*\| bits per character \| \d/);
  const powers = export_('qonnx', '--type', 'pow2', '--out', at('powers'));
  assert.equal(powers.status, 0, powers.stderr);
  assert.ok(existsSync(at('powers', 'qonnx', 'model_pow2.onnx')));
  const wrong = export_('qonnx', '--type', 'f16');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--type is one of int8, pow2, not 'f16'/);
});

test('what cannot be is said in a line', () => {
  const wrong = tunan(['export', at('model'), '--format', 'gguf', '--type', 'q3_k']);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--type is one of f32, f16, bf16, q8_0, q4_0, q4_k_m, not 'q3_k'/);
  const cut = at('cut.gguf');
  const whole = at('model-gguf', 'model-q8_0.gguf');
  writeFileSync(cut, readFileSync(whole));
  truncateSync(cut, 100_000);
  const damaged = tunan(['import', cut, '--out', at('none')], 'zh_CN.UTF-8');
  assert.equal(damaged.status, 1);
  assert.match(damaged.stderr, /^错误：.*cut\.gguf：.*文件不完整；请重新获取或导出\n$/);
  assert.ok(!existsSync(at('none')));
});

/** `model merge` as it is typed, on an adapter that PEFT wrote. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../../bin/tunan.mjs', import.meta.url));
const golden = fileURLToPath(new URL('../../../../tests/golden/', import.meta.url));
const home = mkdtempSync(path.join(os.tmpdir(), 'tunan-model-merge-'));
after(() => rmSync(home, { recursive: true }));

function merge(args: readonly string[], locale = 'C') {
  const { LC_MESSAGES: _, ...env } = process.env;
  const all = [binary, 'model', 'merge', path.join(golden, 'model-qwen3'), ...args];
  return spawnSync(process.execPath, all, { encoding: 'utf8', env: { ...env, LC_ALL: locale, TUNAN_THREADS: '1' } });
}

test('an adapter of PEFT becomes a model directory of its own; one of another model leaves nothing behind', () => {
  const out = path.join(home, 'merged');
  const made = merge(['--adapter', path.join(golden, 'lora-qwen3'), '--out', out, '--type', 'bfloat16']);
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /10 maps of the blocks changed, weights in bfloat16/);
  assert.equal(JSON.parse(readFileSync(path.join(out, 'config.json'), 'utf8')).torch_dtype, 'bfloat16');

  const other = path.join(home, 'other');
  const refused = merge(['--adapter', path.join(golden, 'lora-gpt2'), '--out', other], 'zh_CN.UTF-8');
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /模型中没有名为 c_attn、c_proj 的映射；有：q_proj/);
  assert.ok(!existsSync(other));

  const usage = merge(['--adapter', path.join(golden, 'lora-qwen3'), '--out', other, '--type', 'int8']);
  assert.equal(usage.status, 2);
  assert.match(usage.stderr, /--type is one of float32/);
});

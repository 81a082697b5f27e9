import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { LanguageModel } from '../language-model.ts';

test('a model that does not fit is refused before its weights are looked for, with both sizes', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tunan-memory-'));
  try {
    const sizes = {
      n_ctx: 1024,
      n_positions: 1024,
      n_embd: 2 ** 16,
      n_layer: 2 ** 10,
      n_head: 2 ** 9,
      vocab_size: 2 ** 16,
    };
    const config = { model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], ...sizes };
    writeFileSync(path.join(directory, 'config.json'), JSON.stringify(config));
    assert.throws(() => LanguageModel.load(directory), {
      code: 'MODEL_NO_MEMORY',
      message:
        /: the weights take 19\d{4}\.\d GiB in float32, and \d+(\.\d)? [GM]iB of memory are free: take --dtype bfloat16, a smaller model or more memory$/,
      chinese:
        /：权重以 float32 占 19\d{4}\.\d GiB，而可用内存为 \d+(\.\d)? [GM]iB：请改用 --dtype bfloat16、较小的模型或更多内存$/,
    });
    assert.throws(
      () => LanguageModel.load(directory, { dtype: 'bfloat16' }),
      /take 9\d{4}\.\d GiB in bfloat16.*: take a smaller/,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

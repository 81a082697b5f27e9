/** What llama.cpp computes with a file of each type, held to the torch engine on the same weights read back. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import type { ModelConfigInput } from '@tunan/model';
import { LlamaCppEngine } from '../engines/llama-cpp/llama-cpp-engine.ts';
import { TorchEngine } from '../engines/torch/torch-engine.ts';
import { collect } from '../generate.ts';
import type { GenerationRequest } from '../request.ts';
import { exportGguf } from './export-gguf.ts';
import { ggufTypes } from './gguf/file-types.ts';
import { importGguf } from './import-gguf.ts';
import { configs, saved, temporary } from './testing/small-models.ts';

const request: GenerationRequest = {
  prompts: ['床前明月光，疑是地上霜。', '白日依山尽，黄河入海流。'],
  ...{ maxTokens: 1, echo: true, logprobs: 1, temperature: 0, seed: 1 },
};

/**
 * How far a log-probability may be off: llama.cpp rounds what it multiplies by weights of 16 bits to 16, by quantised ones to 8, and looks
 * GELU up in a table of 16.
 */
const bounds = { f32: 2e-3, f16: 1e-2, bf16: 5e-2, q8_0: 0.1, q4_0: 0.1, q4_k_m: 0.1 };

const models = {
  gpt2: { ...configs.gpt2, width: 256, initStd: 0.05 },
  qwen3: { ...configs.qwen3, width: 256, initStd: 0.05 },
  qwen2: { ...configs.qwen2, width: 256, headDim: 64, initStd: 0.05 } as ModelConfigInput,
  llama: { ...configs.llama, width: 256, initStd: 0.05 },
};

for (const [kind, config] of Object.entries(models)) {
  const types = kind === 'gpt2' ? ggufTypes : (['f32', 'q4_k_m'] as const);
  test(`log-probabilities are those of the torch engine: ${kind}, ${types.join(', ')}`, async (t) => {
    const directory = saved(t, config);
    for (const type of types) {
      const file = path.join(temporary(t), 'model.gguf');
      exportGguf(directory, file, { type });
      const back = path.join(temporary(t), 'back');
      importGguf(file, back);
      using llama = await LlamaCppEngine.load(file, { cacheType: 'f32', threads: 1 });
      using torch = TorchEngine.load(back);
      const [one, other] = await Promise.all([collect(llama.submit(request)), collect(torch.submit(request))]);
      let compared = 0;
      for (const [i, { tokens }] of one.sequences.entries()) {
        for (const [at, token] of tokens.slice(0, -1).entries()) {
          const expected = other.sequences[i]!.tokens[at]!;
          assert.equal(token.id, expected.id);
          if (expected.logprob === undefined || token.logprob === undefined) continue;
          const off = Math.abs(token.logprob - expected.logprob);
          assert.ok(off < bounds[type], `${type}: token ${at} is off by ${off}`);
          compared++;
        }
      }
      assert.ok(compared > 20);
    }
  });
}

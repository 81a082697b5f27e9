/** Model directories of some kilobytes with a tokenizer, for tests: untrained, of every form that is exported. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { LanguageModel, type ModelConfigInput } from '@tunan/model';
import { noGrad, scope } from '@tunan/torch';
import { tinyTokenizer } from '../../testing/tiny-model.ts';

export const tokenizer = await tinyTokenizer();
const sizes = { vocabularySize: 320, contextLength: 48, layers: 2, width: 32, endOfDocumentId: tokenizer.eod };
export const gpt2 = { ...sizes, heads: 2 } as const;
export const llama = {
  ...sizes,
  family: 'llama',
  heads: 4,
  kvHeads: 2,
  headDim: 12,
  outputInit: 'normal',
} as const;
export const qwen2 = { ...llama, variant: 'qwen2' } as const;

export const configs: Record<'gpt2' | 'qwen3' | 'qwen2' | 'llama', ModelConfigInput> = {
  gpt2,
  qwen3: llama,
  qwen2: { ...qwen2, headDim: 8, tiedHead: false },
  llama: { ...llama, variant: 'llama', tiedHead: false } as const,
};

export function temporary(t: Pick<TestContext, 'after'>): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-export-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** A model directory with its tokenizer. @param change of the weights before they are saved */
export function saved(
  t: Pick<TestContext, 'after'>,
  config: ModelConfigInput,
  change?: (model: LanguageModel) => void,
): string {
  const directory = path.join(temporary(t), 'model');
  const tokenizerFile = path.join(temporary(t), 'tokenizer.json');
  tokenizer.save(tokenizerFile);
  using model = LanguageModel.create(config, { seed: 5 });
  if (change !== undefined) noGrad(() => scope(() => change(model)));
  model.save(directory, { tokenizerFile });
  return directory;
}

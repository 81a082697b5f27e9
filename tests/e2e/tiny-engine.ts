/** A real engine over a real, untrained model of a few kilobytes, for tests of what stands above it. */
import { TorchEngine } from '@tunan/inference';
import { LanguageModel } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { setThreads } from '@tunan/torch';

// Products this small only lose time to threads, and much of it on a busy machine.
setThreads(1);

export const CONTEXT_LENGTH = 512;
export const SIZES = { vocabularySize: 320, contextLength: CONTEXT_LENGTH, layers: 2, width: 32, heads: 2 };
const TEXT = '春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。';

/** @param family Yuan's, or that of Qwen3 */
export async function tinyEngine(family: 'gpt2' | 'llama' = 'gpt2'): Promise<{
  engine: TorchEngine;
  model: LanguageModel;
  tokenizer: Tokenizer;
  close(): void;
}> {
  const tokenizer = Tokenizer.fromFile(await trainBpe([TEXT], { vocabularySize: 267 }));
  const config = family === 'gpt2' ? SIZES : ({ ...SIZES, family, outputInit: 'normal' } as const);
  const model = LanguageModel.create({ ...config, initStd: 0.25 }, { seed: 5 });
  const engine = new TorchEngine(model, tokenizer, { waitingSize: 200 });
  const close = () => {
    engine.close();
    model.dispose();
  };
  return { engine, model, tokenizer, close };
}

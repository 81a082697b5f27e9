/** A real model and a real tokenizer of a few kilobytes for tests: untrained, with weights wide enough to disagree. */
import { LanguageModel, type Precision } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { setThreads } from '@tunan/torch';

// Products this small only lose time to threads, and much of it on a busy machine.
setThreads(1);

const POEMS = [
  '静夜思\n床前明月光，疑是地上霜。举头望明月，低头思故乡。',
  '登鹳雀楼\n白日依山尽，黄河入海流。欲穷千里目，更上一层楼。',
  '春晓\n春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。',
  '江雪\n千山鸟飞绝，万径人踪灭。孤舟蓑笠翁，独钓寒江雪。',
];

export const CONTEXT_LENGTH = 48;

export async function tinyTokenizer(): Promise<Tokenizer> {
  return Tokenizer.fromFile(await trainBpe(POEMS, { vocabularySize: 280 }));
}

const sizes = { vocabularySize: 320, contextLength: CONTEXT_LENGTH, layers: 2, width: 32, initStd: 0.25 };
const configs = {
  gpt2: { ...sizes, heads: 2 },
  llama: { ...sizes, family: 'llama', heads: 4, kvHeads: 2, headDim: 12, outputInit: 'normal' },
} as const;

/** The vocabulary is padded beyond the tokenizer's. */
export function tinyModel(
  family: keyof typeof configs = 'gpt2',
  dtype: Precision = 'float32',
  contextLength = CONTEXT_LENGTH,
): LanguageModel {
  return LanguageModel.create({ ...configs[family], contextLength }, { seed: 5, dtype });
}

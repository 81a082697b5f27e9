/**
 * The model that a run begins with instead of fresh weights: any model directory, or a run directory, whose newest checkpoint it then is.
 * Vocabulary and ids must be those of the data; the bytes of tokenizer.json may differ, for other programs save it again.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileSha256Sync } from '@tunan/files';
import { type ModelConfig, readModelConfig, weightsSha256 } from '@tunan/model';
import { readJsonFile } from '@tunan/protocol/mistakes';
import { TrainingError } from '../errors.ts';
import type { InitialWeights } from '../recipe/plan.ts';
import { listCheckpoints } from './checkpoint-files.ts';

/**
 * @param tokenizerFile tokenizer.json of the data, to compare with the directory's own
 * @throws TrainingError TRAINING_OTHER_MODEL; ModelError where the directory is no model
 */
export function findInitialWeights(
  from: string,
  tokenizer: { readonly vocabularySize: number; readonly sha256: string },
  tokenizerFile?: string,
): InitialWeights & { readonly config: ModelConfig } {
  const directory = path.resolve(newestModel(from));
  const config = readModelConfig(directory);
  requireTokenizer(directory, config, tokenizer, tokenizerFile);
  return { directory, config, sha256: weightsSha256(directory) };
}

/** A run directory stands for its newest checkpoint. */
function newestModel(directory: string): string {
  const checkpoints = path.join(directory, 'checkpoints');
  const [newest] = existsSync(path.join(directory, 'config.json')) ? [] : listCheckpoints(checkpoints);
  return newest === undefined ? directory : path.join(checkpoints, newest);
}

/** @throws TrainingError TRAINING_OTHER_MODEL where the directory does not hold the weights that a run began with */
export function requireSameWeights({ directory, sha256 }: InitialWeights): void {
  if (existsSync(directory) && weightsSha256(directory) === sha256) return;
  throw new TrainingError('TRAINING_OTHER_MODEL', {
    en: `${directory} does not hold the weights that this run began with: put them back, or begin anew in another output directory`,
    zh: `${directory} 中不是本次训练开始时的权重：请还原，或换一个输出目录重新开始`,
  });
}

function requireTokenizer(
  directory: string,
  config: ModelConfig,
  data: { readonly vocabularySize: number; readonly sha256: string },
  tokenizerFile: string | undefined,
): void {
  if (config.vocabularySize < data.vocabularySize) {
    throw new TrainingError('TRAINING_OTHER_MODEL', {
      en: `${directory} has ${config.vocabularySize} entries in its vocabulary, the data ${data.vocabularySize}: shard the corpus with the tokenizer of the model`,
      zh: `${directory} 的词表有 ${config.vocabularySize} 项，数据的有 ${data.vocabularySize} 项：请用该模型的分词器重新生成分片`,
    });
  }
  const own = path.join(directory, 'tokenizer.json');
  if (tokenizerFile === undefined || !existsSync(own) || fileSha256Sync(own) === data.sha256) return;
  if (vocabularyOf(own) === vocabularyOf(tokenizerFile)) return;
  throw new TrainingError('TRAINING_OTHER_MODEL', {
    en: `${own} gives other ids than ${tokenizerFile}, so the weights would read other words: shard the corpus with the tokenizer of the model`,
    zh: `${own} 与 ${tokenizerFile} 的词元编号不同，权重会读错词：请用该模型的分词器重新生成分片`,
  });
}

/** What decides the ids of a byte-level BPE, in one form: merges are written as "a b" or as ["a", "b"]. */
function vocabularyOf(file: string): string {
  const read = readJsonFile(file);
  if ('problem' in read) throw new TrainingError('TRAINING_MISSING_DATA', read.problem, { cause: read.cause });
  const { model, added_tokens: added } = read.value as {
    model?: { vocab?: Record<string, number>; merges?: (string | string[])[] };
    added_tokens?: { id: number; content: string }[];
  };
  const entries = Object.entries(model?.vocab ?? {}).sort(([, a], [, b]) => a - b);
  const merges = (model?.merges ?? []).map((merge) => (Array.isArray(merge) ? merge.join(' ') : merge));
  return JSON.stringify([entries, merges, (added ?? []).map(({ id, content }) => [id, content])]);
}

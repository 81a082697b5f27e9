/**
 * Loss of every token of many sequences under a Yuan LM, in batches.
 *
 * Each sequence is scored alone, from its first token, which is given and not predicted. Sequences of like length share
 * a batch and are padded behind their end, where causal attention cannot see: the batch size does not change a loss
 * beyond rounding. A sequence longer than the model's context is covered by windows that move by half a context: each
 * token is predicted once, by the first window that reaches it.
 */

import { setImmediate } from 'node:timers/promises';
import type { LanguageModel } from '@tunan/model';
import { noGrad, scope, tensor, trimMemory } from '@tunan/torch';
import { EvaluationError } from '../errors.ts';

export interface TokenLossOptions {
  /** Tokens a batch, padding included; at least one sequence is taken. 2 048 when absent. */
  readonly batchTokens?: number;
  /** Called after every batch with the tokens of the windows done and in all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Inputs `start .. start + length - 1` of a sequence; of their targets those from input `scoredFrom` on are new. */
interface Window {
  readonly sequence: number;
  readonly start: number;
  readonly length: number;
  readonly scoredFrom: number;
}

const DEFAULT_BATCH_TOKENS = 2_048;
const PADDING = 0;

/**
 * The event loop runs between batches, so that signals are heard.
 *
 * @param sequences token ids, at least two each: the given one and what is predicted
 * @returns for each sequence the losses in nats of its tokens but the first
 * @throws EvaluationError EVALUATION_NON_FINITE, EVALUATION_VOCABULARY_MISMATCH, EVALUATION_BAD_SETTING
 */
export async function tokenLosses(
  model: LanguageModel,
  sequences: readonly (readonly number[] | Uint32Array)[],
  { batchTokens = DEFAULT_BATCH_TOKENS, onProgress, signal }: TokenLossOptions = {},
): Promise<Float64Array[]> {
  if (!Number.isInteger(batchTokens) || batchTokens < 1) {
    throw new EvaluationError('EVALUATION_BAD_SETTING', {
      en: `batchTokens ${batchTokens}: give a positive integer`,
      zh: `batchTokens ${batchTokens}：应为正整数`,
    });
  }
  const losses = sequences.map((sequence) => new Float64Array(sequence.length - 1));
  const windows = sequences
    .flatMap((sequence, i) => windowsOf(i, sequence.length - 1, model.config.contextLength))
    .sort((a, b) => a.length - b.length);
  const total = windows.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  try {
    for (const batch of batchesOf(windows, batchTokens)) {
      signal?.throwIfAborted();
      scoreBatch(model, sequences, batch, losses);
      done += batch.reduce((sum, { length }) => sum + length, 0);
      onProgress?.(done, total);
      await setImmediate();
    }
  } finally {
    // Batches of many sizes leave blocks in the pool that fit nothing else.
    trimMemory();
  }
  return losses;
}

/** @param predicted tokens to predict, one fewer than the sequence has */
function windowsOf(sequence: number, predicted: number, context: number): Window[] {
  const stride = Math.max(1, Math.floor(context / 2));
  const windows: Window[] = [];
  for (let start = 0, reached = 0; reached < predicted; start += stride) {
    const end = Math.min(start + context, predicted);
    windows.push({ sequence, start, length: end - start, scoredFrom: reached });
    reached = end;
  }
  return windows;
}

/** @param windows sorted by length */
function* batchesOf(windows: readonly Window[], batchTokens: number): Generator<Window[]> {
  let batch: Window[] = [];
  for (const window of windows) {
    if (batch.length > 0 && (batch.length + 1) * window.length > batchTokens) {
      yield batch;
      batch = [];
    }
    batch.push(window);
  }
  if (batch.length > 0) yield batch;
}

function scoreBatch(
  model: LanguageModel,
  sequences: readonly (readonly number[] | Uint32Array)[],
  batch: readonly Window[],
  losses: readonly Float64Array[],
): void {
  const rows = batch.length;
  const width = batch.at(-1)!.length;
  const ids = new BigInt64Array(rows * width).fill(BigInt(PADDING));
  const targets = new BigInt64Array(rows * width).fill(BigInt(PADDING));
  batch.forEach(({ sequence, start, length }, row) => {
    for (let i = 0; i < length; i++) {
      ids[row * width + i] = checkedId(sequences[sequence]![start + i]!, model);
      targets[row * width + i] = checkedId(sequences[sequence]![start + i + 1]!, model);
    }
  });
  const shape = [rows, width];
  const device = model.device;
  const values = scope(() =>
    noGrad(() => model.tokenLosses(tensor(ids, { shape, device }), tensor(targets, { shape, device })).toArray()),
  );
  batch.forEach(({ sequence, start, length, scoredFrom }, row) => {
    for (let i = scoredFrom - start; i < length; i++) {
      const loss = Number(values[row * width + i]!);
      if (!Number.isFinite(loss)) {
        throw new EvaluationError('EVALUATION_NON_FINITE', {
          en: `document ${sequence}: the loss of token ${start + i} is ${loss}; the model is damaged, take an earlier checkpoint`,
          zh: `文档 ${sequence}：第 ${start + i} 个词元的损失为 ${loss}；模型已损坏，请取较早的检查点`,
        });
      }
      losses[sequence]![start + i] = loss;
    }
  });
}

function checkedId(id: number, model: LanguageModel): bigint {
  if (id < model.config.vocabularySize) return BigInt(id);
  throw new EvaluationError('EVALUATION_VOCABULARY_MISMATCH', {
    en: `token ${id} is beyond the model's ${model.config.vocabularySize}: give the tokenizer the model was trained with`,
    zh: `词元 ${id} 超出模型的 ${model.config.vocabularySize} 个：请用训练该模型的分词器`,
  });
}

/** What the stages of a quickstart leave to be told, in the fields of its summary. */
import path from 'node:path';
import type { Manifest } from '@tunan/corpus';
import type { TokensManifest } from '@tunan/tokenizer/shards';
import { type ChosenRun, readRunLog, shareOfPeak } from '@tunan/training';
import type { QuickstartSummary } from './summary.ts';

export function corpusFigures({ counts, stages }: Manifest) {
  const { read, kept, dropped, characters } = counts;
  return {
    documents: { read, kept, dropped },
    droppedByReason: Object.fromEntries(
      stages.flatMap(({ stage, reasons }) =>
        Object.entries(reasons).map(([reason, count]) => [`${stage}: ${reason}`, count]),
      ),
    ),
    characters,
  } satisfies Partial<QuickstartSummary>;
}

/** @param askedVocabularySize the largest that was allowed */
export function vocabularyFigures({ tokenizer, splits }: TokensManifest, askedVocabularySize: number) {
  return {
    vocabularySize: tokenizer.vocabularySize,
    askedVocabularySize,
    tokens: splits.train.tokens,
  } satisfies Partial<QuickstartSummary>;
}

/** @param run directory of the training run, whose log a stopped and resumed run has whole; the wall time is this process's share only */
export function trainingFigures(chosen: ChosenRun, steps: number, run: string, vocabularySize: number) {
  const trainedTokens = steps * Number(chosen.recipe.globalBatch) * chosen.recipe.sequenceLength;
  const log = readRunLog(path.join(run, 'log.jsonl'));
  const trainingSeconds = log.reduce((sum, { milliseconds }) => sum + milliseconds.total, 0) / 1000;
  const tokensPerSecond = trainedTokens / trainingSeconds;
  return {
    parameters: chosen.chosen.parameters,
    precision: chosen.precision,
    steps,
    trainedTokens,
    trainingSeconds,
    tokensPerSecond,
    shareOfGemmPeak: shareOfPeak(chosen, tokensPerSecond, vocabularySize),
  } satisfies Partial<QuickstartSummary>;
}

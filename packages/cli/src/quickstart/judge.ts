/** Whether the loss of a quickstart's training is normal, by what the quickstart has measured anyway; its page stands in the run's directory. */
import path from 'node:path';
import {
  type BaselineScores,
  type CutText,
  firstPart,
  judgeRun,
  type ModelBits,
  trainingPage,
  type Verdict,
} from '@tunan/evaluation';
import { writeWhole } from '@tunan/files';
import type { TokensManifest } from '@tunan/tokenizer/shards';
import { readRun } from '@tunan/training';
import { MOST_TOKENS } from './poems.ts';

interface Measured {
  readonly bits: ModelBits;
  readonly scores: BaselineScores;
  /** Poems from nothing. */
  readonly free: readonly CutText[];
  readonly validation: readonly string[];
  readonly tokens: TokensManifest;
}

/** @param directory of the training run */
export function judge(directory: string, { bits, scores, free, validation, tokens }: Measured): readonly Verdict[] {
  const { splits, tokenizer } = tokens;
  const charactersPerToken = bits.characters / bits.tokens;
  const baselines = {
    ...scores,
    uniform: Math.log2(tokenizer.vocabularySize) / charactersPerToken,
    charactersPerToken,
    counted: splits.train.characters,
    whole: true,
    trainingTokens: splits.train.tokens,
  };
  // A document's own tokens are not at hand: those of its characters on average tell nearly as well which are short.
  const real = validation.map((text) => firstPart(text, (text.length + 1) / charactersPerToken, MOST_TOKENS));
  const report = judgeRun(directory, readRun(directory), {
    modelBits: bits.bitsPerCharacter,
    baselines,
    samples: free,
    real,
  });
  writeWhole(path.join(directory, 'report.html'), trainingPage(report));
  return report.verdicts;
}

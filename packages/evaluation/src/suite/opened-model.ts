/** The model or the endpoint that a suite is run on. */
import path from 'node:path';
import { LanguageModel, type Precision, type PromptAttention } from '@tunan/model';
import { Tokenizer } from '@tunan/tokenizer';
import type { Device } from '@tunan/torch';
import { type EndpointOptions, EndpointScorer } from '../endpoint/endpoint-scorer.ts';
import { CachedScorer } from '../scoring/cached-scorer.ts';
import { LocalScorer } from '../scoring/local-scorer.ts';
import { modelIdentity } from '../scoring/model-identity.ts';
import type { Scorer } from '../scoring/scorer.ts';

export interface OpenedModel extends Disposable {
  /** For reports. */
  readonly name: string;
  readonly scorer: Scorer;
}

interface OpenOptions {
  readonly device?: Device;
  readonly dtype?: Precision;
  /** As the model has learnt to read where absent. */
  readonly promptAttention?: PromptAttention | undefined;
}

/**
 * A model directory with its tokenizer.
 * @throws ModelError, TokenizerError, EvaluationError EVALUATION_VOCABULARY_MISMATCH
 */
export function openModel(
  directory: string,
  { device = 'cpu', dtype = 'float32', promptAttention }: OpenOptions = {},
): OpenedModel {
  const model = LanguageModel.load(directory, { device, dtype });
  try {
    const tokenizer = Tokenizer.load(path.join(directory, 'tokenizer.json'));
    const identity = modelIdentity(directory, `${model.dtype} ${device}`);
    const scorer = new LocalScorer(model, tokenizer, { identity, promptAttention });
    return {
      name: path.basename(path.resolve(directory)),
      scorer,
      [Symbol.dispose]: () => {
        scorer[Symbol.dispose]();
        model.dispose();
      },
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

export interface OpenedEndpoint extends OpenedModel {
  /** Models that were met in the folder of fingerprints before; 0 where this one is among them. */
  readonly otherModels: number;
}

/**
 * The model of an OpenAI-compatible endpoint.
 * @param tokenizerFile its tokenizer.json, to fit prompts exactly; without it every byte counts as a token
 * @throws EvaluationError EVALUATION_BAD_SETTING, EVALUATION_ENDPOINT…, EVALUATION_NO_LOGPROBS, EVALUATION_VOCABULARY_MISMATCH
 */
export async function openEndpoint(
  options: Omit<EndpointOptions, 'countTokens'>,
  tokenizerFile?: string,
): Promise<OpenedEndpoint> {
  const tokenizer = tokenizerFile === undefined ? undefined : Tokenizer.load(tokenizerFile);
  const countTokens = tokenizer && ((text: string) => tokenizer.encode(text, { specials: false }).length);
  const scorer = await EndpointScorer.connect({ ...options, ...(countTokens && { countTokens }) });
  const { model, otherModels } = scorer;
  return { name: `${model} (${options.url})`, scorer, otherModels, [Symbol.dispose]: () => {} };
}

/**
 * The same model with its scores remembered in a directory, so that a stopped run goes on.
 * @param onDamage told of lines that could not be read; their scores are computed again
 */
export function withCache(opened: OpenedModel, directory: string, onDamage?: (lines: number) => void): OpenedModel {
  let cached: CachedScorer;
  try {
    cached = new CachedScorer(opened.scorer, directory);
  } catch (error) {
    opened[Symbol.dispose]();
    throw error;
  }
  if (cached.damagedLines > 0) onDamage?.(cached.damagedLines);
  return {
    name: opened.name,
    scorer: cached,
    [Symbol.dispose]: () => {
      cached[Symbol.dispose]();
      opened[Symbol.dispose]();
    },
  };
}

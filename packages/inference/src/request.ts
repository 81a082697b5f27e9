/**
 * What can be asked of generation, with its defaults and the check of its values.
 *
 * A prompt text is data: the text `<eod>` in it is encoded as the characters it consists of and never as the special
 * token, so that a user's text cannot end or begin a document. Who wants special tokens passes ids.
 */
import { randomInt } from 'node:crypto';
import type { Said } from '@tunan/files';
import type { ChatMessage } from '@tunan/tokenizer';
import type { AnswerConstraint } from './constraints/compile-constraint.ts';
import { InferenceError } from './errors.ts';
import type { PenaltyOptions } from './sampling/penalties.ts';
import type { DrawOptions } from './sampling/sampling.ts';

export interface GenerationRequest extends Partial<DrawOptions>, Partial<PenaltyOptions> {
  /** Texts or token ids. An empty prompt begins a new document. */
  readonly prompts: readonly (string | readonly number[])[];
  /** A conversation in place of prompts, which are empty then; for models with a chat template, here or at the server that runs them. */
  readonly messages?: readonly ChatMessage[] | undefined;
  /** Sequences to generate for each prompt; 1 when absent. */
  readonly choices?: number;
  /** Most tokens to generate for each sequence; 100 when absent. The context ends it earlier, with 'length'. */
  readonly maxTokens?: number;
  /** Fewest tokens of each sequence: until then no token that ends the text is drawn, and no stop string counts; 0 when absent. */
  readonly minTokens?: number;
  /** What ends a document is never drawn: maxTokens, the context, a stop string or a stop token ends the text. */
  readonly ignoreEnd?: boolean;
  /** The text ends before the first of these. */
  readonly stop?: readonly string[];
  /** What the answer must satisfy; on engines of this machine, and behind servers that are known to honour it. */
  readonly constraint?: AnswerConstraint | undefined;
  /** The stop string that ends the text is shown. */
  readonly includeStop?: boolean;
  /** Ids of tokens that end the text too; special tokens can be drawn only so. */
  readonly stopTokens?: readonly number[];
  /** Any integer up to 2^64 in size, a bigint where a number does not hold it; drawn when absent. Sequence i of a request depends on (seed, i) alone. */
  readonly seed?: number | bigint | undefined;
  /** Report the tokens with their log-probabilities and this many likeliest alternatives. */
  readonly logprobs?: number | undefined;
  /** Report the tokens of the prompt apart, with this many likeliest alternatives. */
  readonly promptLogprobs?: number | undefined;
  /** Put the prompt before the generated text (and its tokens before the generated ones). */
  readonly echo?: boolean;
  /** Put <eod> before the prompt: the model sees it as the beginning of a document. */
  readonly beginDocument?: boolean;
  /** W3C Trace Context of whoever asks; handed on to the server that runs the model, and not used where it is run here. */
  readonly traceparent?: string | undefined;
}

/** A request with every default filled in. */
export interface CheckedRequest extends DrawOptions, PenaltyOptions {
  readonly prompts: readonly (string | readonly number[])[];
  readonly messages: readonly ChatMessage[] | undefined;
  readonly choices: number;
  readonly maxTokens: number;
  readonly minTokens: number;
  readonly ignoreEnd: boolean;
  readonly stop: readonly string[];
  readonly includeStop: boolean;
  readonly stopTokens: readonly number[];
  readonly constraint: AnswerConstraint | undefined;
  readonly seed: number | bigint;
  readonly logprobs: number | undefined;
  readonly promptLogprobs: number | undefined;
  readonly echo: boolean;
  readonly beginDocument: boolean;
}

const DEFAULTS = {
  messages: undefined,
  choices: 1,
  maxTokens: 100,
  minTokens: 0,
  ignoreEnd: false,
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  typicalP: 1,
  repetitionPenalty: 1,
  frequencyPenalty: 1,
  responsePenalty: 1,
  noRepeatNgramSize: 0,
  additivePresence: 0,
  additiveFrequency: 0,
  logitBias: new Map<number, number>(),
  stop: [],
  includeStop: false,
  stopTokens: [],
  constraint: undefined,
  logprobs: undefined,
  promptLogprobs: undefined,
  echo: false,
  beginDocument: false,
} satisfies Partial<CheckedRequest>;

const LARGEST_RANDOM_SEED = 2 ** 48 - 1;
const LARGEST_SEED = 2 ** 64;

/** @throws InferenceError INFERENCE_BAD_OPTION naming the option, its value and its range */
export function checkRequest(request: GenerationRequest): CheckedRequest {
  const seed = request.seed ?? randomInt(LARGEST_RANDOM_SEED);
  const checked: CheckedRequest = { ...DEFAULTS, ...withoutUndefined(request), seed };
  const whole = (
    name: 'choices' | 'maxTokens' | 'minTokens' | 'topK' | 'logprobs' | 'promptLogprobs',
    least: number,
  ) => {
    const value = checked[name];
    if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
    throw badOption(name, value, { en: `an integer >= ${least}`, zh: `不小于 ${least} 的整数` });
  };
  const between = (name: keyof DrawOptions | keyof Omit<PenaltyOptions, 'logitBias'>, least: number, most: number) => {
    const value = checked[name];
    if (value >= least && value <= most) return;
    throw badOption(name, value, { en: `from ${least} to ${most}`, zh: `从 ${least} 到 ${most}` });
  };
  whole('choices', 1);
  whole('maxTokens', 0);
  whole('minTokens', 0);
  whole('topK', 0);
  whole('logprobs', 0);
  whole('promptLogprobs', 0);
  const isInteger = typeof seed === 'bigint' || Number.isInteger(seed);
  if (!(isInteger && seed >= -LARGEST_SEED && seed <= LARGEST_SEED)) {
    throw badOption('seed', seed, { en: 'an integer of at most 64 bits', zh: '至多 64 位的整数' });
  }
  between('temperature', 0, 100);
  between('topP', 0, 1);
  between('minP', 0, 1);
  between('typicalP', 0, 1);
  between('repetitionPenalty', 0.01, 100);
  between('frequencyPenalty', 0, 100);
  between('responsePenalty', 0, 100);
  between('noRepeatNgramSize', 0, 1024);
  between('additivePresence', -100, 100);
  between('additiveFrequency', -100, 100);
  if (checked.minTokens > checked.maxTokens) {
    const range = { en: `at most maxTokens, ${checked.maxTokens}`, zh: `不大于 maxTokens（${checked.maxTokens}）的数` };
    throw badOption('minTokens', checked.minTokens, range);
  }
  const isChat = checked.messages !== undefined && checked.messages.length > 0;
  if (!isChat && checked.prompts.length === 0)
    throw badOption('prompts', '[]', { en: 'at least one prompt', zh: '至少一条提示' });
  if (checked.stop.includes('')) throw badOption('stop', '""', { en: 'non-empty texts', zh: '非空文本' });
  for (const [id, bias] of checked.logitBias) {
    if (Number.isFinite(bias)) continue;
    throw badOption('logitBias', `${id}: ${bias}`, { en: 'token ids to finite numbers', zh: '词元编号到有限数值' });
  }
  return checked;
}

function badOption(option: string, value: unknown, range: Said): InferenceError {
  const message = {
    en: `${option} is ${String(value)}; it must be ${range.en}`,
    zh: `${option} 为 ${String(value)}；应为${range.zh}`,
  };
  return new InferenceError('INFERENCE_BAD_OPTION', message, { option });
}

/** An option given as undefined is an absent one. */
function withoutUndefined(request: GenerationRequest): GenerationRequest {
  const given = Object.entries(request).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as GenerationRequest;
}

/**
 * Runs an application: prompt → answer → checks, and again where a check fails, as often as `retries` allows.
 *
 * Contract: attempt i draws with seed + i, so that a run is done again by its seed. What checks can say as a grammar is imposed on the model;
 * a server that takes no constraints is asked without, and its answers are checked alone. The answer is the first that passes, or of
 * those that do not the one with most checks passed. Where prompt and answer do not fit into the context the oldest turns of the conversation
 * are left out, and then examples from the first one on; the outcome says how many. Engines elsewhere do not tell their context: where one cuts an
 * answer before its most tokens, the next attempt has an example less.
 */
import { randomInt } from 'node:crypto';
import {
  type AnswerConstraint,
  type Engine,
  type Generation,
  type GenerationRequest,
  InferenceError,
} from '@tunan/inference';
import type { App, AppAttempt, AppRunPart, AppTurn } from '@tunan/protocol';
import { cleanAnswer } from '@tunan/protocol/client';
import { IMPOSED, imposedConstraint, ownConstraint } from './checks/imposed.ts';
import { runChecks } from './checks/run-checks.ts';
import { AppError } from './errors.ts';
import type { Inputs } from './inputs.ts';
import { inputText, promptMessages, promptText } from './prompt.ts';
import { recallTurns } from './recall.ts';

/** What a run asks of an engine. */
export type AppEngine = Pick<Engine, 'submit' | 'encodeChat' | 'takesMessages' | 'measure'> &
  Partial<Pick<Engine, 'contextLength'>>;

export interface AppRunOptions {
  /** Filled in by `fillInputs`. */
  readonly inputs: Inputs;
  /** Of the conversation so far, oldest first. */
  readonly turns?: readonly AppTurn[];
  /** Drawn when absent. */
  readonly seed?: number | undefined;
  /** At most the application's own, which is meant when absent. */
  readonly retries?: number | undefined;
  /** False: what checks ask for is not imposed on the model, to see what it does by itself. */
  readonly impose?: boolean | undefined;
}

export interface AppOutcome {
  readonly output: string;
  /** Whether it passes every check. */
  readonly passed: boolean;
  readonly attempts: readonly AppAttempt[];
  /** Of the last attempt; a conversation as the text that it would be without a template. */
  readonly prompt: string;
  /** For which the context had no room. */
  readonly examplesLeftOut: number;
  readonly seed: number;
  /** Of all attempts together. */
  readonly usage: { readonly promptTokens: number; readonly cachedTokens: number; readonly completionTokens: number };
}

const LARGEST_SEED = 2 ** 47;

/**
 * The text as it is made, attempt by attempt, and the outcome at the end.
 * @throws AppError APP_BAD_INPUT, APP_UNFIT_MODEL; what the engine throws
 */
export async function* runApp(
  app: App,
  options: AppRunOptions,
  engine: AppEngine,
  signal?: AbortSignal,
): AsyncGenerator<AppRunPart, AppOutcome, void> {
  requireFit(app, engine);
  const seed = options.seed ?? randomInt(LARGEST_SEED);
  const asked = new Asked(app, options);
  const attempts: AppAttempt[] = [];
  const usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 };
  const most = 1 + Math.min(app.retries, options.retries ?? app.retries);
  for (let number = 1; number <= most; number++) {
    const generation = await asked.submit(engine, seed + number - 1, signal);
    let text = '';
    let finish: AppAttempt['finish_reason'] = 'stop';
    for await (const chunk of generation) {
      text += chunk.text;
      finish = chunk.finishReason ?? finish;
      if (chunk.text !== '') yield { object: 'app.run.part', attempt: number, text: chunk.text };
    }
    usage.promptTokens += generation.usage.promptTokens ?? 0;
    usage.cachedTokens += generation.usage.cachedTokens ?? 0;
    usage.completionTokens += generation.usage.completionTokens;
    const output = cleaned(app, text);
    const findings = runChecks(app, options.inputs, output);
    attempts.push({ output, finish_reason: finish, findings });
    yield { object: 'app.run.part', attempt: number, text: '', findings };
    // What the rules of the server end is not to be had by asking again.
    if (passes(attempts.at(-1)!) || finish === 'content_filter') break;
    const isCut = finish === 'length' && generation.usage.completionTokens < app.sampling.max_tokens;
    if (isCut) asked.shorten();
  }
  const best = attempts.reduce((most, one) => (score(one) > score(most) ? one : most));
  return { output: best.output, passed: passes(best), attempts, seed, usage, ...asked.used };
}

/** A run to its end. */
export async function collectRun(run: AsyncGenerator<AppRunPart, AppOutcome, void>): Promise<AppOutcome> {
  for (;;) {
    const { done, value } = await run.next();
    if (done === true) return value;
  }
}

/** @throws AppError APP_UNFIT_MODEL */
export function requireFit(
  { name, needs }: Pick<App, 'name' | 'needs'>,
  engine: Pick<AppEngine, 'encodeChat' | 'takesMessages'>,
): void {
  if (needs === 'completion' || engine.encodeChat !== undefined || engine.takesMessages === true) return;
  throw new AppError('APP_UNFIT_MODEL', {
    en: `${name} needs a model with a chat template, and this one has none: take another model, or an application for completion`,
    zh: `${name} 需要带对话模板的模型，而此模型没有：请换一个模型，或使用续写类应用`,
  });
}

const passes = ({ findings }: AppAttempt): boolean => findings.every(({ passed }) => passed);
const score = ({ findings }: AppAttempt): number => findings.filter(({ passed }) => passed).length;

/** What is asked of the engine, attempt after attempt; what had to be left out once is left out from then on. */
class Asked {
  #app: App;
  readonly #inputs: Inputs;
  #turns: readonly AppTurn[];
  #examplesLeftOut = 0;
  #imposes: boolean;

  constructor(app: App, { inputs, turns = [], impose = true }: AppRunOptions) {
    this.#imposes = impose;
    if (turns.length > 0 && app.conversation === undefined) {
      throw new AppError('APP_BAD_INPUT', {
        en: `${app.name} keeps no conversation: leave turns out`,
        zh: `${app.name} 不保留对话：请去掉 turns`,
      });
    }
    this.#app = app;
    this.#inputs = inputs;
    this.#turns = app.conversation === undefined ? [] : recallTurns(turns, inputText(app, inputs), app.conversation);
  }

  get used(): Pick<AppOutcome, 'prompt' | 'examplesLeftOut'> {
    return { prompt: this.#promptText, examplesLeftOut: this.#examplesLeftOut };
  }

  get #promptText(): string {
    return promptText(this.#app, this.#inputs, this.#turns);
  }

  async submit(engine: AppEngine, seed: number, signal: AbortSignal | undefined): Promise<Generation> {
    for (;;) {
      const request = this.#request(engine, seed);
      if (!fits(engine, request) && this.shorten()) continue;
      try {
        const generation = engine.submit(request, signal);
        await generation.accepted;
        return generation;
      } catch (error) {
        if (!(error instanceof InferenceError)) throw error;
        if (error.code === 'INFERENCE_BAD_OPTION' && error.option === IMPOSED && this.#imposes) this.#imposes = false;
        else if (error.code !== 'INFERENCE_PROMPT_TOO_LONG') throw error;
        else if (!this.shorten()) throw tooLong(this.#app, error);
      }
    }
  }

  /** Leaves the oldest turn, or example, out. @returns whether there was any */
  shorten(): boolean {
    if (this.#turns.length > 0) {
      this.#turns = this.#turns.slice(1);
      return true;
    }
    if (this.#app.examples.length === 0) return false;
    this.#app = { ...this.#app, examples: this.#app.examples.slice(1) };
    this.#examplesLeftOut++;
    return true;
  }

  #request(engine: AppEngine, seed: number): GenerationRequest {
    const app = this.#app;
    const { sampling } = app;
    const own = ownConstraint(app);
    const imposed =
      own === undefined && this.#imposes ? imposedConstraint(app, this.#inputs, drawsOf(seed)) : undefined;
    const constraint: AnswerConstraint | undefined = own ?? imposed;
    return {
      ...this.#prompt(engine),
      seed,
      maxTokens: sampling.max_tokens,
      temperature: sampling.temperature,
      topP: sampling.top_p,
      topK: sampling.top_k,
      minP: sampling.min_p,
      repetitionPenalty: sampling.repetition_penalty,
      frequencyPenalty: sampling.frequencyPenalty,
      responsePenalty: sampling.responsePenalty,
      noRepeatNgramSize: sampling.noRepeatNgramSize,
      // A form that is imposed ends by itself, and may have line breaks inside.
      stop: imposed === undefined ? stopsOf(app) : [],
      constraint,
    };
  }

  #prompt(engine: AppEngine): Pick<GenerationRequest, 'prompts' | 'messages'> {
    if (this.#app.needs === 'completion') return { prompts: [this.#promptText] };
    const messages = promptMessages(this.#app, this.#inputs, this.#turns);
    return engine.encodeChat === undefined ? { prompts: [], messages } : { prompts: [engine.encodeChat(messages)] };
  }
}

/**
 * Whether there is room for prompt and answer, as far as the engine can tell beforehand. An answer that would take more than half of the
 * context is not worth all examples.
 */
function fits(engine: AppEngine, request: GenerationRequest): boolean {
  const { contextLength } = engine;
  if (engine.measure === undefined || contextLength === undefined) return true;
  try {
    const room = Math.min(request.maxTokens!, Math.floor(contextLength / 2));
    return engine.measure(request).promptTokens + room <= contextLength;
  } catch (error) {
    if (error instanceof InferenceError && error.code === 'INFERENCE_PROMPT_TOO_LONG') return false;
    throw error;
  }
}

/** What ends an answer. */
function stopsOf({ stop, prompt, needs }: App): string[] {
  if (stop !== undefined) return stop;
  return prompt.output_suffix === '' || needs === 'chat' ? [] : [prompt.output_suffix];
}

function cleaned(app: App, text: string): string {
  if (app.clean === 'none') return text;
  return app.clean === 'yuan' ? cleanAnswer(text, stopsOf(app)) : text.trim();
}

/** Uniform in [0, 1), the same for the same seed. */
function drawsOf(seed: number): () => number {
  let state = (seed ^ (seed / 2 ** 32)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function tooLong({ name }: App, cause: InferenceError): InferenceError {
  const { message: en, chinese: zh = en } = cause;
  const message = {
    en: `${name} does not fit, even without examples: ${en}; the text to shorten is that of the inputs`,
    zh: `${name} 即使不带示例也放不下：${zh}；须缩短的是输入`,
  };
  return new InferenceError(cause.code, message, { option: 'inputs', cause });
}

/**
 * An engine whose every request is reserved before it runs, recorded before it is seen, and settled when it ends, however it ends.
 *
 * Routes submit to it as to the engine itself. A request that is to be streamed is recorded before each of its chunks; of a whole answer
 * nothing is seen before its end, so that its settlement is its record.
 *
 * The engine's own tokenizer counts the prompt. Where another server has it, the bytes of the text are the bound: a token has one at least.
 */
import type { Engine, Generation, GenerationChunk, GenerationRequest, TokenBound, TokenUsage } from '@tunan/inference';
import { InferenceError } from '@tunan/inference';
import { StorageError } from '../storage/errors.ts';
import type { Ledger } from './ledger.ts';
import type { Subjects } from './limits.ts';
import type { Allowance } from './refusal.ts';
import type { Outcome } from './settlement.ts';

/** What a route asks of an engine. */
export type Submitter = Pick<Engine, 'submit'>;

export interface Metering extends Subjects {
  readonly ledger: Ledger;
  readonly model: string;
  /** The id of the request, and its route. */
  readonly request: string;
  readonly route: string;
  /** Whether chunks are seen before the end. */
  readonly stream: boolean;
  /** Told once, before anything runs. */
  readonly onAllowance: (allowance: Allowance) => void;
}

export function meteredEngine(engine: Engine, metering: Metering): Submitter {
  let submitted = false;
  return {
    submit: (request, signal) => {
      // A route may submit twice for one request, as best_of does for its echo.
      const counts = !submitted;
      submitted = true;
      return new MeteredGeneration(engine, request, signal, { ...metering, counts });
    },
  };
}

/** Of remote engines, which may be told «until the context ends». */
const MOST_TOKENS = 2 ** 31;
/** What a chat template may put around each message, and around all: tokens. */
const AROUND_MESSAGE = 16;
const AROUND_ALL = 64;
/** As an engine fills in what is absent. */
const DEFAULT_MAX_TOKENS = 100;

class MeteredGeneration implements Generation {
  readonly accepted: Promise<void>;
  readonly #metering: Metering & { readonly counts: boolean };
  readonly #begun: Promise<Generation>;
  readonly #signal: AbortSignal | undefined;
  #inner: Generation | undefined;
  #id: number | undefined;
  #isRead = false;
  #settled: Promise<void> | undefined;

  constructor(
    engine: Engine,
    request: GenerationRequest,
    signal: AbortSignal | undefined,
    metering: Metering & { readonly counts: boolean },
  ) {
    this.#metering = metering;
    this.#signal = signal;
    this.#begun = this.#begin(engine, request);
    this.accepted = this.#accept();
    // Who reads the chunks gets the error there.
    this.accepted.catch(() => undefined);
  }

  get seed(): number | bigint | undefined {
    return this.#inner?.seed;
  }

  get usage(): TokenUsage {
    return this.#inner?.usage ?? { promptTokens: undefined, cachedTokens: undefined, completionTokens: 0 };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GenerationChunk, void, void> {
    this.#isRead = true;
    const inner = await this.#begun;
    await this.accepted;
    // A reader who leaves ends it in `finally`.
    let outcome: Outcome = 'left';
    let recorded = 0;
    try {
      for await (const chunk of inner) {
        // An engine hands out what it has made, also when the request is given up.
        if (this.#signal?.aborted === true) throw aborted(this.#signal);
        const { completionTokens } = inner.usage;
        if (this.#metering.stream && completionTokens > recorded) {
          await this.#metering.ledger.record(this.#id!, completionTokens);
          recorded = completionTokens;
        }
        yield chunk;
      }
      outcome = 'completed';
    } catch (error) {
      outcome = error instanceof InferenceError && error.code === 'INFERENCE_ABORTED' ? 'left' : 'failed';
      throw error;
    } finally {
      await this.#end(outcome);
    }
  }

  async #begin(engine: Engine, request: GenerationRequest): Promise<Generation> {
    const { ledger, counts, onAllowance, ...of } = this.#metering;
    const bound = engine.measure?.(request) ?? boundOf(engine, request);
    const { id, allowance } = await ledger.reserve({ ...of, ...bound, counts });
    this.#id = id;
    onAllowance(allowance);
    try {
      this.#inner = engine.submit(request, this.#signal);
      return this.#inner;
    } catch (error) {
      await this.#end('refused');
      throw error;
    }
  }

  async #accept(): Promise<void> {
    const inner = await this.#begun;
    try {
      await inner.accepted;
    } catch (error) {
      await this.#end('refused');
      throw error;
    }
    // A route that fails before it reads leaves the request to its signal; what then goes wrong is told by the ledger.
    const leave = () => void (this.#isRead || this.#end('left').catch(() => undefined));
    this.#signal?.addEventListener('abort', leave, { once: true });
    if (this.#signal?.aborted === true) leave();
  }

  /** Once. A whole answer that could not be written down is not seen; of a stream everything has been. */
  async #end(outcome: Outcome): Promise<void> {
    this.#settled ??= this.#settle(outcome);
    try {
      await this.#settled;
    } catch (error) {
      if (outcome === 'completed' && !this.#metering.stream) throw error;
      if (!(error instanceof StorageError)) throw error; // else the ledger goes on trying
    }
  }

  async #settle(outcome: Outcome): Promise<void> {
    if (this.#id === undefined) return;
    const { promptTokens = 0, completionTokens } = this.usage;
    const { ledger } = this.#metering;
    if (outcome === 'completed') await ledger.finish(this.#id, { promptTokens, completionTokens });
    else await ledger.settle(this.#id, { promptTokens, completionTokens, outcome });
  }
}

function aborted({ reason }: AbortSignal): InferenceError {
  if (reason instanceof InferenceError) return reason;
  return new InferenceError('INFERENCE_ABORTED', { en: 'the request was given up', zh: '请求已被放弃' });
}

function boundOf({ contextLength }: Engine, request: GenerationRequest): TokenBound {
  const { prompts, messages = [], choices = 1, maxTokens = DEFAULT_MAX_TOKENS } = request;
  const bytes = (text: string) => Buffer.byteLength(text, 'utf8');
  const lengths = prompts.map((prompt) => (typeof prompt === 'string' ? bytes(prompt) : prompt.length) + 1);
  const spoken = messages.map((message) => bytes(JSON.stringify(message)) + AROUND_MESSAGE);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
  const sequences = choices * Math.max(1, prompts.length);
  const longest = Math.min(maxTokens, contextLength ?? MOST_TOKENS, MOST_TOKENS);
  return {
    promptTokens: sum(lengths) + (messages.length === 0 ? 0 : sum(spoken) + AROUND_ALL),
    completionTokens: sequences * longest,
  };
}

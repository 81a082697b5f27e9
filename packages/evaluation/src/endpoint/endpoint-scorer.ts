/**
 * The scorer of an OpenAI-compatible endpoint.
 *
 * Every candidate is sent as a text of its own; sharing what they have in common is the server's business (prefix caching).
 * The endpoint's tokenizer is not known, so that a token may straddle the place where the scored text begins: it counts as
 * scored, for all candidates alike. Where the endpoint begins no document, a line feed precedes every text, because the
 * first token of a text has no probability.
 */

import { EvaluationError } from '../errors.ts';
import type { CandidateScore, ScoreOptions, ScoreRequest, Scorer } from '../scoring/scorer.ts';
import { type ClientOptions, CompletionsClient, type EchoedText } from './completions-client.ts';

export interface EndpointOptions extends ClientOptions {
  /** Tokens that a text may have; what the endpoint says where absent, else 2 048. */
  readonly contextLength?: number;
  /** Of the endpoint's tokenizer. Absent: UTF-8 bytes, which no byte-level vocabulary exceeds. */
  readonly countTokens?: (text: string) => number;
  /** Texts in one HTTP request and requests at a time. */
  readonly batch?: number;
  readonly parallel?: number;
}

const CONTEXT_LENGTH = 2_048;
const BATCH = 16;
const PARALLEL = 4;

export class EndpointScorer implements Scorer {
  readonly identity: string;
  readonly contextLength: number;
  readonly #client: CompletionsClient;
  readonly #options: EndpointOptions;

  private constructor(client: CompletionsClient, options: EndpointOptions) {
    this.#client = client;
    this.#options = options;
    this.identity = `endpoint ${options.url} ${client.model}`;
    this.contextLength = options.contextLength ?? client.contextLength ?? CONTEXT_LENGTH;
  }

  /** @throws EvaluationError EVALUATION_ENDPOINT, EVALUATION_ENDPOINT_DOWN, EVALUATION_NO_LOGPROBS */
  static async connect(options: EndpointOptions, signal?: AbortSignal): Promise<EndpointScorer> {
    return new EndpointScorer(await CompletionsClient.connect(options, signal), options);
  }

  countTokens(text: string): number {
    return this.#options.countTokens?.(text) ?? Buffer.byteLength(text);
  }

  async score(requests: readonly ScoreRequest[], options: ScoreOptions = {}): Promise<CandidateScore[][]> {
    const lead = this.#client.beginsDocuments ? '' : '\n';
    const scores = requests.map(() => [] as CandidateScore[]);
    const jobs = requests.flatMap(({ context, candidates, firstTokenOnly = false }, request) =>
      candidates.map(({ given, scored }, candidate) => {
        const before = lead + context.join('') + given;
        return { request, candidate, before, text: before + scored, firstTokenOnly };
      }),
    );
    const left = requests.map(({ candidates }) => candidates.length);
    let done = 0;
    await this.#inBatches(jobs, options.signal, (echoed, { request, candidate, before, firstTokenOnly }) => {
      scores[request]![candidate] = scoreBehind(echoed, before, firstTokenOnly);
      left[request]!--;
      if (left[request] === 0) options.onProgress?.(++done, requests.length);
    });
    return scores;
  }

  async #inBatches<Job extends { readonly text: string }>(
    jobs: readonly Job[],
    signal: AbortSignal | undefined,
    take: (echoed: EchoedText, job: Job) => void,
  ): Promise<void> {
    const { batch = BATCH, parallel = PARALLEL } = this.#options;
    const failed = new AbortController();
    const stop = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
    let next = 0;
    const work = async () => {
      while (next < jobs.length) {
        stop.throwIfAborted();
        const taken = jobs.slice(next, next + batch);
        next += batch;
        const texts = taken.map(({ text }) => text);
        const answers = await this.#client.echo(texts, stop);
        answers.forEach((echoed, i) => {
          take(echoed, taken[i]!);
        });
      }
    };
    try {
      await Promise.all(Array.from({ length: parallel }, work));
    } catch (error) {
      failed.abort(error); // the other requests are of no use any more
      throw error;
    }
  }
}

/** The sum over the tokens of `text` that reach behind `before`. Exported for the test. */
export function scoreBehind(echoed: EchoedText, before: string, firstTokenOnly: boolean): CandidateScore {
  const { text, logprobs, offsets } = echoed;
  const [start, end] = countsCodePoints(echoed) ? [[...before].length, [...text].length] : [before.length, text.length];
  let logprob = 0;
  let tokens = 0;
  for (let i = 0; i < logprobs.length; i++) {
    // Behind the echoed text stands what a server generates that insists on one token.
    if (offsets[i]! >= end) break;
    // The pieces of a character in bytes all begin where it begins.
    if (offsets[i]! < start && (offsets[i + 1] ?? end) <= start) continue;
    const value = logprobs[i];
    if (value == null || !Number.isFinite(value)) {
      throw new EvaluationError(
        'EVALUATION_NO_LOGPROBS',
        `the endpoint gives the log-probability ${value} for token ${i} (${JSON.stringify(echoed.tokens[i])}); evaluate a server that gives one for every token`,
      );
    }
    logprob += value;
    tokens++;
    if (firstTokenOnly) break;
  }
  if (tokens === 0) throw new Error(`no token behind ${JSON.stringify(before.slice(-20))}`);
  return { logprob, tokens };
}

/** Python counts code points, JavaScript UTF-16 units; they differ behind a rare character. */
function countsCodePoints({ text, offsets, tokens }: EchoedText): boolean {
  const units = text.length;
  const points = [...text].length;
  if (units === points) return false;
  // A token that is a whole character begins where the endpoint says; see which count finds it there.
  const characters = [...text];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const inUnits = text.startsWith(token, offsets[i]);
    const inPoints = characters.slice(offsets[i], offsets[i]! + [...token].length).join('') === token;
    if (inUnits !== inPoints) return inPoints;
  }
  return false;
}

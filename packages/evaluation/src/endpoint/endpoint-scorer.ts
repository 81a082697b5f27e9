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
import { type ClientOptions, CompletionsClient } from './completions-client.ts';
import type { EchoedText } from './echoed-text.ts';
import { FINGERPRINT_TEXTS, fingerprintOf, knownFingerprint } from './fingerprint.ts';

export interface EndpointOptions extends ClientOptions {
  /** Tokens that a request may have; what the endpoint says where absent, else 2 048. */
  readonly modelLength?: number;
  /** Of the endpoint's tokenizer. Absent: UTF-8 bytes, which no byte-level vocabulary exceeds. */
  readonly countTokens?: (text: string) => number;
  /** Texts in one HTTP request and requests at a time. */
  readonly batch?: number;
  readonly parallel?: number;
  /** Where the models that were met are kept, so that one is known again though its arithmetic varies a little. */
  readonly fingerprints?: string;
}

const MODEL_LENGTH = 2_048;
const BATCH = 16;
const PARALLEL = 4;

/** What precedes every text where the endpoint begins no document. */
const LEAD = '\n';

export class EndpointScorer implements Scorer {
  readonly identity: string;
  readonly contextLength: number;
  readonly joins = true;
  /** As the endpoint calls it. */
  readonly model: string;
  /** Models that were met in the same folder before; 0 where this one is among them. */
  readonly otherModels: number;
  readonly #client: CompletionsClient;
  readonly #options: EndpointOptions;
  readonly #lead: string;

  private constructor(
    client: CompletionsClient,
    { fingerprint, otherModels }: { readonly fingerprint: string; readonly otherModels: number },
    options: EndpointOptions,
  ) {
    this.#client = client;
    this.#options = options;
    this.#lead = client.beginsDocuments ? '' : LEAD;
    this.model = client.model;
    this.identity = `endpoint ${fingerprint}`;
    this.otherModels = otherModels;
    const length = options.modelLength ?? client.modelLength ?? MODEL_LENGTH;
    this.contextLength = length - client.extraTokens - this.countTokens(this.#lead);
  }

  /** @throws EvaluationError EVALUATION_BAD_SETTING, EVALUATION_ENDPOINT…, EVALUATION_NO_LOGPROBS, EVALUATION_VOCABULARY_MISMATCH */
  static async connect(options: EndpointOptions, signal?: AbortSignal): Promise<EndpointScorer> {
    const client = await CompletionsClient.connect(options, signal);
    const echoed = await client.echo(FINGERPRINT_TEXTS, signal);
    if (options.countTokens !== undefined) checkTokenizer(options.countTokens, echoed);
    const print = fingerprintOf(echoed);
    const { hash, others } =
      options.fingerprints === undefined
        ? { hash: print.hash, others: 0 }
        : knownFingerprint(print, options.fingerprints);
    return new EndpointScorer(client, { fingerprint: hash, otherModels: others }, options);
  }

  countTokens(text: string): number {
    if (text === '') return 0;
    return this.#options.countTokens?.(text) ?? Buffer.byteLength(text);
  }

  async score(requests: readonly ScoreRequest[], options: ScoreOptions = {}): Promise<CandidateScore[][]> {
    const scores = requests.map(() => [] as CandidateScore[]);
    const jobs = requests.flatMap(({ context, candidates, firstTokenOnly = false }, request) =>
      candidates.map(({ given, scored }, candidate) => {
        const before = this.#lead + context.join('') + given;
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

/** A tokenizer that counts otherwise would let prompts through that are too long, or cut what fits. */
function checkTokenizer(countTokens: (text: string) => number, echoed: readonly EchoedText[]): void {
  for (const { text, tokens } of echoed) {
    const count = countTokens(text);
    if (count === tokens.length) continue;
    throw new EvaluationError('EVALUATION_VOCABULARY_MISMATCH', {
      en: `--endpoint-tokenizer makes ${count} tokens of "${text}", the endpoint ${tokens.length}; give the tokenizer.json of the model that is served`,
      zh: `--endpoint-tokenizer 把“${text}”分成 ${count} 个词元，而服务端分成 ${tokens.length} 个；请给出所服务模型的 tokenizer.json`,
    });
  }
}

/** The sum over the tokens of the text that reach behind `before`. Exported for the test. */
export function scoreBehind({ tokens }: EchoedText, before: string, firstTokenOnly: boolean): CandidateScore {
  const boundary = Buffer.byteLength(before);
  const behind = tokens.filter(({ end }) => end > boundary);
  const scored = firstTokenOnly ? behind.slice(0, 1) : behind;
  if (scored.length === 0) throw new Error('a candidate without a scored token');
  const logprob = scored.reduce((sum, token) => sum + logprobOf(token, boundary), 0);
  return { logprob, tokens: scored.length };
}

function logprobOf({ start, logprob, unsure }: EchoedText['tokens'][number], boundary: number): number {
  if (logprob !== null && !(unsure && start < boundary)) return logprob;
  const what =
    logprob === null
      ? { en: 'no log-probability for a token that is scored', zh: '没有给出被打分词元的对数概率' }
      : {
          en: 'pieces of characters without their bytes, so that it is not known where the scored text begins',
          zh: '只给出字的碎片而没有其字节，无法判断打分的文字从何处开始',
        };
  throw new EvaluationError('EVALUATION_NO_LOGPROBS', {
    en: `the endpoint gives ${what.en}; evaluate a server that gives a log-probability for every token, such as tunan serve or vLLM`,
    zh: `服务端${what.zh}；请评测为每个词元给出对数概率的服务，例如 tunan serve 或 vLLM`,
  });
}

/**
 * `POST /completions` of any OpenAI-compatible endpoint, asked for the log-probabilities of texts that it is given (echo).
 *
 * Answers 429, 5xx and broken connections are tried again, waiting as `Retry-After` says or twice as long each time. Finds
 * out at its first request what the endpoint can do; does not know tasks or labels.
 */

import { setTimeout } from 'node:timers/promises';
import {
  Endpoint,
  type EndpointAddress,
  EndpointError,
  type EndpointErrorKind,
  isEndpointUrl,
  type ServedChoice,
  servedCompletionSchema,
  servedModelsSchema,
} from '@tunan/protocol/client';
import type { Said } from '@tunan/protocol/mistakes';
import { clauseOf, EvaluationError } from '../errors.ts';
import { type EchoedText, readEcho } from './echoed-text.ts';

export interface ClientOptions extends EndpointAddress {
  /** Absent: the first that `/models` lists. */
  readonly model?: string;
  /** Told before a request is sent again, with what went wrong. */
  readonly onRetry?: (failure: Said) => void;
}

/** What an endpoint turned out to take. */
interface Abilities {
  /** The extension of tunan's server that begins a document in front of the text. */
  readonly beginDocument: boolean;
  /** Most servers echo without generating; some insist on one token. */
  readonly maxTokens: 0 | 1;
}

const TRIES = 6;
/** A server that lets a request hang twice lets it hang again. */
const TRIES_AFTER_TIMEOUT = 2;
const FIRST_WAIT_MS = 500;
const PROBE = '春眠不觉晓，处处闻啼鸟。';

export class CompletionsClient {
  readonly model: string;
  /** Tokens that a request may have in all, as far as the endpoint tells. */
  readonly modelLength: number | undefined;
  readonly #endpoint: Endpoint;
  readonly #options: ClientOptions;
  readonly #abilities: Abilities;
  #beginsDocuments = false;

  private constructor(
    endpoint: Endpoint,
    options: ClientOptions,
    model: { id: string; modelLength: number | undefined },
    abilities: Abilities,
  ) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.model = model.id;
    this.modelLength = model.modelLength;
    this.#abilities = abilities;
  }

  /** Whether the first token of a text has a log-probability. */
  get beginsDocuments(): boolean {
    return this.#beginsDocuments;
  }

  /** Tokens that a request has beside those of its text: the one that begins a document, the one that is generated. */
  get extraTokens(): number {
    return (this.#beginsDocuments ? 1 : 0) + this.#abilities.maxTokens;
  }

  /** @throws EvaluationError EVALUATION_BAD_SETTING, EVALUATION_ENDPOINT…, EVALUATION_NO_LOGPROBS */
  static async connect(options: ClientOptions, signal?: AbortSignal): Promise<CompletionsClient> {
    checkUrl(options.url);
    const endpoint = new Endpoint(options);
    const model = await findModel(endpoint, options, signal);
    const attempts: Abilities[] = [
      { beginDocument: true, maxTokens: 0 },
      { beginDocument: false, maxTokens: 0 },
      { beginDocument: false, maxTokens: 1 },
    ];
    let refusal: EvaluationError | undefined;
    for (const abilities of attempts) {
      const client = new CompletionsClient(endpoint, options, model, abilities);
      try {
        const [echoed] = await client.echo([PROBE], signal);
        client.#beginsDocuments = echoed!.tokens[0]!.logprob !== null;
        // A server that ignores begin_document leaves the first token without a value.
        if (abilities.beginDocument && !client.#beginsDocuments) continue;
        if (echoed!.tokens.every(({ logprob }) => logprob === null || logprob === 0)) {
          throw told(endpoint.malformed({ en: 'the probability 1 for every token', zh: '每个词元的概率都是 1' }));
        }
        return client;
      } catch (error) {
        if (!(error instanceof EvaluationError) || !REFUSALS.has(error.code)) throw error;
        refusal = error;
      }
    }
    const { en, zh } = clauseOf(refusal);
    throw new EvaluationError(
      'EVALUATION_NO_LOGPROBS',
      {
        en: `${options.url}: ${model.id} gives no log-probabilities of a text that it is sent (${en}); evaluate a server whose completions take echo and logprobs together, such as tunan serve or vLLM`,
        zh: `${options.url}：${model.id} 不给出所发文本的对数概率（${zh}）；请评测 completions 同时支持 echo 与 logprobs 的服务，例如 tunan serve 或 vLLM`,
      },
      { cause: refusal },
    );
  }

  /** The tokens of each text. @throws EvaluationError */
  async echo(texts: readonly string[], signal?: AbortSignal): Promise<EchoedText[]> {
    const { beginDocument, maxTokens } = this.#abilities;
    const body = {
      model: this.model,
      prompt: texts,
      echo: true,
      max_tokens: maxTokens,
      logprobs: 1,
      temperature: 0,
      ...(beginDocument && { begin_document: true }),
    };
    const ask = () => this.#endpoint.ask('completions', body, servedCompletionSchema, signal);
    const answer = await patiently(ask, this.#options, signal);
    const choices = inOrder(answer.choices);
    if (choices?.length !== texts.length) {
      const count = answer.choices.length;
      const what = {
        en: `${count} answers to ${texts.length} texts, or numbers them wrongly`,
        zh: `对 ${texts.length} 段文本给出 ${count} 个应答，或编号有误`,
      };
      throw told(this.#endpoint.malformed(what));
    }
    return choices.map(({ text, logprobs }, i) => this.#echoed(texts[i]!, text, logprobs));
  }

  #echoed(asked: string, text: string, logprobs: ServedChoice['logprobs']): EchoedText {
    if (logprobs == null) {
      throw told(this.#endpoint.malformed({ en: 'an answer without logprobs', zh: '没有 logprobs' }));
    }
    try {
      return readEcho(asked, text, logprobs);
    } catch (cause) {
      const { en, zh } = clauseOf(cause);
      const what = {
        en: `log-probabilities that do not fit the text sent: ${en}; scores made of them would be wrong`,
        zh: `对数概率与所发文本不符：${zh}；由此得出的得分会是错的`,
      };
      throw told(this.#endpoint.malformed(what, cause));
    }
  }
}

/** What a server may answer because it cannot do what is asked, and might when asked otherwise. */
const REFUSALS: ReadonlySet<string> = new Set(['EVALUATION_ENDPOINT', 'EVALUATION_NO_LOGPROBS']);

/** By their index where they have one; undefined where that is no numbering. */
function inOrder(choices: readonly ServedChoice[]): ServedChoice[] | undefined {
  if (choices.every(({ index }) => index === undefined)) return [...choices];
  const ordered = choices.toSorted((a, b) => (a.index ?? -1) - (b.index ?? -1));
  return ordered.every(({ index }, i) => index === i) ? ordered : undefined;
}

function checkUrl(url: string): void {
  if (isEndpointUrl(url)) return;
  throw new EvaluationError('EVALUATION_BAD_SETTING', {
    en: `--endpoint ${url}: no address; write it up to and with the version, such as http://127.0.0.1:8000/v1`,
    zh: `--endpoint ${url}：不是地址；请写到版本号为止，例如 http://127.0.0.1:8000/v1`,
  });
}

/** Without a list of models the one that the user names is taken at its word. */
async function findModel(
  endpoint: Endpoint,
  options: ClientOptions,
  signal?: AbortSignal,
): Promise<{ id: string; modelLength: number | undefined }> {
  const wanted = options.model;
  try {
    const { data } = await patiently(
      () => endpoint.ask('models', undefined, servedModelsSchema, signal),
      options,
      signal,
    );
    const found = data.find(({ id }) => id === wanted) ?? data[0]!;
    return { id: wanted ?? found.id, modelLength: found.max_model_len ?? undefined };
  } catch (error) {
    if (!(error instanceof EvaluationError) || error.code !== 'EVALUATION_ENDPOINT') throw error;
    if (wanted !== undefined) return { id: wanted, modelLength: undefined };
    const { en, zh } = clauseOf(error);
    const message = {
      en: `${en}; name the model with --endpoint-model if the server has no list of models`,
      zh: `${zh}；服务端没有模型列表时，请用 --endpoint-model 指定模型`,
    };
    throw new EvaluationError('EVALUATION_ENDPOINT', message, { cause: error });
  }
}

/** Asks again while there is hope. @throws EvaluationError; the signal's reason when it aborts */
async function patiently<Answer>(
  ask: () => Promise<Answer>,
  { onRetry }: ClientOptions,
  signal?: AbortSignal,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof EndpointError)) throw error;
      const tries = error.kind === 'slow' ? TRIES_AFTER_TIMEOUT : TRIES;
      if (!PASSING.has(error.kind) || attempt >= tries) throw told(error, attempt);
      onRetry?.(failureOf(error));
      await setTimeout(waitOf(attempt, error.retryAfterSeconds), undefined, signal && { signal });
    }
  }
}

/** What may pass by itself. */
const PASSING: ReadonlySet<EndpointErrorKind> = new Set(['down', 'slow', 'busy', 'failed']);

function waitOf(attempt: number, retryAfterSeconds: number | undefined): number {
  return retryAfterSeconds === undefined ? FIRST_WAIT_MS * 2 ** (attempt - 1) : 1000 * Math.min(60, retryAfterSeconds);
}

/** The failure with the option that bears on it. */
function failureOf(error: EndpointError): Said {
  const hint =
    error.kind === 'slow' ? { en: ' (--endpoint-timeout)', zh: '（--endpoint-timeout）' } : { en: '', zh: '' };
  return { en: error.message + hint.en, zh: error.chinese + hint.zh };
}

/** The failure as the user of an evaluation hears of it. @param tries how often it was tried */
function told(error: EndpointError, tries = 1): EvaluationError {
  const { en, zh } = failureOf(error);
  if (PASSING.has(error.kind)) {
    const message = {
      en: `${en} (tried ${tries} times); look whether the server runs, then run the same command again`,
      zh: `${zh}（已试 ${tries} 次）；请查看服务是否在运行，再运行同一命令`,
    };
    return new EvaluationError('EVALUATION_ENDPOINT_DOWN', message, { cause: error });
  }
  const code = error.kind === 'key' ? 'EVALUATION_ENDPOINT_KEY' : 'EVALUATION_ENDPOINT';
  const wayOut = WAYS_OUT[error.kind] ?? { en: '', zh: '' };
  return new EvaluationError(code, { en: en + wayOut.en, zh: zh + wayOut.zh }, { cause: error });
}

const WAYS_OUT: Readonly<Partial<Record<EndpointErrorKind, Said>>> = {
  key: { en: '; give its key in TUNAN_API_KEY', zh: '；请在 TUNAN_API_KEY 中给出密钥' },
  unknown: {
    en: '; write the address up to and with the version, such as http://127.0.0.1:8000/v1',
    zh: '；地址请写到版本号为止，例如 http://127.0.0.1:8000/v1',
  },
};

/**
 * `POST /completions` of any OpenAI-compatible endpoint, asked for the log-probabilities of texts that it is given (echo).
 *
 * Answers 429, 5xx and broken connections are tried again, waiting as `Retry-After` says or twice as long each time. Finds
 * out at its first request what the endpoint can do; does not know tasks or labels.
 */

import { setTimeout } from 'node:timers/promises';
import type { Said } from '@tunan/protocol/mistakes';
import * as z from 'zod';
import { clauseOf, EvaluationError } from '../errors.ts';
import { type EchoedText, readEcho } from './echoed-text.ts';

const choiceSchema = z.object({
  index: z.int().optional(),
  text: z.string(),
  logprobs: z
    .object({
      tokens: z.array(z.string()),
      token_logprobs: z.array(z.number().nullable()),
      text_offset: z.array(z.int()).nullish(),
    })
    .nullish(),
});
const answerSchema = z.object({ choices: z.array(choiceSchema).min(1) });
const modelsSchema = z.object({
  data: z.array(z.object({ id: z.string(), max_model_len: z.int().positive().nullish() })).min(1),
});

export interface ClientOptions {
  /** Up to and with the version: `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  /** Absent: the first that `/models` lists. */
  readonly model?: string;
  readonly apiKey?: string;
  /** For one answer; 120 when absent. */
  readonly timeoutSeconds?: number;
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

const TIMEOUT_SECONDS = 120;
const TRIES = 6;
/** A server that lets a request hang twice lets it hang again. */
const TRIES_AFTER_TIMEOUT = 2;
const FIRST_WAIT_MS = 500;
const PROBE = '春眠不觉晓，处处闻啼鸟。';

export class CompletionsClient {
  readonly model: string;
  /** Tokens that a request may have in all, as far as the endpoint tells. */
  readonly modelLength: number | undefined;
  readonly #options: ClientOptions;
  readonly #abilities: Abilities;
  #beginsDocuments = false;

  private constructor(
    options: ClientOptions,
    model: { id: string; modelLength: number | undefined },
    abilities: Abilities,
  ) {
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
    const model = await findModel(options, signal);
    const attempts: Abilities[] = [
      { beginDocument: true, maxTokens: 0 },
      { beginDocument: false, maxTokens: 0 },
      { beginDocument: false, maxTokens: 1 },
    ];
    let refusal: EvaluationError | undefined;
    for (const abilities of attempts) {
      const client = new CompletionsClient(options, model, abilities);
      try {
        const [echoed] = await client.echo([PROBE], signal);
        client.#beginsDocuments = echoed!.tokens[0]!.logprob !== null;
        // A server that ignores begin_document leaves the first token without a value.
        if (abilities.beginDocument && !client.#beginsDocuments) continue;
        if (echoed!.tokens.every(({ logprob }) => logprob === null || logprob === 0)) {
          throw malformed(options.url, { en: 'the probability 1 for every token', zh: '每个词元的概率都是 1' });
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
    const answer = answerSchema.safeParse(await send(this.#options, 'completions', body, signal));
    if (!answer.success) {
      const what = answer.error.issues[0]?.message ?? '';
      throw malformed(this.#options.url, { en: `another form (${what})`, zh: `形式不符（${what}）` });
    }
    const choices = inOrder(answer.data.choices);
    if (choices?.length !== texts.length) {
      const count = answer.data.choices.length;
      throw malformed(this.#options.url, {
        en: `${count} answers to ${texts.length} texts, or numbers them wrongly`,
        zh: `对 ${texts.length} 段文本给出 ${count} 个应答，或编号有误`,
      });
    }
    return choices.map(({ text, logprobs }, i) => this.#echoed(texts[i]!, text, logprobs));
  }

  #echoed(asked: string, text: string, logprobs: z.infer<typeof choiceSchema>['logprobs']): EchoedText {
    if (logprobs == null) {
      throw malformed(this.#options.url, { en: 'an answer without logprobs', zh: '没有 logprobs' });
    }
    try {
      return readEcho(asked, text, logprobs);
    } catch (cause) {
      const { en, zh } = clauseOf(cause);
      const what = {
        en: `log-probabilities that do not fit the text sent: ${en}; scores made of them would be wrong`,
        zh: `对数概率与所发文本不符：${zh}；由此得出的得分会是错的`,
      };
      throw malformed(this.#options.url, what, cause);
    }
  }
}

/** What a server may answer because it cannot do what is asked, and might when asked otherwise. */
const REFUSALS: ReadonlySet<string> = new Set(['EVALUATION_ENDPOINT', 'EVALUATION_NO_LOGPROBS']);

type Choice = z.infer<typeof choiceSchema>;

/** By their index where they have one; undefined where that is no numbering. */
function inOrder(choices: readonly Choice[]): Choice[] | undefined {
  if (choices.every(({ index }) => index === undefined)) return [...choices];
  const ordered = choices.toSorted((a, b) => (a.index ?? -1) - (b.index ?? -1));
  return ordered.every(({ index }, i) => index === i) ? ordered : undefined;
}

function checkUrl(url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol === 'http:' || protocol === 'https:') return;
  throw new EvaluationError('EVALUATION_BAD_SETTING', {
    en: `--endpoint ${url}: no address; write it up to and with the version, such as http://127.0.0.1:8000/v1`,
    zh: `--endpoint ${url}：不是地址；请写到版本号为止，例如 http://127.0.0.1:8000/v1`,
  });
}

/** Without a list of models the one that the user names is taken at its word. */
async function findModel(
  options: ClientOptions,
  signal?: AbortSignal,
): Promise<{ id: string; modelLength: number | undefined }> {
  const wanted = options.model;
  let list: unknown;
  try {
    list = await send(options, 'models', undefined, signal);
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
  const answer = modelsSchema.safeParse(list);
  if (!answer.success) {
    if (wanted !== undefined) return { id: wanted, modelLength: undefined };
    throw malformed(options.url, {
      en: 'no list of models; name one with --endpoint-model',
      zh: '没有模型列表；请用 --endpoint-model 指定',
    });
  }
  const found = answer.data.data.find(({ id }) => id === wanted) ?? answer.data.data[0]!;
  return { id: wanted ?? found.id, modelLength: found.max_model_len ?? undefined };
}

/** One request, tried again while there is hope. @param body none for GET */
async function send(options: ClientOptions, route: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
  const { timeoutSeconds = TIMEOUT_SECONDS, apiKey } = options;
  const url = `${options.url.replace(/\/+$/, '')}/${route}`;
  let tries = TRIES;
  let failure: Said = { en: '', zh: '' };
  let cause: unknown;
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) {
      options.onRetry?.(failure);
      await setTimeout(waitOf(attempt, cause), undefined, signal && { signal });
    }
    const limit = AbortSignal.timeout(1000 * timeoutSeconds);
    try {
      const response = await fetch(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          'content-type': 'application/json',
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      const text = await response.text();
      if (response.ok) return readJson(url, text);
      const said = `${response.status}: ${text.slice(0, 200).replaceAll('\n', ' ')}`;
      failure = { en: `${url} answers ${said}`, zh: `${url} 应答 ${said}` };
      cause = response.headers.get('retry-after');
      if (response.status !== 429 && response.status < 500) throw refused(response.status, failure);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof EvaluationError) throw error;
      cause = error;
      if (limit.aborted) {
        failure = {
          en: `${url} gives no answer within ${timeoutSeconds} s (--endpoint-timeout)`,
          zh: `${url} 在 ${timeoutSeconds} 秒内没有应答（--endpoint-timeout）`,
        };
        tries = TRIES_AFTER_TIMEOUT;
        continue;
      }
      // fetch hides the reason, such as a refused connection, in the cause.
      const reason = error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : error;
      failure = { en: `${url} cannot be reached: ${String(reason)}`, zh: `无法连接 ${url}：${String(reason)}` };
    }
  }
  const message = {
    en: `${failure.en} (tried ${tries} times); look whether the server runs, then run the same command again`,
    zh: `${failure.zh}（已试 ${tries} 次）；请查看服务是否在运行，再运行同一命令`,
  };
  throw new EvaluationError('EVALUATION_ENDPOINT_DOWN', message, { cause });
}

function refused(status: number, failure: Said): EvaluationError {
  const { en, zh } = failure;
  if (status === 401 || status === 403) {
    return new EvaluationError('EVALUATION_ENDPOINT_KEY', {
      en: `${en}; give its key in TUNAN_API_KEY`,
      zh: `${zh}；请在 TUNAN_API_KEY 中给出密钥`,
    });
  }
  if (status !== 404) return new EvaluationError('EVALUATION_ENDPOINT', failure);
  return new EvaluationError('EVALUATION_ENDPOINT', {
    en: `${en}; write the address up to and with the version, such as http://127.0.0.1:8000/v1`,
    zh: `${zh}；地址请写到版本号为止，例如 http://127.0.0.1:8000/v1`,
  });
}

/** @param hint the Retry-After header of the last answer, where there was one */
function waitOf(attempt: number, hint: unknown): number {
  const seconds = typeof hint === 'string' ? Number(hint) : Number.NaN;
  return Number.isFinite(seconds) ? 1000 * Math.min(60, seconds) : FIRST_WAIT_MS * 2 ** (attempt - 1);
}

function readJson(url: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EvaluationError(
      'EVALUATION_ENDPOINT',
      { en: `${url} answers with something that is not JSON`, zh: `${url} 的应答不是 JSON` },
      { cause },
    );
  }
}

function malformed(url: string, what: Said, cause?: unknown): EvaluationError {
  return new EvaluationError(
    'EVALUATION_ENDPOINT',
    { en: `${url} answers with ${what.en}`, zh: `${url} 的应答有误：${what.zh}` },
    { cause },
  );
}

/**
 * `POST /completions` of any OpenAI-compatible endpoint, asked for the log-probabilities of texts that it is given (echo).
 *
 * Answers 429, 5xx and broken connections are tried again, waiting as `Retry-After` says or twice as long each time. Finds
 * out at its first request what the endpoint can do; does not know tasks or labels.
 */

import { setTimeout } from 'node:timers/promises';
import * as z from 'zod';
import { EvaluationError } from '../errors.ts';

const choiceSchema = z.object({
  index: z.int().optional(),
  text: z.string(),
  logprobs: z
    .object({
      tokens: z.array(z.string()),
      token_logprobs: z.array(z.number().nullable()),
      text_offset: z.array(z.int()),
    })
    .nullish(),
});
const answerSchema = z.object({ choices: z.array(choiceSchema).min(1) });
const modelsSchema = z.object({
  data: z.array(z.object({ id: z.string(), max_model_len: z.int().positive().nullish() })).min(1),
});

/** The tokens of one echoed text, in order. */
export interface EchoedText {
  readonly text: string;
  readonly tokens: readonly string[];
  /** Null where the endpoint gives none: the first token of a text that nothing precedes. */
  readonly logprobs: readonly (number | null)[];
  /** Where in the text each token begins, as the endpoint counts. */
  readonly offsets: readonly number[];
}

export interface ClientOptions {
  /** Up to and with the version: `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  /** Absent: the first that `/models` lists. */
  readonly model?: string;
  readonly apiKey?: string;
  readonly timeoutSeconds?: number;
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
const FIRST_WAIT_MS = 500;
const PROBE = '春眠不觉晓';

export class CompletionsClient {
  readonly model: string;
  /** Tokens of a text, as far as the endpoint tells. */
  readonly contextLength: number | undefined;
  readonly #options: ClientOptions;
  readonly #abilities: Abilities;

  private constructor(
    options: ClientOptions,
    model: { id: string; contextLength: number | undefined },
    abilities: Abilities,
  ) {
    this.#options = options;
    this.model = model.id;
    this.contextLength = model.contextLength;
    this.#abilities = abilities;
  }

  /** Whether the first token of a text has a log-probability. */
  get beginsDocuments(): boolean {
    return this.#abilities.beginDocument;
  }

  /** @throws EvaluationError EVALUATION_ENDPOINT, EVALUATION_NO_LOGPROBS */
  static async connect(options: ClientOptions, signal?: AbortSignal): Promise<CompletionsClient> {
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
        // A server that ignores begin_document leaves the first token without a value.
        if (abilities.beginDocument && echoed!.logprobs[0] === null) continue;
        return client;
      } catch (error) {
        if (!(error instanceof EvaluationError) || error.code === 'EVALUATION_ENDPOINT_DOWN') throw error;
        refusal = error;
      }
    }
    throw new EvaluationError(
      'EVALUATION_NO_LOGPROBS',
      `${options.url}: ${model.id} gives no log-probabilities of a text that it is sent (${refusal?.message}); evaluate a server whose completions take echo and logprobs together, such as tunan serve or vLLM`,
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
    if (!answer.success) throw malformed(this.#options.url, answer.error.issues[0]?.message ?? 'another form');
    const { choices } = answer.data;
    if (choices.length !== texts.length) {
      throw malformed(this.#options.url, `${choices.length} answers to ${texts.length} texts`);
    }
    const ordered = choices.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0));
    return ordered.map(({ text, logprobs }, i) => this.#echoed(texts[i]!, text, logprobs));
  }

  #echoed(asked: string, text: string, logprobs: z.infer<typeof choiceSchema>['logprobs']): EchoedText {
    if (logprobs == null) throw malformed(this.#options.url, 'an answer without logprobs');
    if (!text.startsWith(asked)) throw malformed(this.#options.url, 'an answer that does not begin with the text sent');
    const { tokens, token_logprobs: values, text_offset: offsets } = logprobs;
    if (tokens.length !== values.length || tokens.length !== offsets.length) {
      throw malformed(this.#options.url, `${tokens.length} tokens with ${values.length} log-probabilities`);
    }
    return { text: asked, tokens, logprobs: values, offsets };
  }
}

async function findModel(
  options: ClientOptions,
  signal?: AbortSignal,
): Promise<{ id: string; contextLength: number | undefined }> {
  const answer = modelsSchema.safeParse(await send(options, 'models', undefined, signal));
  if (!answer.success) {
    if (options.model !== undefined) return { id: options.model, contextLength: undefined };
    throw malformed(options.url, 'no list of models; name one');
  }
  const found = answer.data.data.find(({ id }) => id === options.model) ?? answer.data.data[0]!;
  return { id: options.model ?? found.id, contextLength: found.max_model_len ?? undefined };
}

/** One request, tried again while there is hope. @param body none for GET */
async function send(options: ClientOptions, route: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
  const url = `${options.url.replace(/\/+$/, '')}/${route}`;
  let failure = '';
  let cause: unknown;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (attempt > 0) await setTimeout(waitOf(attempt, cause), undefined, signal && { signal });
    const limit = AbortSignal.timeout(1000 * (options.timeoutSeconds ?? TIMEOUT_SECONDS));
    try {
      const response = await fetch(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          'content-type': 'application/json',
          ...(options.apiKey !== undefined && { authorization: `Bearer ${options.apiKey}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      const text = await response.text();
      if (response.ok) return readJson(url, text);
      failure = `${url} answers ${response.status}: ${text.slice(0, 200).replaceAll('\n', ' ')}`;
      cause = response.headers.get('retry-after');
      if (response.status !== 429 && response.status < 500) {
        throw new EvaluationError('EVALUATION_ENDPOINT', failure, { cause });
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof EvaluationError) throw error;
      // fetch hides the reason, such as a refused connection, in the cause.
      const reason = error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : error;
      failure = `${url} cannot be reached: ${String(reason)}`;
      cause = error;
    }
  }
  const message = `${failure} (tried ${TRIES} times); look whether the server runs, then run the same command again`;
  throw new EvaluationError('EVALUATION_ENDPOINT_DOWN', message, { cause });
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
    throw new EvaluationError('EVALUATION_ENDPOINT', `${url} answers with something that is not JSON`, { cause });
  }
}

function malformed(url: string, what: string): EvaluationError {
  return new EvaluationError('EVALUATION_ENDPOINT', `${url} answers with ${what}`);
}

/**
 * The engine elsewhere: a model that another OpenAI-compatible server runs, such as vLLM, llama.cpp's or our own.
 *
 * Every request goes there as one streamed completion, and its chunks come out as they come in. Giving a request up, and closing, ends
 * the connection, by which that server learns of it. A request is sent once: whether to try again is for the caller, who is told
 * when a busy server wants to be asked again.
 */
import { Endpoint, EndpointError, servedModelsSchema, servedPartSchema } from '@tunan/protocol/client';
import type { Engine, Occupancy } from '../../engine.ts';
import { aborted, closed, InferenceError } from '../../errors.ts';
import { type Generation, GenerationWriter } from '../../generation.ts';
import { type CheckedRequest, checkRequest, type GenerationRequest } from '../../request.ts';
import { AnswerReader } from './answer-reader.ts';
import { completionBody } from './completion-body.ts';
import { connectError, requestError } from './upstream-error.ts';

export interface RemoteEngineOptions {
  readonly apiKey?: string | undefined;
  /** Longest silence of the server; 120 when absent. */
  readonly timeoutSeconds?: number | undefined;
}

interface Upstream {
  readonly endpoint: Endpoint;
  /** The model as that server calls it, who owns it there, and its context, as far as the server tells. */
  readonly model: string;
  readonly owner: string | undefined;
  readonly contextLength: number | undefined;
}

/** An engine that asks a server; most callers want `openEngine`. */
export class RemoteEngine implements Engine {
  readonly kind = 'remote';
  readonly device = undefined;
  readonly contextLength: number | undefined;
  /** As the server calls it. */
  readonly model: string;
  readonly #upstream: Upstream;
  readonly #open = new Map<AbortController, number>();
  #closed = false;

  private constructor(upstream: Upstream) {
    this.#upstream = upstream;
    this.model = upstream.model;
    this.contextLength = upstream.contextLength;
  }

  /**
   * @param url up to and with the version, such as `http://127.0.0.1:8000/v1`; of several models there, `#` and the id of one
   * @throws InferenceError INFERENCE_UPSTREAM_…
   */
  static async connect(url: string, options: RemoteEngineOptions = {}, signal?: AbortSignal): Promise<RemoteEngine> {
    const [address = '', id] = url.split('#', 2);
    const asked = id === undefined ? undefined : decodeURIComponent(id);
    const endpoint = new Endpoint({ url: address, ...options });
    return new RemoteEngine({ endpoint, ...(await findModel(endpoint, asked, signal)) });
  }

  get occupancy(): Occupancy {
    return { running: [...this.#open.values()].reduce((sum, sequences) => sum + sequences, 0), waiting: 0 };
  }

  submit(request: GenerationRequest, signal?: AbortSignal): Generation {
    if (this.#closed) throw closed();
    if (signal?.aborted) throw aborted(signal);
    const checked = checkRequest(request);
    const { model, owner } = this.#upstream;
    const body = completionBody(checked, request.seed, model, owner);
    const abort = new AbortController();
    const generation = new GenerationWriter(() => abort.abort(aborted()));
    if (request.seed !== undefined) generation.note({ seed: request.seed });
    const giveUp = () => abort.abort(aborted(signal));
    signal?.addEventListener('abort', giveUp, { once: true });
    this.#open.set(abort, checked.prompts.length * checked.choices);
    generation.onEnd(() => {
      signal?.removeEventListener('abort', giveUp);
      this.#open.delete(abort);
    });
    void this.#run(checked, body, generation, abort.signal);
    return generation;
  }

  close(): void {
    this.#closed = true;
    for (const abort of [...this.#open.keys()]) abort.abort(closed());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Never rejects: what goes wrong goes to the reader. */
  async #run(
    request: CheckedRequest,
    body: Readonly<Record<string, unknown>>,
    generation: GenerationWriter,
    signal: AbortSignal,
  ): Promise<void> {
    const { endpoint, owner } = this.#upstream;
    try {
      const events = await endpoint.open('completions', body, signal);
      generation.accept();
      const reader = new AnswerReader(endpoint, request, generation, owner === 'tunan');
      for await (const data of events) {
        const part = endpoint.read(data, servedPartSchema);
        if (part.error !== undefined) {
          const { message } = part.error;
          throw new EndpointError('failed', {
            en: `${endpoint.url} fails in the middle: ${message}`,
            zh: `${endpoint.url} 中途出错：${message}`,
          });
        }
        reader.take(part);
      }
      reader.end();
      generation.end();
    } catch (error) {
      generation.end(requestError(error));
    }
  }
}

/** A server without a list of models is taken at its user's word. */
async function findModel(
  endpoint: Endpoint,
  asked: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Omit<Upstream, 'endpoint'>> {
  const { data } = await endpoint.ask('models', undefined, servedModelsSchema, signal).catch((error: unknown) => {
    const hasNoList = error instanceof EndpointError && error.kind === 'unknown';
    if (asked !== undefined && hasNoList) return { data: [{ id: asked, owned_by: null, max_model_len: null }] };
    throw connectError(error);
  });
  const [first, ...others] = data;
  const found = asked === undefined && others.length === 0 ? first : data.find(({ id }) => id === asked);
  if (found === undefined)
    throw unfit(
      endpoint.url,
      asked,
      data.map(({ id }) => id),
    );
  return { model: found.id, owner: found.owned_by ?? undefined, contextLength: found.max_model_len ?? undefined };
}

function unfit(url: string, asked: string | undefined, ids: readonly string[]): InferenceError {
  const example = `${url}#${ids[0]}`;
  const what =
    asked === undefined
      ? { en: `has several models: ${ids.join(', ')}`, zh: `有几个模型：${ids.join('、')}` }
      : { en: `has no model '${asked}', but ${ids.join(', ')}`, zh: `没有模型“${asked}”，只有 ${ids.join('、')}` };
  return new InferenceError('INFERENCE_UPSTREAM_UNFIT', {
    en: `${url} ${what.en}; write the one to use behind the address: ${example}`,
    zh: `${url} ${what.zh}；请在地址后写上要用的那个：${example}`,
  });
}

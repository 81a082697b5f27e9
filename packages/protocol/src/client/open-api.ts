/**
 * A typed client of the open API: models, completions, conversations, embeddings, whole and in parts. Works with our server and with other
 * OpenAI-compatible ones. Requests are checked by the server; each is sent once.
 */
import type { z } from 'zod';
import type { chatRequestSchema } from '../chat-request.ts';
import type { CompletionRequestInput } from '../completion-request.ts';
import type { EmbeddingsRequestInput } from '../embeddings.ts';
import {
  type ServedChat,
  type ServedChatPart,
  type ServedCompletion,
  type ServedEmbeddings,
  type ServedError,
  type ServedModel,
  type ServedPart,
  servedChatPartSchema,
  servedChatSchema,
  servedCompletionSchema,
  servedEmbeddingsSchema,
  servedModelsSchema,
  servedPartSchema,
} from './answers.ts';
import { Endpoint, type EndpointAddress } from './endpoint.ts';
import { EndpointError } from './endpoint-error.ts';

/** What is streamed or not is said by the method. */
type Whole<Body> = Omit<Body, 'stream' | 'stream_options'>;
export type CompletionInput = Whole<CompletionRequestInput>;
export type ChatInput = Whole<z.input<typeof chatRequestSchema>>;
export type EmbeddingsInput = Omit<EmbeddingsRequestInput, 'encoding_format'>;

export class OpenApi {
  readonly #endpoint: Endpoint;

  constructor(address: EndpointAddress) {
    this.#endpoint = new Endpoint(address);
  }

  /** @throws EndpointError, as every method here */
  async models(signal?: AbortSignal): Promise<readonly ServedModel[]> {
    return (await this.#endpoint.ask('models', undefined, servedModelsSchema, signal)).data;
  }

  async complete(body: CompletionInput, signal?: AbortSignal): Promise<ServedCompletion> {
    return await this.#endpoint.ask('completions', body, servedCompletionSchema, signal);
  }

  /** The last part has the usage. Leaving the loop early ends the request at the server too. */
  streamCompletion(body: CompletionInput, signal?: AbortSignal): AsyncGenerator<ServedPart, void, void> {
    return this.#parts('completions', body, servedPartSchema, signal);
  }

  async chat(body: ChatInput, signal?: AbortSignal): Promise<ServedChat> {
    return await this.#endpoint.ask('chat/completions', body, servedChatSchema, signal);
  }

  streamChat(body: ChatInput, signal?: AbortSignal): AsyncGenerator<ServedChatPart, void, void> {
    return this.#parts('chat/completions', body, servedChatPartSchema, signal);
  }

  /** A vector for each input, in their order. */
  async embed(body: EmbeddingsInput, signal?: AbortSignal): Promise<ServedEmbeddings> {
    return await this.#endpoint.ask('embeddings', body, servedEmbeddingsSchema, signal);
  }

  async *#parts<S extends z.ZodType<{ readonly error?: ServedError | undefined }>>(
    route: string,
    body: CompletionInput | ChatInput,
    schema: S,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<z.output<S>, void, void> {
    const streamed = { ...body, stream: true, stream_options: { include_usage: true } };
    for await (const event of await this.#endpoint.open(route, streamed, signal)) {
      const part = this.#endpoint.read(event, schema);
      if (part.error !== undefined) throw brokenOff(`${this.#endpoint.url}/${route}`, part.error);
      yield part;
    }
  }
}

/** What the server says in the middle of a stream. */
function brokenOff(url: string, answered: ServedError): EndpointError {
  const said = { en: `${url} breaks off: ${answered.message}`, zh: `${url} 中途出错：${answered.message}` };
  return new EndpointError('failed', said, { answered });
}

/** Embeddings of a server behind: one question, one answer, in the order of the inputs. */
import { type Endpoint, EndpointError, servedEmbeddingsSchema } from '@tunan/protocol/client';
import type { EmbeddedTexts, EmbeddingInput } from '../../engine.ts';
import { InferenceError } from '../../errors.ts';

/** @throws EndpointError; InferenceError where the server has no embeddings; the signal's reason */
export async function askEmbeddings(
  endpoint: Endpoint,
  body: { readonly model: string; readonly input: readonly EmbeddingInput[] },
  signal: AbortSignal,
  headers: Readonly<Record<string, string>>,
): Promise<EmbeddedTexts> {
  const { data, usage } = await ask(endpoint, body, signal, headers);
  const ordered = [...data].sort((a, b) => a.index - b.index);
  if (ordered.length !== body.input.length || ordered.some(({ index }, place) => index !== place)) {
    throw endpoint.malformed({ en: 'another number of embeddings', zh: '向量的数目不符' });
  }
  return {
    vectors: ordered.map(({ embedding }) => Float32Array.from(embedding)),
    promptTokens: usage?.prompt_tokens,
  };
}

async function ask(endpoint: Endpoint, body: object, signal: AbortSignal, headers: Readonly<Record<string, string>>) {
  try {
    return await endpoint.ask('embeddings', body, servedEmbeddingsSchema, signal, headers);
  } catch (cause) {
    if (!(cause instanceof EndpointError && cause.kind === 'unknown')) throw cause;
    const message = {
      en: 'the server that runs this model has no embeddings: ask for another model',
      zh: '运行此模型的服务不提供向量：请改用其他模型',
    };
    throw new InferenceError('INFERENCE_BAD_OPTION', message, { cause, option: 'model' });
  }
}

/** Which model a server runs, and what kind of server it is, as far as `/models` tells. */
import { type Endpoint, EndpointError, servedModelsSchema } from '@tunan/protocol/client';
import { InferenceError } from '../../errors.ts';
import { connectError } from './upstream-error.ts';

export interface UpstreamModel {
  /** As that server calls it. */
  readonly model: string;
  /** Who owns it there: vllm, sglang, llamacpp, tunan; undefined where the server does not tell. */
  readonly owner: string | undefined;
  readonly contextLength: number | undefined;
}

/**
 * A server without a list of models is taken at its user's word.
 * @param asked of several models there, the one to use
 * @throws InferenceError INFERENCE_UPSTREAM_…
 */
export async function findModel(
  endpoint: Endpoint,
  asked: string | undefined,
  signal: AbortSignal | undefined,
): Promise<UpstreamModel> {
  const { data } = await endpoint.ask('models', undefined, servedModelsSchema, signal).catch((error: unknown) => {
    const hasNoList = error instanceof EndpointError && error.kind === 'unknown';
    if (asked !== undefined && hasNoList) return { data: [{ id: asked, owned_by: null, max_model_len: null }] };
    throw connectError(error);
  });
  const [first, ...others] = data;
  const found = asked === undefined && others.length === 0 ? first : data.find(({ id }) => id === asked);
  if (found === undefined) {
    const ids = data.map(({ id }) => id);
    throw unfit(endpoint.url, asked, ids);
  }
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

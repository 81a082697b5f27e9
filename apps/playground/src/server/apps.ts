/** Requests below `/v1/apps`, in the name of the key that was entered. */
import type { App, AppBody, AppRun, AppRunInput, AppRunPart, ErrorBody } from '@tunan/protocol';
import { apiKey } from './access.ts';
import { type Asked, ask, ServerError } from './ask.ts';

/** The server has filled in every default of its file. */
export type OpenedApp = Omit<AppBody, 'app'> & { readonly app: App };

/** @param path behind `/v1/apps/`; empty for the list @throws ServerError */
export async function askApps<T>(path: string, asked: Asked = {}): Promise<T> {
  const key = apiKey.peek();
  const headers = { ...(key !== '' && { authorization: `Bearer ${key}` }), ...asked.headers };
  return await ask<T>(path === '' ? 'v1/apps' : `v1/apps/${path}`, { ...asked, headers });
}

/** The parts of a streamed run, and at last the whole. @throws EndpointError, or ServerError for what goes wrong on the way */
export async function* streamRun(
  id: string,
  body: AppRunInput,
  signal: AbortSignal,
): AsyncGenerator<AppRunPart | AppRun, void, void> {
  const { endpoint } = await import('./open-api.ts');
  const events = await endpoint(body.model ?? undefined).open(
    `apps/${encodeURIComponent(id)}`,
    { ...body, stream: true },
    signal,
  );
  for await (const event of events) {
    const part = JSON.parse(event) as AppRunPart | AppRun | ErrorBody;
    if ('error' in part) throw new ServerError(part.error.message, { code: part.error.code });
    yield part;
  }
}

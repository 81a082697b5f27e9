/** Serves models over HTTP, with the page of the playground, until the process is asked to stop. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RequestEntry } from '@tunan/api';
import type { ModelPool } from '@tunan/inference';
import { text } from './language.ts';
import type { StopSignal } from './stop-signal.ts';

export interface ServedModels {
  /** Closed at the end. */
  readonly models: ModelPool;
  readonly host: string;
  /** The port, and whether any free one will do when it is taken. */
  readonly port: number;
  readonly portMayChange?: boolean;
  readonly settings?: ServeSettings;
}

/** What an operator may choose; absent is the default of the server. */
export interface ServeSettings {
  readonly bodyLimit?: number | undefined;
  readonly drainMilliseconds?: number | undefined;
  readonly apiKeys?: readonly string[];
  readonly corsOrigins?: readonly string[];
  /** A JSON line on standard error for each request. */
  readonly logRequests?: boolean;
}

/** Prints the address, and returns when `stop` was asked for and running requests have ended. */
export async function serveModels(served: ServedModels, stop: StopSignal): Promise<void> {
  const { models, host, port, portMayChange = false } = served;
  using _models = models;
  const { ApiError, serve } = await import('@tunan/api');
  const { logRequests = false, ...settings } = served.settings ?? {};
  const page = readFileSync(fileURLToPath(import.meta.resolve('@tunan/playground/index.html')), 'utf8');
  const onRequest = (entry: RequestEntry) => void process.stderr.write(`${JSON.stringify(entry)}\n`);
  const options = { models, page, host, ...settings, ...(logRequests && { onRequest }) };
  const serving = await serve({ ...options, port }).catch((error: unknown) => {
    const taken = error instanceof ApiError && error.code === 'API_PORT_IN_USE';
    if (taken && portMayChange) return serve({ ...options, port: 0 });
    throw error;
  });
  const { url } = serving;
  const { names } = models;
  process.stdout.write(
    text(
      `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} served at ${url} (page: ${url}/, API: ${url}/v1/completions; Ctrl-C ends it)\n`,
      `${names.join('、')} 已在 ${url} 提供服务（页面：${url}/，API：${url}/v1/completions；Ctrl-C 结束）\n`,
    ),
  );
  await stop.wait();
  await serving.close();
}

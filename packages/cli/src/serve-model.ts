/** Serves one model over HTTP, with the page of the playground, until the process is asked to stop. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RequestEntry } from '@tunan/api';
import type { YuanLM } from '@tunan/model';
import type { Tokenizer } from '@tunan/tokenizer';
import { text } from './language.ts';
import type { StopSignal } from './stop-signal.ts';

export interface ServedModel {
  readonly model: YuanLM;
  readonly tokenizer: Tokenizer;
  readonly name: string;
  readonly host: string;
  /** The port, and whether any free one will do when it is taken. */
  readonly port: number;
  readonly portMayChange?: boolean;
  readonly settings?: ServeSettings;
}

/** What an operator may choose; absent is the default of the server or the engine. */
export interface ServeSettings {
  readonly batchSize?: number | undefined;
  readonly waitingSize?: number | undefined;
  readonly bodyLimit?: number | undefined;
  readonly drainMilliseconds?: number | undefined;
  readonly apiKeys?: readonly string[];
  readonly corsOrigins?: readonly string[];
  /** A JSON line on standard error for each request. */
  readonly logRequests?: boolean;
}

/** Prints the address, and returns when `stop` was asked for and running requests have ended. */
export async function serveModel(served: ServedModel, stop: StopSignal): Promise<void> {
  const [{ ApiError, serve }, { TorchEngine }] = await Promise.all([import('@tunan/api'), import('@tunan/inference')]);
  const { batchSize, waitingSize, logRequests = false, ...settings } = served.settings ?? {};
  using engine = new TorchEngine(served.model, served.tokenizer, present({ batchSize, waitingSize }));
  const page = readFileSync(fileURLToPath(import.meta.resolve('@tunan/playground/index.html')), 'utf8');
  const onRequest = (entry: RequestEntry) => void process.stderr.write(`${JSON.stringify(entry)}\n`);
  const chosen = { ...present(settings), ...(logRequests && { onRequest }) };
  const options = { models: new Map([[served.name, engine]]), page, host: served.host, ...chosen };
  const serving = await serve({ ...options, port: served.port }).catch((error: unknown) => {
    const taken = error instanceof ApiError && error.code === 'API_PORT_IN_USE';
    if (taken && served.portMayChange === true) return serve({ ...options, port: 0 });
    throw error;
  });
  const { url } = serving;
  process.stdout.write(
    text(
      `${served.name} is served at ${url} (page: ${url}/, API: ${url}/v1/completions; Ctrl-C ends it)\n`,
      `${served.name} 已在 ${url} 提供服务（页面：${url}/，API：${url}/v1/completions；Ctrl-C 结束）\n`,
    ),
  );
  await stop.wait();
  await serving.close();
}

type Present<T> = { readonly [name in keyof T]: Exclude<T[name], undefined> };

/** Without the settings that are absent. */
function present<T extends object>(settings: T): Partial<Present<T>> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Partial<Present<T>>;
}

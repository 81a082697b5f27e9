/**
 * Listens, and closes without cutting anyone off.
 *
 * Closing refuses new requests at once, lets those that are running finish for a while, and then aborts the rest. The
 * engine is the caller's, who closes it afterwards. Does not handle signals: that is for the program.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { InferenceError } from '@tunan/inference';
import { ApiError } from './errors/errors.ts';
import { buildServer, type Server, type ServerOptions } from './server.ts';

export interface ServeOptions extends ServerOptions {
  /** '127.0.0.1' when absent: only this machine. */
  readonly host?: string;
  /** Lets everyone who reaches a wider address call, where there are neither accounts nor keys; refused when absent. */
  readonly open?: boolean | undefined;
  /** 8000 when absent; 0 takes any free one. */
  readonly port?: number;
  /** How long running requests may go on after close(); 10 000 ms when absent. */
  readonly drainMilliseconds?: number | undefined;
}

export interface Serving {
  /** Such as http://127.0.0.1:8000 */
  readonly url: string;
  close(): Promise<void>;
}

/** What decides whether a server may listen where it is asked to. */
export interface WantedAddress {
  readonly host: string;
  readonly port: number;
  readonly hasAccounts: boolean;
  readonly apiKeys?: readonly string[] | undefined;
  readonly open?: boolean | undefined;
  /** Corpora, runs and evaluations are to be shown. */
  readonly hasWorkspace?: boolean;
}

/** Whether `serve` could listen now: to be asked before models are loaded, which takes long. @throws ApiError */
export async function requireAddress(wanted: WantedAddress): Promise<void> {
  requireGuarded(wanted);
  const { host, port } = wanted;
  const probe = createServer();
  try {
    probe.listen({ host, port });
    await once(probe, 'listening');
  } catch (error) {
    throw listenError(error, host, port);
  } finally {
    probe.close();
  }
}

/** @throws ApiError when the address cannot be had */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { host = '127.0.0.1', port = 8000, drainMilliseconds = 10_000 } = options;
  requireGuarded({
    ...{ ...options, host, port },
    hasAccounts: options.accounts !== undefined,
    hasWorkspace: options.workspace !== undefined,
  });
  const server = buildServer(options);
  try {
    await server.app.listen({ host, port });
  } catch (error) {
    await server.app.close();
    throw listenError(error, host, port);
  }
  const address = server.app.server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${name}:${address.port}`,
    close: () => {
      closing ??= drain(server, drainMilliseconds);
      return closing;
    },
  };
}

/** Whether an address is reached from this machine alone. */
const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);

/** @throws ApiError where everyone could call who reaches the address, and nobody has said that they may */
function requireGuarded(wanted: WantedAddress): void {
  const { host, hasAccounts, apiKeys = [], open = false, hasWorkspace = false } = wanted;
  if (hasWorkspace && !hasAccounts && (!isLoopback(host) || apiKeys.length > 0)) {
    throw new ApiError('API_WORKSPACE', {
      en: 'corpora, runs and evaluations are for admins: switch accounts on with --accounts FILE, or serve this machine alone, without --host and --api-key',
      zh: '语料、训练与评测仅供管理员查看：请用 --accounts FILE 启用账户，或只供本机使用（不加 --host 与 --api-key）',
    });
  }
  if (isLoopback(host) || hasAccounts || apiKeys.length > 0 || open) return;
  throw new ApiError('API_OPEN_ADDRESS', {
    en: `on ${host} everyone who reaches this machine could use the models: switch accounts on with --accounts FILE, set a key with --api-key, or say --open if that is meant`,
    zh: `在 ${host} 上，凡能连到本机的人都能使用模型：请用 --accounts FILE 启用账户，或用 --api-key 设密钥；确需开放时加 --open`,
  });
}

/** For the error that an aborted answer ends with. */
const LAST_WORDS_MILLISECONDS = 1_000;

async function drain({ app, open }: Server, milliseconds: number): Promise<void> {
  let last: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    const reason = new InferenceError('INFERENCE_CLOSED', {
      en: 'the server is closing: send the request again later',
      zh: '服务器正在关闭：请稍后重新发送请求',
    });
    for (const abort of open) abort.abort(reason);
    // A client that does not read its last event would hold the server for ever.
    last = setTimeout(() => app.server.closeAllConnections(), LAST_WORDS_MILLISECONDS);
  }, milliseconds);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
    clearTimeout(last);
  }
}

function listenError(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const refused = (kind: ApiError['code'], en: string, zh: string) => new ApiError(kind, { en, zh }, { cause: error });
  if (code === 'EADDRINUSE') {
    return refused(
      'API_PORT_IN_USE',
      `port ${port} of ${host} is in use: choose another with --port N, or any free one with --port 0`,
      `${host} 的端口 ${port} 已被占用：请用 --port N 另选一个，或用 --port 0 任取空闲端口`,
    );
  }
  if (code === 'EACCES') {
    return refused(
      'API_PORT_FORBIDDEN',
      `this user may not listen on port ${port}: choose one above 1023 with --port N`,
      `当前用户不能监听端口 ${port}：请用 --port N 选一个大于 1023 的`,
    );
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return refused(
      'API_BAD_ADDRESS',
      `${host} is no address of this machine: choose one with --host, such as 127.0.0.1`,
      `${host} 不是本机地址：请用 --host 指定一个，例如 127.0.0.1`,
    );
  }
  if (code === 'ERR_SOCKET_BAD_PORT') {
    return refused(
      'API_BAD_ADDRESS',
      `${port} is no port: choose one from 0 to 65535 with --port N`,
      `${port} 不是端口号：请用 --port N 选一个，从 0 到 65535`,
    );
  }
  return error;
}

/**
 * Yuan 1.0's own protocol from the client's side, for our server (`tunan serve`) and any other that speaks it: ask, then look for the result
 * until it is there.
 *
 * The token needs MD5, which Node has and browsers have not: there it is given.
 */
import { YUAN_RESULT, YUAN_SUBMIT, yuanReplySchema, yuanTokenText } from '../yuan.ts';
import { Endpoint, type EndpointAddress } from './endpoint.ts';
import { EndpointError, type EndpointErrorKind } from './endpoint-error.ts';
import type { YuanAnswerer } from './yuan.ts';

export interface YuanAddress extends Pick<EndpointAddress, 'timeoutSeconds' | 'send'> {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** `base_10B`, `translate`, `dialog`, `rhythm_poems`, or what the server calls its models. */
  readonly engine: string;
  readonly account: string;
  readonly phone: string;
  /** How long a result is waited for; 60 when absent. */
  readonly waitSeconds?: number;
  /** In hexadecimal digits; Node's when absent. */
  readonly md5?: (text: string) => string | Promise<string>;
}

/** Between two looks for a result: soon at first, and at last as seldom as the original's client. */
const FIRST_MILLISECONDS = 50;
const LAST_MILLISECONDS = 3_000;
const WAIT_SECONDS = 60;

const KINDS: Readonly<Record<string, EndpointErrorKind>> = {
  ...{ IBASE_TOKEN_ERROR: 'key', IBASE_PARAM_ERROR: 'refused', IBASE_REQUEST_NOT_FOUND: 'unknown' },
  ...{ IBASE_LIMIT_ERROR: 'busy', IBASE_BUSY: 'busy' },
};

/** What answers of Yuan come from. Throws EndpointError. */
export function yuanEndpoint(address: YuanAddress): YuanAnswerer {
  const { url, engine, account, phone, waitSeconds = WAIT_SECONDS, md5 = nodeMd5 } = address;
  const headers = async () => ({ token: await md5(yuanTokenText(account, phone, Date.now())) });
  const endpoint = new Endpoint({ url, headers, timeoutSeconds: address.timeoutSeconds, send: address.send });
  const ask = async (route: string, query: Readonly<Record<string, string | number>>, signal?: AbortSignal) => {
    const values = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    const reply = await endpoint.ask(`${route.slice(1)}?${values.join('&')}`, undefined, yuanReplySchema, signal);
    if (reply.flag) return reply.resData;
    const { errCode, errMessage, exceptionMsg } = reply;
    const what = [errCode, errMessage, exceptionMsg].filter((part) => part !== null).join(' ');
    const said = { en: `${url} refuses: ${what}`, zh: `${url} 拒绝：${what}` };
    throw new EndpointError(KINDS[errCode ?? ''] ?? 'failed', said);
  };
  return async (query, { maxTokens, ...sampling }, _stops, signal) => {
    const asked = { engine, account, data: query, ...sampling, tokensToGenerate: maxTokens, type: 'api' };
    const requestId = await ask(YUAN_SUBMIT, asked, signal);
    if (requestId === null) throw endpoint.malformed({ en: 'no number of the request', zh: '缺少请求编号' });
    const end = Date.now() + 1000 * waitSeconds;
    for (let wait = FIRST_MILLISECONDS; ; wait = Math.min(2 * wait, LAST_MILLISECONDS)) {
      const text = await ask(YUAN_RESULT, { account, requestId }, signal);
      if (text !== null) return text;
      if (Date.now() + wait > end) {
        const said = {
          en: `${url} has no result within ${waitSeconds} s`,
          zh: `${url} 在 ${waitSeconds} 秒内没有结果`,
        };
        throw new EndpointError('slow', said);
      }
      await pause(wait, signal);
    }
  };
}

async function nodeMd5(text: string): Promise<string> {
  const { createHash } = await import('node:crypto');
  return createHash('md5').update(text).digest('hex');
}

/** @throws the signal's reason when it aborts */
async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done);
  });
  signal?.throwIfAborted();
}

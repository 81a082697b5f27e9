/**
 * Files by http(s): fetched once into a folder and kept there. A download that broke off goes on where it stopped
 * (Range with If-Range, so that a file that changed meanwhile begins anew); what is complete has been seen whole, with
 * its SHA-256 where the recipe gives one. Servers that are busy are asked again, politely later.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileSha256 } from '@tunan/files';
import { makeFolder } from '../directory/output-directory.ts';
import { CorpusError, writeProblem } from '../errors.ts';

const ATTEMPTS = 6;
const FIRST_WAIT_MILLISECONDS = 500;
const LONGEST_WAIT_MILLISECONDS = 60_000;
/** A server that sends nothing for so long is given up and asked again. */
const STALL_MILLISECONDS = 60_000;

export interface Remote {
  url: string;
  sha256?: string;
}

/** The local path of a file that is there, or undefined: names are made of the address, so that two never meet. */
export function downloadedPath(folder: string, url: string): string {
  const name = basename(new URL(url).pathname).replace(/[^\w.-]/g, '_') || 'index';
  return join(folder, `${createHash('sha256').update(url).digest('hex').slice(0, 12)}-${name}`);
}

/**
 * Fetches a file unless it is there already.
 * @param onBytes called with the bytes of each piece that arrives
 * @throws CorpusError CORPUS_DOWNLOAD when the server refuses or goes away, CORPUS_CHECKSUM when the content is another
 */
export async function download(
  remote: Remote,
  folder: string,
  onBytes: (bytes: number) => void = () => {},
): Promise<string> {
  const path = downloadedPath(folder, remote.url);
  if (existsSync(path)) return path;
  const partial = `${path}.part`;
  makeFolder(folder);
  await withRetries(remote.url, () => fetchInto(remote.url, partial, onBytes));
  await requireDigest(remote, partial);
  rmSync(validatorPath(partial), { force: true });
  renameSync(partial, path);
  return path;
}

/** Runs a request until it succeeds; waits twice as long each time. */
export async function withRetries<T>(url: string, request: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      if (error instanceof CorpusError) throw error;
      const { retryAfter } = error as { retryAfter?: number };
      if (attempt === ATTEMPTS || !isPassing(error)) throw downloadProblem(url, error);
      const wait = retryAfter === undefined ? FIRST_WAIT_MILLISECONDS * 2 ** (attempt - 1) : retryAfter * 1000;
      await sleep(Math.min(wait, LONGEST_WAIT_MILLISECONDS));
    }
  }
}

/** An answer that is no success. */
export class HttpStatusError extends Error {
  readonly status: number;
  readonly retryAfter: number | undefined;

  constructor(response: Response) {
    super(`the server answers ${response.status}${response.statusText === '' ? '' : ` ${response.statusText}`}`);
    this.status = response.status;
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    this.retryAfter = Number.isFinite(seconds) ? seconds : undefined;
  }
}

/** The bytes from `start` to `end` (not included), and nothing else. */
export async function fetchRange(url: string, start: number, end: number): Promise<Buffer> {
  return await withRetries(url, async () => {
    const signal = AbortSignal.timeout(2 * STALL_MILLISECONDS);
    const response = await fetch(url, { headers: { range: `bytes=${start}-${end - 1}` }, signal });
    if (response.status !== 206) {
      await response.body?.cancel();
      if (response.ok)
        throw new CorpusError('CORPUS_DOWNLOAD', {
          en: `${url}: the server gives no byte ranges; name another`,
          zh: `${url}：服务器不支持按字节区间下载；请换一个`,
        });
      throw new HttpStatusError(response);
    }
    const bytes = Buffer.from(await response.arrayBuffer());
    if (bytes.length !== end - start) throw new Error(`${bytes.length} of ${end - start} bytes came`);
    return bytes;
  });
}

/** Status codes that pass: too many requests, and the server's own trouble. Broken connections pass too. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof HttpStatusError)) return !(error instanceof TypeError && /invalid url/i.test(error.message));
  return error.status === 429 || error.status === 408 || error.status >= 500;
}

function downloadProblem(url: string, cause: unknown): CorpusError {
  const inner = (cause as { cause?: unknown }).cause;
  const reason = inner instanceof Error && inner.message !== '' ? inner.message : (cause as Error).message;
  const passes = isPassing(cause);
  const problem = {
    en: `cannot fetch ${url}: ${reason}; ${passes ? 'what came is kept, run the command again to go on' : 'check the address'}`,
    zh: `无法下载 ${url}（${reason}）；${passes ? '已下载的部分保留，重新运行命令即可继续' : '请检查网址'}`,
  };
  return new CorpusError('CORPUS_DOWNLOAD', problem, { cause });
}

async function fetchInto(url: string, partial: string, onBytes: (bytes: number) => void): Promise<void> {
  const validator = existsSync(validatorPath(partial)) ? readFileSync(validatorPath(partial), 'utf8') : undefined;
  const have = validator === undefined ? 0 : (statSync(partial, { throwIfNoEntry: false })?.size ?? 0);
  const stall = new AbortController();
  let timer = setTimeout(() => stall.abort(), STALL_MILLISECONDS);
  const headers: Record<string, string> = have > 0 ? { range: `bytes=${have}-`, 'if-range': validator! } : {};
  // As it lies on the server: a transfer that is compressed on the way could not be resumed by its bytes.
  const response = await fetch(url, { headers: { ...headers, 'accept-encoding': 'identity' }, signal: stall.signal });
  try {
    if (response.status === 416 && have > 0) {
      rmSync(partial); // the file became shorter than what is here
      throw new Error('the file changed on the server');
    }
    if (!response.ok) throw new HttpStatusError(response);
    const resumed = response.status === 206;
    const total = expectedSize(response, resumed ? have : 0);
    if (!resumed) startAnew(partial, response);
    const file = await open(partial, resumed ? 'a' : 'w');
    let size = resumed ? have : 0;
    try {
      for await (const piece of response.body ?? []) {
        clearTimeout(timer);
        timer = setTimeout(() => stall.abort(), STALL_MILLISECONDS);
        await file.appendFile(piece as Uint8Array);
        size += (piece as Uint8Array).length;
        onBytes((piece as Uint8Array).length);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    if (total !== undefined && size !== total) throw new Error(`${size} of ${total} bytes came`);
  } catch (error) {
    throw writeProblem(partial, error);
  } finally {
    clearTimeout(timer);
    if (response.body !== null && !response.bodyUsed) await response.body.cancel();
  }
}

/** Only a file that its server can name a version of can be resumed. */
function startAnew(partial: string, response: Response): void {
  const etag = response.headers.get('etag');
  const validator = etag?.startsWith('"') === true ? etag : response.headers.get('last-modified');
  if (existsSync(partial)) truncateSync(partial);
  if (validator === null || validator === undefined) rmSync(validatorPath(partial), { force: true });
  else writeFileSync(validatorPath(partial), validator);
}

function expectedSize(response: Response, have: number): number | undefined {
  const length = response.headers.get('content-length');
  return length === null || response.headers.has('content-encoding') ? undefined : have + Number(length);
}

function validatorPath(partial: string): string {
  return `${partial}.version`;
}

async function requireDigest({ url, sha256 }: Remote, path: string): Promise<void> {
  if (sha256 === undefined) return;
  const digest = await fileSha256(path);
  if (digest === sha256) return;
  rmSync(path);
  const problem = {
    en: `${url} is not what the recipe names: SHA-256 ${digest}, not ${sha256}; it was thrown away`,
    zh: `${url} 与配方所写不符：SHA-256 为 ${digest}，应为 ${sha256}；已丢弃`,
  };
  throw new CorpusError('CORPUS_CHECKSUM', problem);
}

/**
 * A batch: requests from a file of JSON lines, answers into another.
 *
 * A line is the body of a request of the API, completions or (with `messages`) chat, and an `id`, a text or number; without one it is known by
 * its number. An answer is a line too, with the id in front, in the order in which answers are finished. All requests are checked before
 * the first is answered. Started again with the same files it goes on: what is answered stays, a last line that was torn is taken off.
 */
import { closeSync, createReadStream, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { RequestBody } from '@tunan/api';
import type { Said } from '@tunan/files';
import type { Engine } from '@tunan/inference';
import { CommandLineError } from '../errors.ts';
import { text } from '../language.ts';
import { ProgressLine } from '../progress.ts';

export interface Batch {
  readonly input: string;
  readonly output: string;
  /** Fields of all lines that do not say otherwise. */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly engine: Engine;
  /** For answers. */
  readonly model: string;
  /** Requests that are asked at the same time. */
  readonly parallel: number;
}

export interface BatchResult {
  /** Answered now, answered before, refused by the engine. */
  readonly answered: number;
  readonly kept: number;
  readonly failed: number;
  readonly completionTokens: number;
  readonly stopped: boolean;
}

type Id = string | number;

/** @throws CommandLineError naming the line at fault; requests that the engine refuses are lines with `error` */
export async function runBatch(batch: Batch, signal?: AbortSignal): Promise<BatchResult> {
  const ids = await checkRequests(batch);
  const answered = readAnswers(batch, ids);
  const file = openSync(batch.output, 'a');
  const progress = new ProgressLine();
  const count = { answered: 0, failed: 0, completionTokens: 0 };
  const running = new Set<Promise<void>>();
  const show = () => {
    const done = answered.size + count.answered + count.failed;
    const line = text(
      `${done} of ${ids.size} answered, ${count.completionTokens} tokens`,
      `已回答 ${done}/${ids.size}，${count.completionTokens} 个词元`,
    );
    progress.show(line);
  };
  try {
    let failure: unknown;
    for await (const { id, request } of requestsOf(batch)) {
      if (answered.has(id)) continue;
      while (running.size >= batch.parallel) await Promise.race(running);
      if (signal?.aborted || failure !== undefined) break;
      const task = answerLine(batch, id, request, signal)
        .then((answer) => {
          if (answer === undefined) return;
          writeSync(file, `${JSON.stringify(answer)}\n`);
          if ('error' in answer) count.failed++;
          else count.answered++;
          count.completionTokens += answer.tokens ?? 0;
          show();
        })
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => running.delete(task));
      running.add(task);
    }
    await Promise.all(running);
    if (failure !== undefined) throw failure;
  } finally {
    closeSync(file);
    progress.end();
  }
  return { ...count, kept: answered.size, stopped: signal?.aborted === true };
}

interface Line {
  readonly number: number;
  readonly id: Id;
  readonly request: RequestBody;
}

/** The requests one by one. @throws CommandLineError naming the line at fault */
async function* requestsOf({ input, defaults }: Batch): AsyncGenerator<Line> {
  const { readRequestBody } = await import('@tunan/api');
  const lines = createInterface({ input: createReadStream(input), crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  for await (const line of lines) {
    number++;
    const value = line.replace(/^\ufeff/, '').trim();
    if (value === '') continue;
    const mistake = (en: string, zh: string) => lineError(input, number, { en, zh });
    const fields = parsed(value);
    if (fields === undefined) throw mistake('is no JSON object', '不是 JSON 对象');
    const { id = number, stream, ...body } = fields;
    if (typeof id !== 'string' && typeof id !== 'number')
      throw mistake('id must be a text or a number', 'id 应为文本或数字');
    if (stream === true) throw mistake('stream is not for batches; leave it out', '批处理不支持 stream；请删去');
    const read = readRequestBody({ ...fitting(defaults, body), ...body }, text('en', 'zh') as 'en' | 'zh');
    if ('mistake' in read) throw mistake(read.mistake, read.mistake);
    const [unknown] = read.ignored;
    if (unknown !== undefined) {
      throw mistake(`the field '${unknown}' is not known; leave it out`, `未知字段“${unknown}”；请删去`);
    }
    yield { number, id, request: read.request };
  }
}

/** A constraint of the line stands for that of the command line, under whatever name. */
function fitting(defaults: Batch['defaults'], body: object): Batch['defaults'] {
  const constraints = ['json_schema', 'structured_outputs', 'grammar', 'response_format'];
  if (!constraints.some((name) => Object.hasOwn(body, name))) return defaults;
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => !constraints.includes(name)));
}

/** The ids of all requests, every one of which is well-formed. */
async function checkRequests(batch: Batch): Promise<ReadonlySet<Id>> {
  const ids = new Set<Id>();
  for await (const { number, id } of requestsOf(batch)) {
    if (ids.has(id)) {
      const shown = JSON.stringify(id);
      throw lineError(batch.input, number, { en: `the id ${shown} stands twice`, zh: `id ${shown} 重复` });
    }
    ids.add(id);
  }
  return ids;
}

/** The ids that the output answers already. Takes off a last line that was torn. */
function readAnswers({ input, output }: Batch, ids: ReadonlySet<Id>): ReadonlySet<Id> {
  const answered = new Set<Id>();
  if (!existsSync(output)) return answered;
  const bytes = readFileSync(output);
  const whole = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
  for (const [index, line] of lines.entries()) {
    const id = parsed(line)?.id;
    if ((typeof id === 'string' || typeof id === 'number') && ids.has(id)) {
      answered.add(id);
      continue;
    }
    throw lineError(output, index + 1, {
      en: `is no answer to a request of ${input}; give another --out, or move the file away`,
      zh: `不是对 ${input} 中请求的回答；请另选 --out，或移走该文件`,
    });
  }
  if (whole < bytes.length) truncateSync(output, whole);
  return answered;
}

/** Undefined where it was stopped. */
async function answerLine(
  batch: Batch,
  id: Id,
  request: RequestBody,
  signal: AbortSignal | undefined,
): Promise<{ id: Id; tokens?: number } | undefined> {
  const { answerBody } = await import('@tunan/api');
  for (;;) {
    try {
      const answer = await answerBody(batch.engine, batch.model, request, signal);
      const line = { id, ...answer };
      // Counted, and not written.
      return Object.defineProperty(line, 'tokens', { value: answer.usage?.completion_tokens, enumerable: false });
    } catch (error) {
      if (signal?.aborted) return undefined;
      const { code, retryAfter, option } = error as { code?: string; retryAfter?: number; option?: string };
      if (code === 'INFERENCE_QUEUE_FULL') {
        await delay((retryAfter ?? 1) * 1000, undefined, { signal }).catch(() => undefined);
        continue;
      }
      if (code !== 'INFERENCE_BAD_OPTION' && code !== 'INFERENCE_PROMPT_TOO_LONG') throw error;
      return { id, error: { message: (error as Error).message, code, param: option ?? null } } as { id: Id };
    }
  }
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function lineError(file: string, line: number, what: Said): CommandLineError {
  return new CommandLineError('CLI_BATCH', {
    en: `${file}, line ${line}: ${what.en}`,
    zh: `${file} 第 ${line} 行：${what.zh}`,
  });
}

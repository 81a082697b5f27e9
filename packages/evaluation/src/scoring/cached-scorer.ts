/**
 * Remembers scores on disk, so that an interrupted evaluation goes on where it was, and several processes work on one.
 *
 * The cache is a directory of JSON lines, `{"key", "scores"}`; the key is a hash of the scorer's identity and the request. Every
 * process appends to a file of its own and reads those of all; a line that is torn or damaged is computed again. Requests are scored in portions, each written before the next begins.
 */

import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { clauseOf, EvaluationError } from '../errors.ts';
import type { CandidateScore, ScoreOptions, ScoreRequest, Scorer } from './scorer.ts';

/** Requests computed between two writes. */
const PORTION = 256;

export class CachedScorer implements Scorer, Disposable {
  readonly identity: string;
  readonly contextLength: number;
  readonly joins: boolean;
  readonly #scorer: Scorer;
  readonly #directory: string;
  /** log-probability and tokens of each candidate, side by side. */
  readonly #known = new Map<string, Float64Array>();
  #handle: number | undefined;
  #damaged = 0;

  /** @throws EvaluationError EVALUATION_CACHE when the directory cannot be made or read */
  constructor(scorer: Scorer, directory: string) {
    this.identity = scorer.identity;
    this.contextLength = scorer.contextLength;
    this.joins = scorer.joins ?? false;
    this.#scorer = scorer;
    this.#directory = directory;
    try {
      mkdirSync(directory, { recursive: true });
      for (const name of readdirSync(directory)) {
        if (name.endsWith('.jsonl')) this.#read(path.join(directory, name));
      }
    } catch (cause) {
      throw cacheError(directory, cause);
    }
  }

  /** Lines that could not be read: their scores are computed again. */
  get damagedLines(): number {
    return this.#damaged;
  }

  countTokens(text: string): number {
    return this.#scorer.countTokens(text);
  }

  async score(requests: readonly ScoreRequest[], options: ScoreOptions = {}): Promise<CandidateScore[][]> {
    const keys = requests.map((request) => this.#key(request));
    const missing = new Map<string, ScoreRequest>();
    keys.forEach((key, i) => {
      if (!this.#known.has(key)) missing.set(key, requests[i]!);
    });
    const found = requests.length - missing.size;
    options.onProgress?.(found, requests.length);
    const list = [...missing];
    for (let start = 0; start < list.length; start += PORTION) {
      const portion = list.slice(start, start + PORTION);
      const scores = await this.#scorer.score(
        portion.map(([, request]) => request),
        { ...options, onProgress: (done) => options.onProgress?.(found + start + done, requests.length) },
      );
      this.#write(portion.map(([key], i) => [key, scores[i]!]));
    }
    return keys.map((key) => unpack(this.#known.get(key)!));
  }

  [Symbol.dispose](): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }

  #key(request: ScoreRequest): string {
    const { context, candidates, firstTokenOnly = false } = request;
    const content = [this.identity, context, candidates.map(({ given, scored }) => [given, scored]), firstTokenOnly];
    return createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 24);
  }

  #read(file: string): void {
    const lines = readFileSync(file, 'utf8').split('\n');
    lines.pop(); // what stands behind the last line feed was torn, or is nothing
    for (const line of lines) {
      const entry = readEntry(line);
      if (entry === undefined) this.#damaged++;
      else this.#known.set(entry.key, Float64Array.from(entry.scores));
    }
  }

  #write(entries: readonly (readonly [string, readonly CandidateScore[]])[]): void {
    try {
      this.#handle ??= openSync(path.join(this.#directory, `${Date.now()}-${process.pid}.jsonl`), 'a');
      const packed = entries.map(([key, scores]) => {
        const flat = scores.flatMap(({ logprob, tokens }) => [logprob, tokens]);
        this.#known.set(key, Float64Array.from(flat));
        return `${JSON.stringify({ key, scores: flat })}\n`;
      });
      writeFileSync(this.#handle, packed.join(''));
    } catch (cause) {
      throw cacheError(this.#directory, cause);
    }
  }
}

/** Undefined for a line that is not what `#write` makes. */
function readEntry(line: string): { key: string; scores: readonly number[] } | undefined {
  let entry: { key?: unknown; scores?: unknown } | null;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined; // no JSON: damaged, as anything else of another form
  }
  const { key, scores } = entry ?? {};
  const whole = typeof key === 'string' && Array.isArray(scores) && scores.length > 0 && scores.length % 2 === 0;
  return whole && scores.every(Number.isFinite) ? { key, scores } : undefined;
}

function unpack(flat: Float64Array): CandidateScore[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => ({ logprob: flat[2 * i]!, tokens: flat[2 * i + 1]! }));
}

function cacheError(directory: string, cause: unknown): EvaluationError {
  const { en, zh } = clauseOf(cause);
  const message = {
    en: `the cache of scores in ${directory}: ${en}; fix this, then run the same command again`,
    zh: `得分缓存 ${directory}：${zh}；处理后再次运行同一命令`,
  };
  return new EvaluationError('EVALUATION_CACHE', message, { cause });
}

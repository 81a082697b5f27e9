/** What `--model` names, opened: directories and addresses, each with the name under which it is served. */
import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { ModelEvent, ModelPool, OpenOptions } from '@tunan/inference';
import { UsageError } from './errors.ts';
import { text } from './language.ts';

export interface ModelSource {
  /** Absent: what the model is called where it comes from. */
  readonly name: string | undefined;
  readonly source: string;
}

/** `DIR`, `NAME=DIR`, `URL`, `NAME=URL` or `NAME=URL,URL`; a folder that is there is a folder, whatever it is called. */
export function readModelSource(given: string): ModelSource {
  const named = existsSync(given) ? null : /^([^=/\\:]+)=(.+)$/s.exec(given);
  return { name: named?.[1], source: named?.[2] ?? given };
}

export const isAddress = (source: string): boolean => /^https?:\/\//i.test(source);

export interface ModelSettings {
  /** What TUNAN_UPSTREAM_KEY holds. */
  readonly keys: string | undefined;
  /** Bytes that models of this machine may take together; a share of what is free when absent. */
  readonly memoryBytes?: number | undefined;
  /** How long a request may wait for its model to be loaded. */
  readonly waitSeconds?: number | undefined;
  /** An idle model is unloaded after so long. */
  readonly idleSeconds?: number | undefined;
}

/**
 * Models of this machine are described, and loaded by `preloadModels` or on request; others' servers are asked at once.
 * @throws UsageError when two models have one name; ModelError, TokenizerError, InferenceError of the model at fault
 */
export async function openModels(
  sources: readonly ModelSource[],
  options: OpenOptions,
  settings: ModelSettings,
): Promise<ModelPool> {
  const { addressesOf, ModelPool } = await import('@tunan/inference');
  const apiKey = upstreamKeys(
    settings.keys,
    sources.flatMap(({ source }) => addressesOf(source)),
  );
  const { idleSeconds, waitSeconds, memoryBytes = freeBytes(options.torch?.device) } = settings;
  const pool = new ModelPool({ memoryBytes, idleSeconds, waitSeconds, onModel: tellModel });
  const withKeys = { ...options, remote: { ...options.remote, apiKey } };
  try {
    for (const source of workersTogether(sources)) await addModel(pool, source, withKeys);
  } catch (error) {
    pool.close();
    throw error;
  }
  return pool;
}

/**
 * Loads what is to be there at the start.
 * @param asked names, or `all`; where this machine has a single model, that one, when absent
 * @throws UsageError for a name that no model has; ModelError, TokenizerError, InferenceError of the model at fault
 */
export async function preloadModels(pool: ModelPool, asked: readonly string[] | undefined): Promise<void> {
  await pool.preload(preloaded(pool, asked)).catch((error: unknown) => {
    throw toldCause(error);
  });
}

/** A share, since the system, and what a step needs beside weights and caches, want theirs; a device's own memory is not known here. */
const SHARE = 0.8;
/** macOS calls little of its memory free, because it fills it with files. */
const SHARE_OF_ALL = 0.6;

function freeBytes(device = 'cpu'): number | undefined {
  if (device !== 'cpu') return undefined;
  return process.platform === 'darwin' ? SHARE_OF_ALL * totalmem() : SHARE * process.availableMemory();
}

async function addModel(pool: ModelPool, { name, source }: ModelSource, options: OpenOptions): Promise<void> {
  const { describeModel, openEngine } = await import('@tunan/inference');
  const described = describeModel(source, options);
  if (described !== undefined) {
    const id = checkName(pool, name ?? described.name, source);
    pool.offer(id, described.description, async () => (await openEngine(source, options)).engine);
    return;
  }
  if (name !== undefined) checkName(pool, name, source);
  const opened = await openEngine(source, options);
  try {
    pool.hold(checkName(pool, name ?? opened.name, source), opened.engine);
  } catch (error) {
    opened.engine.close();
    throw error;
  }
}

function checkName(pool: ModelPool, id: string, source: string): string {
  if (!pool.has(id)) return id;
  throw new UsageError(
    text(
      `two models are called ${id}: give them names, --model NAME=${source}`,
      `有两个模型都叫 ${id}：请为其命名，--model NAME=${source}`,
    ),
  );
}

/** @throws UsageError for a name that no model has */
function preloaded(pool: ModelPool, asked: readonly string[] | undefined): readonly string[] {
  const { names, statuses } = pool;
  if (asked === undefined) {
    const own = statuses.filter(({ bytes }) => bytes !== undefined).map(({ name }) => name);
    return own.length === 1 ? own : [];
  }
  if (asked.length === 1 && asked[0] === 'all') return names;
  const unknown = asked.find((name) => !pool.has(name));
  if (unknown === undefined) return asked;
  throw new UsageError(
    text(
      `--preload ${unknown}: there is no such model, but ${names.join(', ')}`,
      `--preload ${unknown}：没有这个模型，只有 ${names.join('、')}`,
    ),
  );
}

/** At the start there is nobody to keep the reason from. */
function toldCause(error: unknown): unknown {
  const isLoad = error instanceof Error && 'code' in error && error.code === 'INFERENCE_LOAD_FAILED';
  return isLoad && error.cause instanceof Error ? error.cause : error;
}

/** A line on standard error for the operator. */
function tellModel({ name, what, seconds, error }: ModelEvent): void {
  const took = seconds.toFixed(seconds < 10 ? 1 : 0);
  const line = {
    loaded: text(`${name} is loaded (${took} s)`, `已载入 ${name}（${took} 秒）`),
    unloaded: text(`${name} is unloaded`, `已卸载 ${name}`),
    failed: text(`${name} could not be loaded: ${reasonOf(error)}`, `无法载入 ${name}：${reasonOf(error)}`),
  }[what];
  process.stderr.write(`${line}\n`);
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Addresses under one name are workers of one model. */
function workersTogether(sources: readonly ModelSource[]): readonly ModelSource[] {
  const together = new Map<unknown, ModelSource>();
  for (const one of sources) {
    const key = one.name !== undefined && isAddress(one.source) ? one.name : one;
    const before = together.get(key);
    together.set(key, before === undefined ? one : { ...one, source: `${before.source},${one.source}` });
  }
  return [...together.values()];
}

/**
 * The key of each server: `KEY` for the only one, `https://a.example=KEY,https://b.example=KEY` for several, because a key is
 * shown to no server but its own.
 */
export function upstreamKeys(
  given: string | undefined,
  sources: readonly string[],
): (source: string) => string | undefined {
  const origins = new Set(sources.filter(isAddress).map((source) => new URL(source).origin));
  if (given === undefined || origins.size === 0) return () => undefined;
  const entries = given.split(',').map((entry) => /^(https?:\/\/[^=]+)=(.+)$/i.exec(entry.trim()));
  if (entries.every((entry) => entry !== null)) {
    const keys = new Map(entries.map(([, origin, key]) => [new URL(origin!).origin, key]));
    return (source) => (isAddress(source) ? keys.get(new URL(source).origin) : undefined);
  }
  // A worker that comes later is another server.
  if (origins.size === 1)
    return (source) => (isAddress(source) && origins.has(new URL(source).origin) ? given : undefined);
  const pairs = [...origins].map((origin) => `${origin}=KEY`).join(',');
  throw new UsageError(
    text(
      `TUNAN_UPSTREAM_KEY must say which key is whose: ${pairs}`,
      `TUNAN_UPSTREAM_KEY 须写明各密钥属于哪个服务：${pairs}`,
    ),
  );
}

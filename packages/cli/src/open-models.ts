/** What `--model` and `--adapter` name, opened: directories and addresses, each with the name under which it is served. */
import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';
import type { AdapterPlace, ModelEvent, ModelPool, OpenOptions } from '@tunan/inference';
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

export interface AdapterSource {
  /** By which it is asked for: the folder's, or the file's without its ending, when absent in what was given. */
  readonly name: string;
  readonly directory: string;
  /** The model that it adds to, by its name; the only one of this machine when absent. */
  readonly base: string | undefined;
}

/** `DIR`, `NAME=DIR`, `NAME=DIR@BASE`; a folder that is there is a folder, whatever it is called. */
export function readAdapterSource(given: string): AdapterSource {
  const { name, source } = readModelSource(given);
  const at = existsSync(source) ? -1 : source.lastIndexOf('@');
  const directory = at < 0 ? source : source.slice(0, at);
  const base = at < 0 ? undefined : source.slice(at + 1);
  return { name: name ?? path.basename(path.resolve(directory)).replace(/\.gguf$/i, ''), directory, base };
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
  /** Served beside their models, under names of their own. */
  readonly adapters?: readonly AdapterSource[] | undefined;
  /** Whether adapters are taken that were trained beside other weights. */
  readonly anyBase?: boolean | undefined;
}

/**
 * Models of this machine are described, and loaded by `preloadModels` or on request; others' servers are asked at once.
 * @throws UsageError when two models have one name, or an adapter's model is not clear; ModelError, TokenizerError, InferenceError of the model at fault
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
  const { adapters = [], anyBase } = settings;
  const withKeys = { ...options, anyBase, remote: { ...options.remote, apiKey } };
  try {
    const models = workersTogether(sources);
    const beside = await adaptersOf(models, adapters, options);
    for (const model of models) await addModel(pool, model, { ...withKeys, adapters: beside.get(model) });
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

/** The adapters of each model. @throws UsageError */
async function adaptersOf(
  models: readonly ModelSource[],
  adapters: readonly AdapterSource[],
  { engine }: OpenOptions,
): Promise<ReadonlyMap<ModelSource, readonly AdapterPlace[]>> {
  const beside = new Map<ModelSource, AdapterPlace[]>();
  if (adapters.length === 0) return beside;
  const { ggufOf, nameOf } = await import('@tunan/inference');
  const own = models
    .filter(({ source }) => !isAddress(source))
    .map((model) => ({ model, id: model.name ?? nameOf(ggufOf(model.source, engine) ?? model.source) }));
  for (const { name, directory, base } of adapters) {
    const found = own.filter(({ id }) => base === undefined || id === base);
    const [only, ...others] = found;
    if (only === undefined || others.length > 0)
      throw unclearBase(
        directory,
        base,
        own.map(({ id }) => id),
      );
    beside.set(only.model, [...(beside.get(only.model) ?? []), { name, directory }]);
  }
  return beside;
}

function unclearBase(directory: string, base: string | undefined, ids: readonly string[]): UsageError {
  const names = { en: ids.join(', ') || 'none', zh: ids.join('、') || '（无）' };
  if (base === undefined)
    return new UsageError(
      text(
        `--adapter ${directory}: say which model of this machine it adds to, --adapter NAME=${directory}@MODEL; there are ${names.en}`,
        `--adapter ${directory}：请写明它属于本机的哪个模型，--adapter NAME=${directory}@MODEL；现有 ${names.zh}`,
      ),
    );
  return new UsageError(
    text(
      `--adapter ${directory}@${base}: no model of this machine is called ${base}; there are ${names.en}`,
      `--adapter ${directory}@${base}：本机没有名为 ${base} 的模型；现有 ${names.zh}`,
    ),
  );
}

async function addModel(pool: ModelPool, { name, source }: ModelSource, options: OpenOptions): Promise<void> {
  const { describeModel, openEngine } = await import('@tunan/inference');
  const described = describeModel(source, options);
  if (described !== undefined) {
    const id = checkName(pool, name ?? described.name, source);
    // Adapters have been checked against the weights.
    const checked = { ...options, anyBase: true };
    pool.offer(id, described.description, async () => (await openEngine(source, checked)).engine);
    for (const { name: adapter, directory } of options.adapters ?? [])
      pool.offerAdapter(checkName(pool, adapter, directory, 'adapter'), id, described.adaptersChat.get(adapter));
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

function checkName(pool: ModelPool, id: string, source: string, option = 'model'): string {
  if (!pool.has(id)) return id;
  throw new UsageError(
    text(
      `two models are called ${id}: give them names, --${option} NAME=${source}`,
      `有两个模型都叫 ${id}：请为其命名，--${option} NAME=${source}`,
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

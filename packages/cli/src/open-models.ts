/** What `--model` names, opened: directories and addresses, each with the name under which it is served. */
import { existsSync } from 'node:fs';
import type { Engine, OpenOptions } from '@tunan/inference';
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

/**
 * @param keys what TUNAN_UPSTREAM_KEY holds
 * @throws UsageError when two models have one name; ModelError, TokenizerError, InferenceError of the model at fault
 */
export async function openModels(
  sources: readonly ModelSource[],
  options: OpenOptions,
  keys: string | undefined,
): Promise<Map<string, Engine>> {
  const { addressesOf, openEngine } = await import('@tunan/inference');
  const apiKey = upstreamKeys(
    keys,
    sources.flatMap(({ source }) => addressesOf(source)),
  );
  const models = new Map<string, Engine>();
  try {
    for (const { name, source } of workersTogether(sources)) {
      const opened = await openEngine(source, { ...options, remote: { ...options.remote, apiKey } });
      const id = name ?? opened.name;
      const taken = models.has(id);
      if (!taken) models.set(id, opened.engine);
      else {
        opened.engine.close();
        throw new UsageError(
          text(
            `two models are called ${id}: give them names, --model NAME=${source}`,
            `有两个模型都叫 ${id}：请为其命名，--model NAME=${source}`,
          ),
        );
      }
    }
  } catch (error) {
    for (const engine of models.values()) engine.close();
    throw error;
  }
  return models;
}

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
function upstreamKeys(given: string | undefined, sources: readonly string[]): (source: string) => string | undefined {
  const origins = new Set(sources.filter(isAddress).map((source) => new URL(source).origin));
  if (given === undefined || origins.size === 0) return () => undefined;
  const entries = given.split(',').map((entry) => /^(https?:\/\/[^=]+)=(.+)$/i.exec(entry.trim()));
  if (entries.every((entry) => entry !== null)) {
    const keys = new Map(entries.map(([, origin, key]) => [new URL(origin!).origin, key]));
    return (source) => (isAddress(source) ? keys.get(new URL(source).origin) : undefined);
  }
  if (origins.size === 1) return () => given;
  const pairs = [...origins].map((origin) => `${origin}=KEY`).join(',');
  throw new UsageError(
    text(
      `TUNAN_UPSTREAM_KEY must say which key is whose: ${pairs}`,
      `TUNAN_UPSTREAM_KEY 须写明各密钥属于哪个服务：${pairs}`,
    ),
  );
}

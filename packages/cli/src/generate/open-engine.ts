/** The engine that a command answers with: of a model of this machine, or behind an address. */
import type { Engine } from '@tunan/inference';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { readEngine, readPlace } from '../model-options.ts';
import { isAddress, readAdapterSource, upstreamKeys } from '../open-models.ts';

/**
 * @param batchSize sequences that are computed at once
 * @param waiting sequences that may wait for a place
 * @returns the engine, and `answering`: it under the adapter, where one is named
 * @throws UsageError; ModelError, TokenizerError, InferenceError of the model
 */
export async function openForAnswers(
  values: Parameters<typeof readEngine>[0] &
    Parameters<typeof readPlace>[0] & {
      readonly model: string;
      readonly adapter?: string | undefined;
      readonly 'any-base': boolean;
    },
  batchSize: number,
  waiting: number,
): Promise<{ name: string; engine: Engine; answering: Engine }> {
  const { addressesOf, ggufOf, openEngine } = await import('@tunan/inference');
  const { model, 'prompt-attention': attention } = values;
  const { engine, cacheBytes, llamaCpp } = readEngine(values);
  if (isAddress(model) && (engine ?? attention) !== undefined) {
    throw new UsageError(
      text(
        '--engine and --prompt-attention are for models of this machine: leave them out',
        '--engine 与 --prompt-attention 只用于本机的模型：请去掉',
      ),
    );
  }
  const place = isAddress(model) || ggufOf(model, engine) !== undefined ? {} : await readPlace(values);
  // A place in the batch for each text, and no more of llama.cpp's memory than that.
  const limits = { batchSize, waitingSize: Math.max(1, waiting), cacheBytes };
  const apiKey = upstreamKeys(process.env.TUNAN_UPSTREAM_KEY, addressesOf(model));
  const local = { engine, torch: { ...limits, ...place }, llamaCpp: { ...limits, ...llamaCpp } };
  const adapters = values.adapter === undefined ? [] : [readAdapterSource(values.adapter)];
  const opened = await openEngine(model, { ...local, adapters, anyBase: values['any-base'], remote: { apiKey } });
  const [adapter] = adapters;
  return { ...opened, answering: adapter === undefined ? opened.engine : opened.engine.adapted!(adapter.name) };
}

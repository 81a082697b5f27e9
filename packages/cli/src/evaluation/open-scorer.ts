/** The model or the endpoint that is evaluated, with the cache of its scores. */
import path from 'node:path';
import type { Scorer } from '@tunan/evaluation';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { loadModel } from '../model-options.ts';

export interface ScorerOptions {
  readonly model: string | undefined;
  readonly endpoint: string | undefined;
  readonly 'endpoint-model': string | undefined;
  readonly device: string;
  readonly dtype: string;
}

export interface OpenScorer extends Disposable {
  /** For reports. */
  readonly name: string;
  readonly scorer: Scorer;
}

/** @param out results folder; the cache stands in it */
export async function openScorer(options: ScorerOptions, out: string): Promise<OpenScorer> {
  const { CachedScorer } = await import('@tunan/evaluation');
  const { name, scorer, dispose } = await openUncached(options);
  const cached = new CachedScorer(scorer, path.join(out, 'cache'));
  return {
    name,
    scorer: cached,
    [Symbol.dispose]: () => {
      cached[Symbol.dispose]();
      dispose();
    },
  };
}

async function openUncached(options: ScorerOptions): Promise<{ name: string; scorer: Scorer; dispose: () => void }> {
  const { model: directory, endpoint, device, dtype } = options;
  if ((directory === undefined) === (endpoint === undefined)) {
    throw new UsageError(text('give --model or --endpoint', '请给出 --model 或 --endpoint 之一'));
  }
  const { EndpointScorer, LocalScorer, modelIdentity } = await import('@tunan/evaluation');
  if (endpoint !== undefined) {
    const model = options['endpoint-model'];
    const apiKey = process.env.TUNAN_API_KEY;
    const client = { url: endpoint, ...(model !== undefined && { model }), ...(apiKey && { apiKey }) };
    return { name: model ?? endpoint, scorer: await EndpointScorer.connect(client), dispose: () => {} };
  }
  const { model, tokenizer } = await loadModel(directory!, { device, dtype });
  const identity = modelIdentity(directory!, `${dtype} ${device}`);
  return {
    name: path.basename(path.resolve(directory!)),
    scorer: new LocalScorer(model, tokenizer, { identity }),
    dispose: () => model.dispose(),
  };
}

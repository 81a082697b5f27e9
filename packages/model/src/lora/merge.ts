/**
 * An adapter merged into the weights of its model: W + s B A, computed in float32 and written as a model directory of its own, one tensor
 * in memory at a time. The base is not changed.
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '@tunan/files';
import { type LazyTensor, noGrad, scope, type Tensor } from '@tunan/torch';
import { saveModelDirectory } from '../directory/model-directory.ts';
import { StoredWeights } from '../directory/stored-weights.ts';
import { ModelError } from '../errors.ts';
import { adaptedMaps, adapterScale } from './adapter-config.ts';
import { loadAdapter, requireBase } from './adapter-directory.ts';

export interface MergeOptions {
  /** Of the written weights; float32 when absent, so that nothing of the adapter is rounded away. */
  readonly dtype?: 'float32' | 'float16' | 'bfloat16';
  /** Whether an adapter that names other weights by their hash is taken too, as long as it fits. */
  readonly anyBase?: boolean;
}

/**
 * @param base model directory
 * @param adapter directory, of PEFT's form
 * @returns how many maps the adapter was added to
 * @throws ModelError MODEL_BAD_ADAPTER, or naming the file of the base at fault
 */
export function mergeAdapter(base: string, adapter: string, output: string, options: MergeOptions = {}): number {
  const { dtype = 'float32', anyBase = false } = options;
  if (path.resolve(base) === path.resolve(output)) {
    throw new ModelError('MODEL_BAD_ADAPTER', {
      en: `${output} is the model itself: give another directory to write to`,
      zh: `${output} 就是该模型本身：请换一个输出目录`,
    });
  }
  using weights = StoredWeights.open(base);
  using layers = loadAdapter(adapter, weights.config);
  if (!anyBase) requireBase(adapter, base);
  const scale = adapterScale(layers.config);
  const maps = new Map(adaptedMaps(layers.config.targets, weights.config, adapter).map((map) => [map.name, map]));
  const merged = (name: string): Tensor => {
    const stored = weights.get(name).to('float32');
    const map = maps.get(name.replace(/\.weight$/, ''));
    if (map === undefined || !name.endsWith('.weight')) return stored;
    const { a, b } = layers.pairs.get(map.name)!;
    const added = b.matmul(a).mul(scale); // (out, in)
    return stored.add(map.layout === 'in-out' ? added.transpose(0, 1) : added);
  };
  const parameters = new Map(
    weights.names().map((name): [string, LazyTensor] => [
      name,
      {
        dtype,
        shape: weights.shape(name),
        make: () => noGrad(() => scope(() => merged(name).to(dtype).contiguous())),
      },
    ]),
  );
  const tokenizer = path.join(base, 'tokenizer.json');
  saveModelDirectory(output, weights.config, parameters, {
    dtype,
    tokenizerFile: existsSync(tokenizer) ? tokenizer : undefined,
    card: '## Adapter\n\nA low-rank adapter was merged into the weights.\n',
  });
  takeTemplate(adapter, output);
  return maps.size;
}

/** The chat template that an adapter was tuned with, where the base has none. */
function takeTemplate(adapter: string, output: string): void {
  const [from, to] = [adapter, output].map((directory) => path.join(directory, 'chat_template.jinja')) as [
    string,
    string,
  ];
  if (existsSync(from) && !existsSync(to)) writeWhole(to, readFileSync(from, 'utf8'));
}

/**
 * An adapter on disk as PEFT lays it out: adapter_config.json and adapter_model.safetensors, with PEFT's names. Every name and shape is
 * checked against the model that it is to add to before a tensor is taken. Written whole or not at all, the config last.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, removeFile } from '@tunan/files';
import { type Device, type LazyTensor, readSafetensors, type SafetensorsFile, type Tensor } from '@tunan/torch';
import { type DirectoryFile, writeDirectoryFile } from '../directory/model-directory.ts';
import { damaged, readJson } from '../directory/model-files.ts';
import { weightsSha256 } from '../directory/weights-hash.ts';
import { ModelError } from '../errors.ts';
import type { ModelConfig } from '../model-config.ts';
import { type AdapterConfig, adaptedMaps, badAdapter, fromPeft, toPeft } from './adapter-config.ts';
import { copyOf, heldPair, LoraLayers, type LoraPair, peftName, type TakeHalf } from './lora-layers.ts';

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';

/** Of the safetensors: which weights the adapter was trained beside. PEFT leaves it be. */
const BASE_HASH = 'base_sha256';
/** Of a hash in a message. */
const SHOWN_DIGITS = 16;

/** The model that an adapter adds to. */
export interface AdapterBase {
  readonly name: string;
  /** Of its weights (weightsSha256); not written where it is absent. */
  readonly sha256?: string;
}

/** What is written of an adapter: its layers, or their tensors from several places. */
export interface SavedAdapter {
  readonly config: AdapterConfig;
  namedParameters(): ReadonlyMap<string, Tensor | LazyTensor>;
}

export function saveAdapter(directory: string, layers: SavedAdapter, model: ModelConfig, base: AdapterBase): void {
  makeFolder(directory);
  removeFile(path.join(directory, CONFIG)); // of an adapter that stood here before
  for (const file of adapterFiles(layers, model, base)) writeDirectoryFile(directory, file);
}

/** What makes up an adapter's directory, in the order in which it is written. */
export function adapterFiles(layers: SavedAdapter, model: ModelConfig, base: AdapterBase): DirectoryFile[] {
  const hash = base.sha256 === undefined ? {} : { [BASE_HASH]: base.sha256 };
  const config = toPeft(layers.config, model, base.name);
  return [
    { name: WEIGHTS, tensors: layers.namedParameters(), metadata: { format: 'pt', ...hash } },
    { name: CONFIG, content: `${JSON.stringify(config, null, 2)}\n` },
  ];
}

/** An adapter whose config and tensors fit a model. */
interface Opened {
  readonly config: AdapterConfig;
  readonly weights: SafetensorsFile;
}

/** @throws ModelError MODEL_BAD_ADAPTER, MODEL_DAMAGED_WEIGHTS */
function open(directory: string, model: ModelConfig): Opened {
  const configFile = path.join(directory, CONFIG);
  if (!isAdapter(directory)) {
    throw badAdapter(directory, {
      en: `no ${CONFIG}: give a directory written by tunan or PEFT`,
      zh: `没有 ${CONFIG}：请给出图南或 PEFT 写出的目录`,
    });
  }
  const config = fromPeft(readJson(configFile), model, configFile);
  const file = path.join(directory, WEIGHTS);
  if (!existsSync(file)) throw badAdapter(directory, { en: `no ${WEIGHTS}`, zh: `没有 ${WEIGHTS}` });
  const weights = openWeights(file);
  try {
    requireTensors(weights, file, config, model);
  } catch (error) {
    weights[Symbol.dispose]();
    throw error;
  }
  return { config, weights };
}

/** Whether a directory is one of an adapter, to be read with its base. */
export const isAdapter = (directory: string): boolean => existsSync(path.join(directory, CONFIG));

/**
 * The layers of an adapter, float32, taking gradients.
 * @param model config of the model that it is to add to
 * @param take what is held of each tensor, all of it unless told
 * @throws ModelError MODEL_BAD_ADAPTER where it is of another kind or another model; MODEL_DAMAGED_WEIGHTS
 */
export function loadAdapter(
  directory: string,
  model: ModelConfig,
  device: Device = 'cpu',
  take: TakeHalf = copyOf,
): LoraLayers {
  const { config, weights } = open(directory, model);
  using _weights = weights;
  const pairs = new Map<string, LoraPair>();
  for (const { name } of adaptedMaps(config.targets, model, directory)) {
    const stored = (side: 'A' | 'B') => weights.get(peftName(name, side)).to({ dtype: 'float32' });
    const pair = heldPair(name, { a: () => stored('A'), b: () => stored('B') }, device, take);
    if (pair !== undefined) pairs.set(name, pair);
  }
  return new LoraLayers(config, pairs);
}

/** What an adapter takes of memory, after a check that it fits the model; nothing is loaded. @throws ModelError as `loadAdapter` */
export function adapterBytes(directory: string, model: ModelConfig): number {
  const { config, weights } = open(directory, model);
  weights[Symbol.dispose]();
  const numbers = adaptedMaps(config.targets, model, directory).map(({ inputs, outputs }) => inputs + outputs);
  return 4 * config.rank * numbers.reduce((sum, one) => sum + one, 0);
}

function openWeights(file: string): SafetensorsFile {
  try {
    return readSafetensors(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason.includes(file)) throw new ModelError('MODEL_DAMAGED_WEIGHTS', reason, { cause: error });
    throw damaged(file, reason, reason, error);
  }
}

/** Exactly the tensors that the config asks for, in the shapes that the model asks for. */
function requireTensors(weights: SafetensorsFile, file: string, config: AdapterConfig, model: ModelConfig): void {
  const wanted = new Map<string, readonly number[]>();
  for (const { name, inputs, outputs } of adaptedMaps(config.targets, model, file)) {
    wanted.set(peftName(name, 'A'), [config.rank, inputs]);
    wanted.set(peftName(name, 'B'), [outputs, config.rank]);
  }
  const unknown = weights.names().find((name) => !wanted.has(name));
  if (unknown !== undefined) {
    throw badAdapter(file, {
      en: `the tensor ${unknown} has no place in this model: the adapter is of another model or kind`,
      zh: `张量 ${unknown} 在此模型中没有位置：适配器属于另一模型或另一种类`,
    });
  }
  for (const [name, shape] of wanted) {
    if (!weights.has(name)) throw badAdapter(file, { en: `the tensor ${name} is missing`, zh: `缺张量 ${name}` });
    const there = weights.shape(name).join(', ');
    if (there === shape.join(', ')) continue;
    throw badAdapter(file, {
      en: `${name} has shape (${there}), this model asks for (${shape.join(', ')}): the adapter is of another model`,
      zh: `${name} 的形状是 (${there})，而此模型要求 (${shape.join(', ')})：适配器属于另一模型`,
    });
  }
}

/** Of the weights that an adapter was trained beside, as `weightsSha256` has it; undefined where it does not say: PEFT's do not. */
export function baseSha256(directory: string): string | undefined {
  using weights = openWeights(path.join(directory, WEIGHTS));
  return weights.metadata[BASE_HASH];
}

/**
 * Throws where an adapter says that it was trained beside other weights than a model's.
 * @param base what to call the model
 * @param sha256 of its weights, asked for only where the adapter names a hash; undefined where nobody knows
 * @throws ModelError MODEL_BAD_ADAPTER
 */
export function requireBase(
  directory: string,
  base: string,
  sha256: () => string | undefined = () => weightsSha256(base),
): void {
  const wanted = baseSha256(directory);
  if (wanted === undefined) return;
  const there = sha256();
  if (wanted === there) return;
  const own = wanted.slice(0, SHOWN_DIGITS);
  if (there === undefined) {
    throw badAdapter(path.join(directory, WEIGHTS), {
      en: `trained beside weights of the SHA-256 ${own}…, and ${base} does not say which it was made of: export it again, or give --any-base where you know that it fits`,
      zh: `训练时所附权重的 SHA-256 为 ${own}…，而 ${base} 没有写明由哪份权重制成：请重新导出；若确知相符，请加 --any-base`,
    });
  }
  const other = there.slice(0, SHOWN_DIGITS);
  throw badAdapter(path.join(directory, WEIGHTS), {
    en: `trained beside other weights than those of ${base}: SHA-256 ${own}… and not ${other}…; give its own base, or --any-base where it is the same model in another form`,
    zh: `训练时所附的权重与 ${base} 的不同：SHA-256 为 ${own}…，而非 ${other}…；请给出它自己的基座；若只是同一模型的另一形式，请加 --any-base`,
  });
}

/**
 * A model on disk, as Hugging Face lays it out: config.json, model.safetensors, generation_config.json, README.md, and with
 * a tokenizer tokenizer.json and tokenizer_config.json. Reading also takes the sharded form (model.safetensors.index.json).
 *
 * Every file is written under another name in the same directory, synced and renamed, config.json last: a directory that
 * has a config.json is whole. Does not download, and does not convert other architectures.
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, removeFile, writeWhole } from '@tunan/files';
import { type Device, keep, type LazyTensor, noGrad, scope, type Tensor, writeSafetensors } from '@tunan/torch';
import type { Precision } from '../layers/linear.ts';
import { type ModelConfig, parametersOf, toHuggingFaceConfig } from '../model-config.ts';
import { holds, type ModelPart } from '../model-part.ts';
import { isDecayed } from '../parameters.ts';
import { checkMemory } from './check-memory.ts';
import { modelCard } from './model-card.ts';
import { CONFIG, INDEX, parseJson, readJson, WEIGHTS } from './model-files.ts';
import { StoredWeights } from './stored-weights.ts';

const TOKENIZER_CONFIG = 'tokenizer_config.json';
const TEMPLATE = 'chat_template.jinja';

export interface SaveOptions {
  /**
   * A tokenizer.json of Hugging Face tokenizers, to go into the directory, with what stands beside it: tokenizer_config.json and a chat
   * template, which a downloaded tokenizer has.
   */
  readonly tokenizerFile?: string | undefined;
  /** Of the weights, where they are not float32. */
  readonly dtype?: 'float32' | 'float16' | 'bfloat16';
  /** Markdown to stand in the model card under the table of sizes: data, training, scores. */
  readonly card?: string;
}

/** A file of a directory before it is written. */
export type DirectoryFile =
  | { readonly name: string; readonly content: string }
  | {
      readonly name: string;
      readonly tensors: ReadonlyMap<string, Tensor | LazyTensor>;
      readonly metadata: Readonly<Record<string, string>>;
    };

/**
 * What makes up a model directory, in the order in which it is written.
 * @param parameters all of the config's by name, in the dtype of the options
 */
export function modelFiles(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Tensor | LazyTensor>,
  options: SaveOptions,
): DirectoryFile[] {
  return [weightsFile(parameters), ...filesBesideWeights(config, options)];
}

/**
 * @param parameters of the model, or of its part of that number, from 0
 */
export function weightsFile(
  parameters: ReadonlyMap<string, Tensor | LazyTensor>,
  part?: { readonly number: number; readonly of: number },
): DirectoryFile {
  const name = part === undefined ? WEIGHTS : weightsPart(part.number, part.of);
  return { name, tensors: parameters, metadata: { format: 'pt' } };
}

/**
 * The file that says which part has which tensor.
 * @param shapes of all parameters, float32
 * @param places the number of the part of each
 */
export function weightsIndex(
  shapes: ReadonlyMap<string, readonly number[]>,
  places: ReadonlyMap<string, number>,
  parts: number,
): DirectoryFile {
  const numbers = [...shapes.values()].map((shape) => shape.reduce((product, length) => product * length, 1));
  const total_size = 4 * numbers.reduce((sum, one) => sum + one, 0); // bytes
  const weight_map = Object.fromEntries(
    [...shapes.keys()].map((name) => [name, weightsPart(places.get(name)!, parts)]),
  );
  return { name: INDEX, content: json({ metadata: { total_size }, weight_map }) };
}

/** As transformers names it. */
function weightsPart(number: number, of: number): string {
  const digits = (value: number) => String(value).padStart(5, '0');
  return WEIGHTS.replace('.', `-${digits(number + 1)}-of-${digits(of)}.`);
}

/** The others, in their order; the config is the last. */
export function filesBesideWeights(
  config: ModelConfig,
  { card, tokenizerFile, dtype = 'float32' }: SaveOptions,
): DirectoryFile[] {
  const written = toHuggingFaceConfig(config);
  return [
    { name: 'README.md', content: modelCard(config, card) },
    { name: 'generation_config.json', content: json(generationConfig(config)) },
    ...(tokenizerFile === undefined ? [] : tokenizerFiles(config, tokenizerFile)),
    // Older versions of transformers read the first name, current ones the second.
    { name: CONFIG, content: json({ ...written, torch_dtype: dtype, ...('dtype' in written && { dtype }) }) },
  ];
}

function tokenizerFiles(config: ModelConfig, file: string): DirectoryFile[] {
  const tokenizer = readFileSync(file, 'utf8');
  const template = path.join(path.dirname(file), TEMPLATE);
  return [
    { name: 'tokenizer.json', content: tokenizer },
    { name: TOKENIZER_CONFIG, content: json(tokenizerConfig(config, tokenizer, file)) },
    ...(existsSync(template) ? [{ name: TEMPLATE, content: readFileSync(template, 'utf8') }] : []),
  ];
}

/** @throws WriteError that names the file which the system refused */
export function writeDirectoryFile(directory: string, file: DirectoryFile): void {
  const place = path.join(directory, file.name);
  if ('content' in file) writeWhole(place, file.content);
  else writeSafetensors(place, file.tensors, file.metadata);
}

/**
 * @param parameters all of the config's by name, in the dtype of the options
 * @throws WriteError that names the file which the system refused; the directory then has no config.json
 */
export function saveModelDirectory(
  directory: string,
  config: ModelConfig,
  parameters: ReadonlyMap<string, Tensor | LazyTensor>,
  options: SaveOptions,
): void {
  makeFolder(directory);
  removeFile(path.join(directory, CONFIG)); // of a model that stood here before
  for (const file of modelFiles(config, parameters, options)) writeDirectoryFile(directory, file);
}

export interface LoadOptions {
  readonly device: Device;
  readonly dtype: Precision;
  readonly trainable: boolean;
  readonly part?: ModelPart | undefined;
}

/** @throws ModelError naming the file at fault */
export function loadModelDirectory(
  directory: string,
  options: LoadOptions,
): { config: ModelConfig; parameters: Map<string, Tensor> } {
  const { device, dtype, trainable, part } = options;
  if (device === 'cpu' && part === undefined) checkMemory(directory, trainable ? 'float32' : dtype);
  using weights = StoredWeights.open(directory);
  const parameters = new Map<string, Tensor>();
  try {
    for (const one of parametersOf(weights.config)) {
      if (part === undefined) parameters.set(one.name, takeTensor(weights.get(one.name), options));
      else if (holds(part, one)) parameters.set(one.name, takeTensor(takeShare(one.name, weights, part), options));
    }
  } catch (error) {
    for (const tensor of parameters.values()) tensor.dispose();
    throw error;
  }
  return { config: weights.config, parameters };
}

function takeShare(name: string, weights: StoredWeights, part: ModelPart): Tensor {
  using whole = weights.get(name);
  return part.take(name, whole);
}

/** Our own float32 copy for training; otherwise the mapped tensor itself, matrices in the dtype of the products. */
function takeTensor(mapped: Tensor, { device, dtype, trainable }: LoadOptions): Tensor {
  const taken = scope(() =>
    noGrad(() => {
      const tensor = mapped.to({ dtype: isDecayed(mapped) && !trainable ? dtype : 'float32', device });
      return trainable ? tensor.clone() : tensor;
    }),
  );
  taken.requiresGrad = trainable;
  mapped.dispose();
  return keep(taken);
}

function generationConfig(config: ModelConfig): Record<string, unknown> {
  const { bos_token_id, eos_token_id } = toHuggingFaceConfig(config);
  return { _from_model_config: true, bos_token_id, eos_token_id };
}

/** That beside the tokenizer; where there is none it names the special tokens of ours that this tokenizer has. */
function tokenizerConfig(config: ModelConfig, tokenizer: string, file: string): Record<string, unknown> {
  const beside = path.join(path.dirname(file), TOKENIZER_CONFIG);
  if (existsSync(beside)) return { ...(readJson(beside) as object), model_max_length: config.contextLength };
  const parsed = parseJson(tokenizer, file) as { added_tokens?: { content: string }[] };
  const specials = new Set((parsed.added_tokens ?? []).map((token) => token.content));
  const roles = {
    bos_token: '<eod>',
    eos_token: '<eod>',
    unk_token: '<unk>',
    pad_token: '<pad>',
    sep_token: '<sep>',
    mask_token: '<mask>',
  };
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: config.contextLength,
    clean_up_tokenization_spaces: false,
    ...Object.fromEntries(Object.entries(roles).filter(([, token]) => specials.has(token))),
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

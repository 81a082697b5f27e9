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
import {
  type Device,
  keep,
  noGrad,
  readSafetensors,
  type SafetensorsFile,
  scope,
  type Tensor,
  writeSafetensors,
} from '@tunan/torch';
import { ModelError } from '../errors.ts';
import type { Precision } from '../layers/linear.ts';
import { familyOf, fromHuggingFaceConfig, type ModelConfig, toHuggingFaceConfig } from '../model-config.ts';
import { isDecayed } from '../parameters.ts';
import { modelCard } from './model-card.ts';

const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';
const TOKENIZER_CONFIG = 'tokenizer_config.json';
const TEMPLATE = 'chat_template.jinja';
const INDEX = 'model.safetensors.index.json';

export interface SaveOptions {
  /**
   * A tokenizer.json of Hugging Face tokenizers, to go into the directory, with what stands beside it: tokenizer_config.json and a chat
   * template, which a downloaded tokenizer has.
   */
  readonly tokenizerFile?: string | undefined;
  /** Markdown to stand in the model card under the table of sizes: data, training, scores. */
  readonly card?: string;
}

/** @throws WriteError that names the file which the system refused; the directory then has no config.json */
export function saveModelDirectory(
  directory: string,
  config: ModelConfig,
  parameters: ReadonlyMap<string, Tensor>,
  options: SaveOptions,
): void {
  makeFolder(directory);
  const put = (name: string, content: string) => writeWhole(path.join(directory, name), content);
  removeFile(path.join(directory, CONFIG)); // of a model that stood here before
  writeSafetensors(path.join(directory, WEIGHTS), parameters, { format: 'pt' });
  put('README.md', modelCard(config, options.card));
  put('generation_config.json', json(generationConfig(config)));
  if (options.tokenizerFile !== undefined) {
    const tokenizer = readFileSync(options.tokenizerFile, 'utf8');
    put('tokenizer.json', tokenizer);
    put(TOKENIZER_CONFIG, json(tokenizerConfig(config, tokenizer, options.tokenizerFile)));
    const template = path.join(path.dirname(options.tokenizerFile), TEMPLATE);
    if (existsSync(template)) put(TEMPLATE, readFileSync(template, 'utf8'));
  }
  put(CONFIG, json(toHuggingFaceConfig(config)));
}

export interface LoadOptions {
  readonly device: Device;
  readonly dtype: Precision;
  readonly trainable: boolean;
}

/** @throws ModelError naming the file at fault */
export function loadModelDirectory(
  directory: string,
  options: LoadOptions,
): { config: ModelConfig; parameters: Map<string, Tensor> } {
  const config = readModelConfig(directory);
  const files = weightFiles(directory);
  const family = familyOf(config);
  const wanted = new Map(family.parameterShapes(config).map(({ name, shape }) => [name, shape]));
  const found = new Map<string, Tensor>();
  try {
    const nameOf = (stored: string) => family.parameterName(stored, config);
    for (const file of files) readWeights(file, nameOf, wanted, found, options);
    const missing = [...wanted.keys()].filter((name) => !found.has(name));
    if (missing.length > 0) {
      const [count, first] = [missing.length, missing[0]];
      throw damaged(
        files[0]!,
        `${count} tensors are missing, the first ${first}`,
        `缺 ${count} 个张量，第一个是 ${first}`,
      );
    }
  } catch (error) {
    for (const tensor of found.values()) tensor.dispose();
    throw error;
  }
  return { config, parameters: new Map([...wanted.keys()].map((name) => [name, found.get(name)!])) };
}

/** The config of a model directory, without its weights. @throws ModelError naming the file at fault */
export function readModelConfig(directory: string): ModelConfig {
  if (!existsSync(directory)) {
    throw new ModelError('MODEL_NOT_A_MODEL', {
      en: `${directory}: no such model directory`,
      zh: `${directory}：没有这个模型目录`,
    });
  }
  const configFile = path.join(directory, CONFIG);
  if (!existsSync(configFile)) {
    throw new ModelError('MODEL_NOT_A_MODEL', {
      en: `${directory}: no ${CONFIG}; give a directory written by tunan or transformers`,
      zh: `${directory}：没有 ${CONFIG}；请给出图南或 transformers 写出的目录`,
    });
  }
  return fromHuggingFaceConfig(readJson(configFile), configFile);
}

function weightFiles(directory: string): string[] {
  const single = path.join(directory, WEIGHTS);
  if (existsSync(single)) return [single];
  const index = path.join(directory, INDEX);
  if (!existsSync(index)) {
    throw new ModelError('MODEL_NOT_A_MODEL', {
      en: `${directory}: neither ${WEIGHTS} nor ${INDEX}; only safetensors can be loaded`,
      zh: `${directory}：既没有 ${WEIGHTS}，也没有 ${INDEX}；只能载入 safetensors`,
    });
  }
  const map = (readJson(index) as { weight_map?: unknown }).weight_map;
  if (typeof map !== 'object' || map === null) throw damaged(index, 'no weight_map', '没有 weight_map');
  const names = [...new Set(Object.values(map as Record<string, unknown>))];
  if (names.length === 0) throw damaged(index, 'the weight_map is empty', 'weight_map 是空的');
  return names.map((name) => {
    if (typeof name !== 'string' || path.basename(name) !== name) {
      throw damaged(index, `a shard named ${String(name)}`, `分片名 ${String(name)} 不对`);
    }
    const shard = path.join(directory, name);
    if (!existsSync(shard)) {
      throw damaged(index, `the shard ${name} is missing: fetch it again`, `缺分片 ${name}：请重新获取`);
    }
    return shard;
  });
}

function readWeights(
  file: string,
  nameOf: (stored: string) => string | undefined,
  wanted: ReadonlyMap<string, readonly number[]>,
  found: Map<string, Tensor>,
  options: LoadOptions,
): void {
  using reader = openWeights(file);
  for (const stored of reader.names()) {
    const name = nameOf(stored);
    if (name === undefined) continue;
    const shape = wanted.get(name);
    if (shape === undefined) throw damaged(file, `an unknown tensor ${stored}`, `未知的张量 ${stored}`);
    const there = reader.shape(stored);
    if (there.join() !== shape.join()) {
      const [is, asked] = [there.join(', '), shape.join(', ')];
      throw damaged(
        file,
        `${stored} has shape (${is}), ${CONFIG} asks for (${asked})`,
        `${stored} 的形状是 (${is})，而 ${CONFIG} 要求 (${asked})`,
      );
    }
    found.set(name, takeTensor(reader.get(stored), options));
  }
}

function openWeights(file: string): SafetensorsFile {
  try {
    return readSafetensors(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // What reads the file names it in most of its errors.
    throw reason.includes(file)
      ? new ModelError('MODEL_DAMAGED_WEIGHTS', reason, { cause: error })
      : damaged(file, reason, reason, error);
  }
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
  const end = config.endOfDocumentId ?? null;
  return { _from_model_config: true, bos_token_id: end, eos_token_id: end };
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

function readJson(file: string): unknown {
  return parseJson(readFileSync(file, 'utf8'), file);
}

function parseJson(text: string, file: string): unknown {
  if (text.startsWith('version https://git-lfs')) {
    throw damaged(
      file,
      'a Git LFS pointer, not the file itself: run "git lfs pull" in its repository',
      '这是 Git LFS 指针，而非文件本身：请在其仓库中运行 "git lfs pull"',
    );
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, '')); // editors of Windows write a mark
  } catch (error) {
    throw damaged(file, 'not valid JSON', '不是有效的 JSON', error);
  }
}

function damaged(file: string, en: string, zh: string, cause?: unknown): ModelError {
  return new ModelError('MODEL_DAMAGED_WEIGHTS', { en: `${file}: ${en}`, zh: `${file}：${zh}` }, { cause });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

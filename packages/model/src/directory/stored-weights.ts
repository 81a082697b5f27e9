/**
 * The weights of a model directory under the names of its parameters, one mapped tensor at a time: for loading a model, and for programs
 * that go through the weights without holding them all. Every name and shape is checked before the first tensor is read.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { readSafetensors, type SafetensorsFile, type Tensor } from '@tunan/torch';
import { ModelError } from '../errors.ts';
import type { Family } from '../family.ts';
import { familyOf, type ModelConfig, parameterShapesOf } from '../model-config.ts';
import { CONFIG, damaged, INDEX, readJson, readModelConfig, WEIGHTS } from './model-files.ts';

interface Place {
  readonly file: SafetensorsFile;
  readonly stored: string;
}

export class StoredWeights implements Disposable {
  readonly config: ModelConfig;
  readonly #files: readonly SafetensorsFile[];
  /** In the order of the parameters. */
  readonly #places: ReadonlyMap<string, Place>;

  private constructor(config: ModelConfig, files: readonly SafetensorsFile[], places: ReadonlyMap<string, Place>) {
    this.config = config;
    this.#files = files;
    this.#places = places;
  }

  /** @throws ModelError naming the file at fault */
  static open(directory: string): StoredWeights {
    const config = readModelConfig(directory);
    const family = familyOf(config);
    const wanted = parameterShapesOf(config);
    const opened: SafetensorsFile[] = [];
    try {
      const found = new Map<string, Place>();
      const names = weightFiles(directory);
      for (const name of names) {
        const file = openWeights(name);
        opened.push(file);
        findTensors(name, file, family, config, wanted, found);
      }
      const missing = [...wanted.keys()].filter((name) => !found.has(name));
      if (missing.length > 0) {
        const [count, first] = [missing.length, missing[0]];
        const en = `${count} tensors are missing, the first ${first}`;
        throw damaged(names[0]!, en, `缺 ${count} 个张量，第一个是 ${first}`);
      }
      return new StoredWeights(config, opened, new Map([...wanted.keys()].map((name) => [name, found.get(name)!])));
    } catch (error) {
      for (const file of opened) file[Symbol.dispose]();
      throw error;
    }
  }

  /** Of the parameters, in the order of the forward pass. */
  names(): string[] {
    return [...this.#places.keys()];
  }

  shape(name: string): readonly number[] {
    const { file, stored } = this.#place(name);
    return file.shape(stored);
  }

  /** On the CPU, over the mapped bytes and in the dtype of the file; it outlives this object. */
  get(name: string): Tensor {
    const { file, stored } = this.#place(name);
    return file.get(stored);
  }

  /** Lets go of the files; tensors taken from them stay valid. */
  [Symbol.dispose](): void {
    for (const file of this.#files) file[Symbol.dispose]();
  }

  #place(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`no parameter ${name}`);
    return place;
  }
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

function findTensors(
  name: string,
  file: SafetensorsFile,
  family: Family<ModelConfig>,
  config: ModelConfig,
  wanted: ReadonlyMap<string, readonly number[]>,
  found: Map<string, Place>,
): void {
  for (const stored of file.names()) {
    const parameter = family.parameterName(stored, config);
    if (parameter === undefined) continue;
    const shape = wanted.get(parameter);
    if (shape === undefined) throw damaged(name, `an unknown tensor ${stored}`, `未知的张量 ${stored}`);
    const there = file.shape(stored);
    if (there.join() !== shape.join()) {
      const [is, asked] = [there.join(', '), shape.join(', ')];
      throw damaged(
        name,
        `${stored} has shape (${is}), ${CONFIG} asks for (${asked})`,
        `${stored} 的形状是 (${is})，而 ${CONFIG} 要求 (${asked})`,
      );
    }
    found.set(parameter, { file, stored });
  }
}

/** The adapters that a model is opened with: where they stand, and the check that they are of this model. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { adapterBytes, type ModelConfig, requireBase, weightsSha256 } from '@tunan/model';
import { InferenceError } from '../errors.ts';

export interface AdapterPlace {
  /** By which it is asked for. */
  readonly name: string;
  /** As PEFT lays it out; for llama.cpp also a GGUF of an adapter. */
  readonly directory: string;
}

export interface AdapterOptions {
  readonly adapters?: readonly AdapterPlace[] | undefined;
  /** Whether an adapter that names other weights by their hash is taken too, as long as it fits. */
  readonly anyBase?: boolean | undefined;
}

/** The model that adapters are to add to. */
export interface AdapterBaseModel {
  /** To be named in errors. */
  readonly place: string;
  /** Undefined where only llama.cpp knows the model, which then reads adapters that are GGUF files alone. */
  readonly config: ModelConfig | undefined;
  /** Of its weights as they were trained; undefined where a file does not say. */
  readonly sha256: () => string | undefined;
  /** Whether llama.cpp computes it. */
  readonly takesGguf: boolean;
}

export const isGguf = (name: string): boolean => /\.gguf$/i.test(name);

/** The chat template that an adapter was tuned with, where it brings one. */
export function templateBeside(adapter: string): string | undefined {
  const file = path.join(adapter, 'chat_template.jinja');
  return existsSync(file) ? file : undefined;
}

/** A model directory; its weights are read once, and only where an adapter names a hash. */
export function directoryBase(directory: string, config: ModelConfig): AdapterBaseModel {
  let known: string | undefined;
  const sha256 = () => {
    known ??= weightsSha256(directory);
    return known;
  };
  return { place: directory, config, takesGguf: false, sha256 };
}

/** Checks everything but the numbers. @returns bytes that the adapters take @throws ModelError, InferenceError */
export function checkAdapters(base: AdapterBaseModel, { adapters = [], anyBase = false }: AdapterOptions): number {
  let bytes = 0;
  for (const { directory } of adapters) {
    if (base.takesGguf && isGguf(directory)) {
      bytes += fileBytes(directory);
      continue; // llama.cpp checks its shapes
    }
    if (base.config === undefined) throw unknownModel(base.place, directory);
    bytes += adapterBytes(directory, base.config);
    if (!anyBase) requireBase(directory, base.place, base.sha256);
  }
  return bytes;
}

function fileBytes(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size !== undefined) return size;
  const message = { en: `${file}: no such file`, zh: `${file}：没有这个文件` };
  throw new InferenceError('INFERENCE_BAD_GGUF', message);
}

function unknownModel(base: string, adapter: string): InferenceError {
  const message = {
    en: `${base} is a model of a kind that llama.cpp alone knows: ${adapter} must be a GGUF of an adapter for it`,
    zh: `只有 llama.cpp 认识 ${base} 这类模型：${adapter} 须是为它制作的适配器 GGUF`,
  };
  return new InferenceError('INFERENCE_BAD_OPTION', message, { option: 'adapters' });
}

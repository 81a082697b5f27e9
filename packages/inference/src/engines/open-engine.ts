/** A model directory, a GGUF, or the addresses of servers, becomes an engine. */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ModelOptions } from '@tunan/model';
import { isEndpointUrl } from '@tunan/protocol/client';
import type { Engine } from '../engine.ts';
import { InferenceError } from '../errors.ts';
import { ggufName, isLaterPart } from '../export/gguf/split-files.ts';
import { type AdapterOptions, isGguf } from './adapters.ts';
import type { LlamaCppOptions } from './llama-cpp/llama-cpp-engine.ts';
import { notInstalled } from './llama-cpp/not-installed.ts';
import { RemoteEngine, type RemoteEngineOptions } from './remote/remote-engine.ts';
import { TorchEngine, type TorchEngineOptions } from './torch/torch-engine.ts';

/** Who computes on this machine. */
export type LocalEngineKind = 'torch' | 'llama.cpp';

export interface OpenOptions extends AdapterOptions {
  /** Who is to compute what stands on this machine; by what stands there when absent. */
  readonly engine?: LocalEngineKind | undefined;
  /** For a model directory. */
  readonly torch?: TorchEngineOptions & ModelOptions;
  /** For a GGUF. */
  readonly llamaCpp?: LlamaCppOptions;
  /** For addresses. */
  readonly remote?: RemoteEngineOptions;
}

export interface OpenedEngine {
  readonly engine: Engine;
  /** What the model is called where it comes from: its folder or file, or the server's id. */
  readonly name: string;
}

/**
 * @param source directory of a model; a GGUF, or a directory with one and no other model; or the address of an OpenAI-compatible server
 * as RemoteEngine.connect takes it, several with commas between
 * @throws ModelError, TokenizerError, InferenceError
 */
export async function openEngine(source: string, options: OpenOptions = {}): Promise<OpenedEngine> {
  const { adapters, anyBase } = options;
  if (addressesOf(source).every(isEndpointUrl)) {
    const [adapter] = adapters ?? [];
    if (adapter !== undefined) throw elsewhere(source, adapter.directory);
    const engine = await RemoteEngine.connect(addressesOf(source), options.remote);
    return { engine, name: engine.model };
  }
  const file = ggufOf(source, options.engine);
  if (file !== undefined) {
    const { LlamaCppEngine } = await llamaCpp();
    const engine = await LlamaCppEngine.load(file, { ...options.llamaCpp, adapters, anyBase });
    return { engine, name: nameOf(file) };
  }
  const engine = TorchEngine.load(source, { ...options.torch, adapters, anyBase });
  return { engine, name: nameOf(source) };
}

/** What a model is called after its folder, or its file. */
export const nameOf = (place: string): string => {
  return isGguf(place) ? ggufName(path.basename(place)) : path.basename(realpathSync(place));
};

/** Only when a GGUF is opened: what calls llama.cpp is a binary, which some platforms lack, and torch needs none of it. */
async function llamaCpp() {
  try {
    return await import('./llama-cpp/llama-cpp-engine.ts');
  } catch (cause) {
    throw notInstalled('koffi does not load', cause);
  }
}

/** The addresses in `http://a/v1,http://b/v1`. */
export const addressesOf = (source: string): string[] => source.split(/,(?=https?:\/\/)/i);

/**
 * The GGUF that a source is or holds; undefined where torch is to compute it.
 * @param engine asked for
 * @throws InferenceError INFERENCE_BAD_OPTION where that engine cannot, or it is not clear which file is meant
 */
export function ggufOf(source: string, engine?: LocalEngineKind): string | undefined {
  const isFolder = statSync(source, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isGguf(source) && !isFolder) {
    if (engine !== 'torch') return source;
    throw unfit(
      `${source} is a GGUF, which llama.cpp computes: name a model directory for torch, or leave --engine out`,
      `${source} 是 GGUF，由 llama.cpp 计算：请为 torch 指定模型目录，或去掉 --engine`,
    );
  }
  const isModel = isFolder && existsSync(path.join(source, 'config.json'));
  if (engine === 'torch' || (isModel && engine === undefined)) return undefined;
  // Of a model in several files llama.cpp wants the first.
  const isWhole = (name: string) => isGguf(name) && !isLaterPart(name);
  const [only, ...others] = isFolder ? readdirSync(source).filter(isWhole).sort() : [];
  if (only !== undefined && others.length === 0) return path.join(source, only);
  if (only !== undefined) {
    const names = [only, ...others].join(', ');
    throw unfit(
      `${source} has several GGUF files, name one of them: ${names}`,
      `${source} 中有多个 GGUF 文件，请指明其一：${names}`,
    );
  }
  if (engine === undefined) return undefined;
  throw unfit(
    `${source} has no GGUF for llama.cpp: make one with tunan model export ${source} --format gguf`,
    `${source} 中没有供 llama.cpp 使用的 GGUF：请用 tunan model export ${source} --format gguf 生成`,
  );
}

function elsewhere(source: string, adapter: string): InferenceError {
  const message = {
    en: `${source} is run by another server, which has to load ${adapter} itself`,
    zh: `${source} 由其他服务运行，${adapter} 须由该服务自行载入`,
  };
  return new InferenceError('INFERENCE_BAD_OPTION', message, { option: 'adapters' });
}

function unfit(en: string, zh: string): InferenceError {
  return new InferenceError('INFERENCE_BAD_OPTION', { en, zh }, { option: 'engine' });
}

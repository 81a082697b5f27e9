/** The names of the files of a model directory, and how its JSON is read. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ModelError } from '../errors.ts';
import { fromHuggingFaceConfig, type ModelConfig } from '../model-config.ts';

export const CONFIG = 'config.json';
export const WEIGHTS = 'model.safetensors';
export const INDEX = 'model.safetensors.index.json';

/** The config of a model directory, without its weights. @throws ModelError naming the file at fault */
export function readModelConfig(directory: string): ModelConfig {
  if (!existsSync(directory)) {
    throw new ModelError('MODEL_NOT_A_MODEL', {
      en: `${directory}: no such model directory`,
      zh: `${directory}：没有这个模型目录`,
    });
  }
  const configFile = path.join(directory, CONFIG);
  if (!existsSync(configFile) && existsSync(path.join(directory, 'adapter_config.json'))) {
    throw new ModelError('MODEL_NOT_A_MODEL', {
      en: `${directory}: an adapter, not a model: merge it into its base with tunan model merge`,
      zh: `${directory}：这是适配器而非模型：请先用 tunan model merge 并入其基座`,
    });
  }
  if (!existsSync(configFile)) {
    throw new ModelError('MODEL_NOT_A_MODEL', {
      en: `${directory}: no ${CONFIG}; give a directory written by tunan or transformers`,
      zh: `${directory}：没有 ${CONFIG}；请给出图南或 transformers 写出的目录`,
    });
  }
  return fromHuggingFaceConfig(readJson(configFile), configFile);
}

export function readJson(file: string): unknown {
  return parseJson(readFileSync(file, 'utf8'), file);
}

export function parseJson(text: string, file: string): unknown {
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

export function damaged(file: string, en: string, zh: string, cause?: unknown): ModelError {
  return new ModelError('MODEL_DAMAGED_WEIGHTS', { en: `${file}: ${en}`, zh: `${file}：${zh}` }, { cause });
}

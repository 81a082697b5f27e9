/**
 * A model directory as a clean one of Hugging Face's, with weights of the wanted type: config, safetensors, tokenizer, card. What else
 * stood beside the model is left behind; the weights pass one tensor at a time.
 */
import { copyFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { writeProblem } from '@tunan/files';
import { type ModelConfig, StoredWeights, saveModelDirectory } from '@tunan/model';
import { ChatTemplate, Tokenizer } from '@tunan/tokenizer';
import { type LazyTensor, noGrad } from '@tunan/torch';
import { ExportError, unfit } from './errors.ts';
import { refusePrefixModel } from './prefix-model.ts';

const dtypes = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' } as const;
export type HuggingFaceType = keyof typeof dtypes;
export const huggingFaceTypes = Object.keys(dtypes) as HuggingFaceType[];

/**
 * @param output directory to write; nothing may stand there
 * @throws ModelError, TokenizerError, WriteError; ExportError EXPORT_UNFIT for a weight that the type cannot hold
 */
export function exportHuggingFace(directory: string, output: string, type: HuggingFaceType): ModelConfig {
  if (existsSync(output)) {
    const said = { en: `${output} is there already: give another --out`, zh: `${output} 已存在：请换一个 --out` };
    throw new ExportError('EXPORT_EXISTS', said);
  }
  using weights = StoredWeights.open(directory);
  const { config } = weights;
  refusePrefixModel(config);
  ChatTemplate.load(directory, Tokenizer.load(directory)); // that they can be read is checked before anything is written
  const dtype = dtypes[type];
  const tensors = new Map(weights.names().map((name) => [name, lazyTensor(weights, name, dtype)]));
  saveModelDirectory(output, config, tensors, { dtype, tokenizerFile: path.join(directory, 'tokenizer.json') });
  // What is said of this very model stays as it is.
  for (const name of ['README.md', 'generation_config.json', 'LICENSE']) copyIfThere(directory, output, name);
  return config;
}

function lazyTensor(weights: StoredWeights, name: string, dtype: 'float32' | 'float16' | 'bfloat16'): LazyTensor {
  const make = () =>
    noGrad(() => {
      const converted = weights.get(name).to(dtype);
      if (Number.isFinite(converted.to('float32').reshape(-1).abs().max(0).values.item())) return converted;
      throw unfit(
        `${name}: a weight is too large for ${dtype}, or no number at all: use --type bf16 or f32, or another checkpoint`,
        `${name}：有权重超出 ${dtype} 的范围，或不是数：请用 --type bf16 或 f32，或换一个检查点`,
      );
    });
  return { dtype, shape: weights.shape(name), make };
}

function copyIfThere(from: string, to: string, name: string): void {
  if (!existsSync(path.join(from, name))) return;
  try {
    copyFileSync(path.join(from, name), path.join(to, name));
  } catch (error) {
    throw writeProblem(path.join(to, name), error);
  }
}

/**
 * A model directory as one for ONNX Runtime and transformers.js: the graph with its weights in onnx/, config and tokenizer beside it. The
 * weights are read from the directory and written in pieces, without a model in memory.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '@tunan/files';
import { type ModelConfig, StoredWeights } from '@tunan/model';
import { Tokenizer } from '@tunan/tokenizer';
import { ExportError } from './errors.ts';
import { companionFiles, writeFiles } from './onnx/companion-files.ts';
import { decoderGraph } from './onnx/decoder-graph.ts';
import { type WriteProgress, writeOnnx } from './onnx/onnx-writer.ts';
import { float16Form, float32Form, type WeightForm } from './onnx/weight-form.ts';
import { refusePrefixModel } from './prefix-model.ts';

/** The oldest with GELU by tanh, which GPT-2 needs; of December 2023. Its file format is 9. */
const OPSET = 20;
const IR_VERSION = 9;

/** By transformers.js's names of files: it looks for these where it is asked for dtype fp32, fp16. */
const forms: Record<OnnxType, { readonly file: string; readonly form: WeightForm }> = {
  f32: { file: 'model.onnx', form: float32Form },
  f16: { file: 'model_fp16.onnx', form: float16Form },
};
export type OnnxType = 'f32' | 'f16';
export const onnxTypes = Object.keys(forms) as OnnxType[];

export interface OnnxOptions {
  readonly type: OnnxType;
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined;
  /** Bytes from which on the weights stand in a second file; what an ONNX file can hold when absent. */
  readonly largest?: number | undefined;
}

export interface ExportedOnnx {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly file: string;
}

/**
 * @param directory of a model with its tokenizer
 * @param output directory; other types of the same model may stand there
 * @throws ModelError, TokenizerError, WriteError; ExportError EXPORT_UNFIT for what the type cannot hold
 */
export function exportOnnx(directory: string, output: string, options: OnnxOptions): ExportedOnnx {
  const { type, onProgress, largest } = options;
  const { file: name, form } = forms[type];
  const file = path.join(output, 'onnx', name);
  if (existsSync(file)) {
    const said = { en: `${file} is there already: give another --output`, zh: `${file} 已存在：请换一个 --output` };
    throw new ExportError('EXPORT_EXISTS', said);
  }
  using weights = StoredWeights.open(directory);
  const { config } = weights;
  refusePrefixModel(config);
  const tokenizer = Tokenizer.load(directory);
  companionFiles(directory, output, config, undefined); // refuses before anything is written
  const graph = decoderGraph(weights, form);
  makeFolder(path.dirname(file));
  const model = { graph, opsets: { '': OPSET }, irVersion: IR_VERSION, metadata: {} };
  const external = writeOnnx(file, model, { onProgress, largest });
  writeFiles(output, companionFiles(directory, output, config, external ? name : undefined));
  return { config, tokenizer, file };
}

/**
 * A model directory as one for ONNX Runtime and transformers.js, or for compilers that read QONNX: the graph with its weights in a folder,
 * config and tokenizer beside it. The weights are read from the directory and written in pieces, without a model in memory.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '@tunan/files';
import { type ModelConfig, StoredWeights } from '@tunan/model';
import { Tokenizer } from '@tunan/tokenizer';
import { ExportError } from './errors.ts';
import { companionFiles, writeFiles } from './onnx/companion-files.ts';
import { decoderGraph } from './onnx/decoder-graph.ts';
import { type OnnxFormat, type OnnxType, typeOfWeights } from './onnx/formats.ts';
import { externalFileOf, type WriteProgress, writeOnnx } from './onnx/onnx-writer.ts';
import { QONNX_DOMAIN } from './onnx/qonnx-form.ts';
import { refusePrefixModel } from './prefix-model.ts';

/** The oldest with GELU by tanh, which GPT-2 needs; of December 2023. Its file format is 9. */
const OPSET = 20;
const IR_VERSION = 9;

export interface OnnxOptions {
  readonly format: OnnxFormat;
  /** One of onnxTypes(format). */
  readonly type: OnnxType;
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined;
  /** Bytes from which on the weights stand in a second file; what an ONNX file can hold when absent. */
  readonly largest?: number | undefined;
}

export interface ExportedOnnx {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly file: string;
  /** It, and that of its weights where they stand in a second one. */
  readonly files: readonly string[];
}

/**
 * @param directory of a model with its tokenizer
 * @param output directory; other types of the same model may stand there
 * @throws ModelError, TokenizerError, WriteError; ExportError EXPORT_UNFIT for what the type cannot hold
 */
export function exportOnnx(directory: string, output: string, options: OnnxOptions): ExportedOnnx {
  const { format, type, onProgress, largest } = options;
  const { file: name, form } = typeOfWeights(format, type);
  const file = path.join(output, format, name);
  if (existsSync(file)) {
    const said = { en: `${file} is there already: give another --out`, zh: `${file} 已存在：请换一个 --out` };
    throw new ExportError('EXPORT_EXISTS', said);
  }
  using weights = StoredWeights.open(directory);
  const { config } = weights;
  refusePrefixModel(config);
  const tokenizer = Tokenizer.load(directory);
  companionFiles(directory, output, config, undefined); // refuses before anything is written
  // Hardware has no lengths that change: a step of one token behind a full cache, whose mask says what of it is used.
  const step = { batch: 1, sequence: 1, past: config.contextLength - 1 };
  const graph = decoderGraph(weights, form, format === 'qonnx' ? step : undefined);
  makeFolder(path.dirname(file));
  const opsets = { '': OPSET, ...(format === 'qonnx' && { [QONNX_DOMAIN]: 1 }) };
  const model = { graph, opsets, irVersion: IR_VERSION };
  const external = writeOnnx(file, model, { onProgress, largest });
  writeFiles(output, companionFiles(directory, output, config, external && format === 'onnx' ? name : undefined));
  return { config, tokenizer, file, files: external ? [file, externalFileOf(file)] : [file] };
}

/** The card of an ONNX directory: for each file its type, its size, what its numbers cost and how it is run. */
import path from 'node:path';
import { sizesOf } from '@tunan/model';
import { tableOf, writeCardSection } from './card-section.ts';
import type { ExportedOnnx } from './export-onnx.ts';
import { lossRow, type MeasuredLoss } from './measured-loss.ts';
import type { OnnxFormat, OnnxType } from './onnx/formats.ts';

export interface OnnxCardParts {
  readonly format: OnnxFormat;
  readonly type: OnnxType;
  readonly bytes: number;
  readonly exported: ExportedOnnx;
  readonly measured?: MeasuredLoss | undefined;
}

const kinds: Record<OnnxFormat, Partial<Record<OnnxType, string>>> = {
  onnx: {
    f32: 'f32: the weights as they are',
    f16: 'f16: weights of 16 bits, arithmetic in float32',
    int8: 'int8: products of 8 bits: weights with a scale for each output, and what they are multiplied with, rounded when it runs',
  },
  qonnx: {
    int8: 'int8: weights through Quant nodes of 8 bits, a scale for each output',
    pow2: 'pow2: each weight 0 or ±2^k, 4 bits, through FloatQuant nodes; a power of two for each output behind the product',
  },
};

const dtypes: Partial<Record<OnnxType, string>> = { f32: 'fp32', f16: 'fp16', int8: 'q8' };

/** @throws WriteError */
export function writeOnnxCard(directory: string, parts: OnnxCardParts): void {
  const { format, type, bytes, exported, measured } = parts;
  const { config, file } = exported;
  const { parameters } = sizesOf(config);
  const name = `${format}/${path.basename(file)}`;
  const bits =
    format === 'onnx'
      ? `${((8 * bytes) / parameters.total).toFixed(2)} bits a parameter`
      : 'float32 numbers, of which the nodes say how few bits they need';
  const rows: [string, string][] = [
    ['type', kinds[format][type]!],
    ['size', `${(bytes / 1e6).toFixed(1)} MB, ${bits}`],
    ...(measured === undefined ? [] : [lossRow(measured)]),
  ];
  const head = `---
language: zh
${format === 'onnx' ? 'library_name: transformers.js\n' : ''}pipeline_tag: text-generation
tags: [${format}, tunan]
---

# ${path.basename(path.resolve(directory))}

ONNX files of a model of ${parameters.total.toLocaleString('en-US')} parameters, written by tunan. Context: ${config.contextLength} tokens.
`;
  const use =
    format === 'onnx'
      ? `    await pipeline('text-generation', DIRECTORY, { dtype: '${dtypes[type]}' }) // @huggingface/transformers`
      : `    qonnx-cleanup ${name}\n\nOne token a step behind a cache of ${config.contextLength - 1} positions: attention_mask says which of them are used.`;
  writeCardSection(directory, name, head, `## ${name}\n\n${tableOf(rows)}\n\n${use}`);
}

/**
 * A model directory as a GGUF, the file of llama.cpp, Ollama and LM Studio. The weights are read from the directory and written in
 * pieces, without a model in memory. What llama.cpp cannot compute alike is refused with the reason.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Said } from '@tunan/files';
import { type ModelConfig, StoredWeights, weightsSha256 } from '@tunan/model';
import { ChatTemplate, Tokenizer } from '@tunan/tokenizer';
import { noGrad, scope, type Tensor, tensor } from '@tunan/torch';
import { ExportError } from './errors.ts';
import { architectureOf, configMetadata, ropeFactors } from './gguf/config-metadata.ts';
import { type ChosenType, chooseType, fileTypes, type GgufType } from './gguf/file-types.ts';
import { type WriteProgress, type WrittenTensor, writeGguf } from './gguf/gguf-writer.ts';
import { type Metadata, string, uint32 } from './gguf/metadata.ts';
import { arrangedShape, interleavedRows, type PlannedTensor, tensorPlan } from './gguf/tensor-plan.ts';
import { vocabularyMetadata } from './gguf/vocabulary-metadata.ts';
import { WEIGHTS_SHA256 } from './gguf/weights-key.ts';
import { refusePrefixModel } from './prefix-model.ts';

export interface GgufOptions {
  readonly type: GgufType;
  readonly onProgress?: (progress: WriteProgress) => void;
}

export interface ExportedTensor extends ChosenType {
  readonly name: string;
  /** Rows first. */
  readonly shape: readonly number[];
}

export interface ExportedGguf {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate | undefined;
  readonly tensors: readonly ExportedTensor[];
  /** What is otherwise in llama.cpp than here, for people to know. */
  readonly notes: readonly Said[];
}

/**
 * @param directory of a model with its tokenizer
 * @param file to write; nothing may stand there
 * @throws ModelError, TokenizerError, WriteError; ExportError EXPORT_UNFIT for what the format cannot hold
 */
export function exportGguf(directory: string, file: string, { type, onProgress }: GgufOptions): ExportedGguf {
  if (existsSync(file)) {
    const said = { en: `${file} is there already: give another --out`, zh: `${file} 已存在：请换一个 --out` };
    throw new ExportError('EXPORT_EXISTS', said);
  }
  using weights = StoredWeights.open(directory);
  const { config } = weights;
  refusePrefixModel(config);
  const tokenizer = Tokenizer.load(directory);
  const template = ChatTemplate.load(directory, tokenizer);
  const vocabulary = vocabularyMetadata(tokenizer, template, config.vocabularySize);
  const metadata: Metadata = new Map([
    ['general.architecture', string(architectureOf(config))],
    ['general.type', string('model')],
    ['general.name', string(nameOf(directory, config))],
    ['general.quantization_version', uint32(2)],
    ['general.file_type', uint32(fileTypes[type].code)],
    [WEIGHTS_SHA256, string(weightsSha256(directory))],
    ...configMetadata(config),
    ...vocabulary.entries,
  ]);
  const plan = tensorPlan(config);
  const tied = !plan.some(({ name }) => name === 'output.weight');
  const tensors = plan.map((planned) => {
    const shape = arrangedShape(weights.shape(planned.parameter), planned.arrangement);
    const chosen = chooseType(type, { ...planned, shape }, config, tied);
    return { ...chosen, name: planned.name, shape, rows: rowsOf(planned, weights) };
  });
  writeGguf(file, metadata, [...tensors, ...factorTensor(config)], onProgress);
  return {
    config,
    tokenizer,
    template,
    tensors: tensors.map(({ rows: _, ...tensor }) => tensor),
    notes: vocabulary.notes,
  };
}

/** That of the directory, unless llama.cpp would take it for a model whose tokens it treats in a way of their own (llama-vocab.cpp). */
function nameOf(directory: string, config: ModelConfig): string {
  const name = path.basename(path.resolve(directory));
  return /phi-?3|modern-bert/i.test(name) ? architectureOf(config) : name;
}

function rowsOf(planned: PlannedTensor, weights: StoredWeights): WrittenTensor['rows'] {
  return (first, count) =>
    noGrad(() =>
      scope(() => {
        const part = takeRows(weights.get(planned.parameter), first, count, planned);
        return part.to('float32').contiguous().toArray() as Float32Array;
      }),
    );
}

/** (rows, columns); a vector is one row. */
function takeRows(stored: Tensor, first: number, count: number, { arrangement }: PlannedTensor): Tensor {
  if (stored.shape.length === 1) return stored;
  switch (arrangement.kind) {
    case 'same':
      return stored.narrow(0, first, count);
    case 'transposed':
      return stored.narrow(1, first, count).transpose(0, 1);
    case 'interleaved':
      return stored.indexSelect(0, tensor(interleavedRows(first, count, arrangement.headDim), { dtype: 'int64' }));
  }
}

function factorTensor(config: ModelConfig): WrittenTensor[] {
  const factors = ropeFactors(config);
  if (factors === undefined) return [];
  return [{ name: 'rope_freqs.weight', type: 'F32', shape: [factors.length], rows: () => factors }];
}

/**
 * A model directory as a GGUF, the file of llama.cpp, Ollama and LM Studio. The weights are read from the directory and written in
 * pieces, without a model in memory. What llama.cpp cannot compute alike is refused with the reason.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Said } from '@tunan/files';
import { type ModelConfig, StoredWeights } from '@tunan/model';
import { ChatTemplate, Tokenizer } from '@tunan/tokenizer';
import { noGrad, scope, type Tensor, tensor } from '@tunan/torch';
import { ExportError, unfit } from './errors.ts';
import { architectureOf, configMetadata, ropeFactors } from './gguf/config-metadata.ts';
import { type WriteProgress, type WrittenTensor, writeGguf } from './gguf/gguf-writer.ts';
import { type Metadata, string, uint32 } from './gguf/metadata.ts';
import { arrangedShape, interleavedRows, type PlannedTensor, tensorPlan } from './gguf/tensor-plan.ts';
import type { TensorTypeName } from './gguf/tensor-types.ts';
import { vocabularyMetadata } from './gguf/vocabulary-metadata.ts';

/** llama.h, enum llama_ftype. */
const fileTypes = { f32: 0, f16: 1, bf16: 32 } as const;
export type GgufType = keyof typeof fileTypes;
export const ggufTypes = Object.keys(fileTypes) as GgufType[];

export interface GgufOptions {
  readonly type: GgufType;
  readonly onProgress?: (progress: WriteProgress) => void;
}

export interface ExportedGguf {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate | undefined;
  readonly tensors: readonly {
    readonly name: string;
    readonly type: TensorTypeName;
    readonly shape: readonly number[];
  }[];
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
    const said = { en: `${file} is there already: give another --output`, zh: `${file} 已存在：请换一个 --output` };
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
    ['general.name', string(path.basename(path.resolve(directory)))],
    ['general.file_type', uint32(fileTypes[type])],
    ...configMetadata(config),
    ...vocabulary.entries,
  ]);
  const tensors = [
    ...tensorPlan(config).map((planned) => writtenTensor(planned, weights, typeOf(planned, type))),
    ...factorTensor(config),
  ];
  writeGguf(file, metadata, tensors, onProgress);
  return { config, tokenizer, template, tensors, notes: vocabulary.notes };
}

/** @throws ExportError EXPORT_UNFIT for a prefix language model: no other program reads its prompts as it has learnt to. */
export function refusePrefixModel(config: ModelConfig): void {
  if (config.objective !== 'plm') return;
  throw unfit(
    'this is a prefix language model (objective plm): it reads a prompt in both directions, which no other program does; serve it with tunan',
    '这是前缀语言模型（objective 为 plm）：它双向读取提示，其他程序都不支持；请用图南提供服务',
  );
}

/** Vectors and learned positions stay float32, as llama.cpp keeps them: they are small, and it adds them in float32. */
function typeOf({ name }: PlannedTensor, type: GgufType): TensorTypeName {
  if (!name.endsWith('.weight') || /(_norm|position_embd)\.weight$/.test(name)) return 'F32';
  return ({ f32: 'F32', f16: 'F16', bf16: 'BF16' } as const)[type];
}

function writtenTensor(planned: PlannedTensor, weights: StoredWeights, type: TensorTypeName): WrittenTensor {
  const { name, parameter, arrangement } = planned;
  const shape = arrangedShape(weights.shape(parameter), arrangement);
  const rows = (first: number, count: number): Float32Array =>
    noGrad(() =>
      scope((): Float32Array => {
        const stored = weights.get(parameter);
        const part = takeRows(stored, first, count, planned);
        return part.to('float32').contiguous().toArray() as Float32Array;
      }),
    );
  return { name, type, shape, rows };
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

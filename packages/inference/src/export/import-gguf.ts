/**
 * A GGUF as a model: in memory, or as a directory that tunan and transformers load. Weights of fewer bits come as the float32 numbers that
 * they stand for: nothing that rounding took comes back.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { LanguageModel, type ModelConfig, parameterShapesOf, saveModelDirectory } from '@tunan/model';
import { keep, type LazyTensor, noGrad, scope, type Tensor, tensor } from '@tunan/torch';
import { ExportError } from './errors.ts';
import { configFromMetadata } from './gguf/config-from-metadata.ts';
import { damagedGguf } from './gguf/damaged-gguf.ts';
import { GgufFile, type GgufTensor } from './gguf/gguf-file.ts';
import { MetadataReader } from './gguf/metadata-reader.ts';
import { arrangedShape, interleavedRows, type PlannedTensor, tensorPlan } from './gguf/tensor-plan.ts';
import { tokenizerFromMetadata } from './gguf/tokenizer-from-metadata.ts';

export interface ImportedGguf {
  readonly config: ModelConfig;
  /** How many tensors are of each type. */
  readonly types: Readonly<Record<string, number>>;
}

/**
 * Writes a model directory. Memory holds one tensor at a time.
 * @param directory may be there, but hold no model
 * @throws ExportError, ModelError, TokenizerError, WriteError
 */
export function importGguf(file: string, directory: string): ImportedGguf {
  if (existsSync(path.join(directory, 'config.json'))) {
    throw new ExportError('EXPORT_EXISTS', {
      en: `${directory} holds a model already: give another --out`,
      zh: `${directory} 中已有模型：请换一个 --out`,
    });
  }
  using gguf = new GgufFile(file);
  const config = configFromMetadata(gguf);
  const places = findTensors(gguf, config);
  const metadata = new MetadataReader(gguf.metadata, file);
  const tokenizer = tokenizerFromMetadata(metadata, config.vocabularySize);
  const weights = new Map([...places].map(([name, place]) => [name, lazyTensor(gguf, place)]));
  const aside = mkdtempSync(path.join(os.tmpdir(), 'tunan-import-'));
  try {
    const tokenizerFile = path.join(aside, 'tokenizer.json');
    tokenizer.save(tokenizerFile);
    writeFileSync(path.join(aside, 'tokenizer_config.json'), JSON.stringify(tokenizerConfig(metadata)));
    const template = metadata.stringIfThere('tokenizer.chat_template');
    if (template !== undefined) writeFileSync(path.join(aside, 'chat_template.jinja'), template);
    saveModelDirectory(directory, config, weights, { tokenizerFile, card: cardOf(file) });
  } finally {
    rmSync(aside, { recursive: true });
  }
  return { config, types: typesOf(gguf) };
}

/** The model of a file, float32, wholly in memory. @throws ExportError, ModelError */
export function loadGguf(file: string): LanguageModel {
  using gguf = new GgufFile(file);
  const config = configFromMetadata(gguf);
  const weights = new Map<string, Tensor>();
  for (const [name, place] of findTensors(gguf, config))
    weights.set(
      name,
      scope(() => keep(noGrad(() => lazyTensor(gguf, place).make()))),
    );
  return LanguageModel.fromParameters(config, weights);
}

interface Place {
  readonly planned: PlannedTensor;
  readonly stored: GgufTensor;
  /** Of the parameter. */
  readonly shape: readonly number[];
}

/** Where each parameter stands. @throws ExportError EXPORT_UNREADABLE for a tensor that is missing, of another shape or not of the model */
function findTensors(gguf: GgufFile, config: ModelConfig): Map<string, Place> {
  const shapes = parameterShapesOf(config);
  const rest = new Set(gguf.tensors.keys());
  rest.delete('rope_freqs.weight'); // read with the config
  const places = new Map<string, Place>();
  for (const planned of tensorPlan(config)) {
    const { name, parameter, arrangement } = planned;
    const stored = gguf.tensors.get(name);
    const shape = shapes.get(parameter)!;
    if (stored === undefined)
      throw damagedGguf(
        gguf.path,
        `the tensor ${name} is missing: the file is damaged`,
        `缺少张量 ${name}：文件已损坏`,
      );
    const wanted = arrangedShape(shape, arrangement);
    if (stored.shape.join() !== wanted.join()) {
      throw damagedGguf(
        gguf.path,
        `${name} has shape (${stored.shape.join(', ')}), its metadata ask for (${wanted.join(', ')})`,
        `${name} 的形状是 (${stored.shape.join(', ')})，而元数据要求 (${wanted.join(', ')})`,
      );
    }
    rest.delete(name);
    places.set(parameter, { planned, stored, shape });
  }
  const [extra] = rest;
  if (extra === undefined) return new Map([...shapes.keys()].map((name) => [name, places.get(name)!]));
  throw damagedGguf(
    gguf.path,
    `the tensor ${extra} is none of a model of this kind, so that it would be lost`,
    `张量 ${extra} 不属于这类模型，读入会丢失它`,
  );
}

function lazyTensor(gguf: GgufFile, { planned: { arrangement }, stored, shape }: Place): LazyTensor {
  const make = (): Tensor => {
    const rows = stored.shape.length === 1 ? 1 : stored.shape[0]!;
    const read = tensor(gguf.rows(stored, 0, rows), { shape: stored.shape });
    switch (arrangement.kind) {
      case 'same':
        return read;
      case 'transposed':
        return read.transpose(0, 1).contiguous();
      case 'interleaved':
        return read.indexSelect(0, tensor(whereRowsWent(rows, arrangement.headDim), { dtype: 'int64' }));
    }
  };
  return { dtype: 'float32', shape, make };
}

/** For each row of the parameter, that of the file. */
function whereRowsWent(rows: number, headDim: number): number[] {
  const went: number[] = [];
  for (const [row, from] of interleavedRows(0, rows, headDim).entries()) went[from] = row;
  return went;
}

function tokenizerConfig(metadata: MetadataReader): Record<string, unknown> {
  const texts = metadata.strings('tokenizer.ggml.tokens');
  const token = (key: string): Record<string, string> => {
    const text = texts[metadata.numberIfThere(`tokenizer.ggml.${key}_token_id`) ?? -1];
    return text === undefined ? {} : { [`${key}_token`]: text };
  };
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    ...token('bos'),
    ...token('eos'),
  };
}

function cardOf(file: string): string {
  return `Read from the GGUF \`${path.basename(file)}\`; its weights are those that stood there, as float32.`;
}

function typesOf({ tensors }: GgufFile): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of tensors.values()) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

/**
 * The config of the model in a GGUF. What a file may say and is not computed here is refused by the name of its key; a key that nobody
 * here knows is refused too, unless it says nothing.
 */
import { type ModelConfig, parseModelConfig } from '@tunan/model';
import { ropeFactors } from './config-metadata.ts';
import { damagedGguf } from './damaged-gguf.ts';
import type { GgufFile } from './gguf-file.ts';
import { MetadataReader } from './metadata-reader.ts';
import { endTokens } from './tokenizer-from-metadata.ts';

type LlamaConfig = Extract<ModelConfig, { family: 'llama' }>;
const ARCHITECTURES = ['gpt2', 'llama', 'qwen2', 'qwen3'] as const;
type Architecture = (typeof ARCHITECTURES)[number];

const KNOWN = new Set([
  'vocab_size',
  'block_count',
  'context_length',
  'embedding_length',
  'feed_forward_length',
  'attention.head_count',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.value_length',
  'attention.layer_norm_epsilon',
  'attention.layer_norm_rms_epsilon',
  'rope.dimension_count',
  'rope.freq_base',
  'rope.scaling.type',
  'rope.scaling.factor',
  'rope.scaling.original_context_length',
  'rope.scaling.attn_factor',
  'rope.scaling.finetuned',
]);

/** @throws ExportError EXPORT_UNREADABLE, ModelError for sizes that cannot be */
export function configFromMetadata(gguf: GgufFile): ModelConfig {
  const metadata = new MetadataReader(gguf.metadata, gguf.path);
  const name = metadata.name('general.architecture');
  const architecture = ARCHITECTURES.find((known) => known === name);
  if (architecture === undefined) {
    throw damagedGguf(
      gguf.path,
      `a model of the architecture ${name} is not read; read are ${ARCHITECTURES.join(', ')}`,
      `不支持架构 ${name}；可读的有 ${ARCHITECTURES.join('、')}`,
    );
  }
  refuseUnknown(metadata, architecture);
  // The names of all parameters are made from it, before a missing one is missed.
  const blocks = metadata.number(`${architecture}.block_count`);
  if (blocks > gguf.tensors.size) {
    throw damagedGguf(
      gguf.path,
      `it has ${gguf.tensors.size} tensors, too few for the ${blocks} blocks of its metadata: the file is damaged`,
      `共 ${gguf.tensors.size} 个张量，不够元数据所说的 ${blocks} 层：文件已损坏`,
    );
  }
  const embedding = gguf.tensors.get('token_embd.weight');
  if (embedding === undefined)
    throw damagedGguf(gguf.path, 'the tensor token_embd.weight is missing', '缺少张量 token_embd.weight');
  const vocabularySize = embedding.shape[0]!;
  const config = architecture === 'gpt2' ? gpt2Config(metadata) : llamaConfig(metadata, architecture, gguf);
  const [endOfDocumentId] = endTokens(metadata);
  return parseModelConfig({ ...config, vocabularySize, endOfDocumentId }, gguf.path);
}

function refuseUnknown(metadata: MetadataReader, architecture: Architecture): void {
  for (const key of metadata.keys()) {
    const own = key.startsWith(`${architecture}.`) ? key.slice(architecture.length + 1) : undefined;
    const value = metadata.value(key);
    if (own === undefined || KNOWN.has(own) || value === false || value === 0) continue;
    throw damagedGguf(
      metadata.file,
      `${key} is not known here, and may change what the model computes`,
      `此处不认识 ${key}，它可能改变模型的计算`,
    );
  }
}

function gpt2Config(metadata: MetadataReader): object {
  const width = metadata.number('gpt2.embedding_length');
  const mlpWidth = metadata.number('gpt2.feed_forward_length');
  if (mlpWidth !== 4 * width) throw metadata.wrong('gpt2.feed_forward_length');
  return {
    contextLength: metadata.number('gpt2.context_length'),
    layers: metadata.number('gpt2.block_count'),
    width,
    heads: metadata.number('gpt2.attention.head_count'),
    layerNormEpsilon: readableFloat(metadata.number('gpt2.attention.layer_norm_epsilon')),
  };
}

function llamaConfig(metadata: MetadataReader, variant: LlamaConfig['variant'], gguf: GgufFile): object {
  const number = (key: string) => metadata.number(`${variant}.${key}`);
  const ifThere = (key: string) => metadata.numberIfThere(`${variant}.${key}`);
  const [width, heads] = [number('embedding_length'), number('attention.head_count')];
  const headDim = ifThere('attention.key_length') ?? width / heads;
  for (const key of ['attention.value_length', 'rope.dimension_count'])
    if ((ifThere(key) ?? headDim) !== headDim) throw metadata.wrong(`${variant}.${key}`);
  const config = {
    family: 'llama',
    variant,
    contextLength: number('context_length'),
    layers: number('block_count'),
    width,
    heads,
    kvHeads: ifThere('attention.head_count_kv') ?? heads,
    headDim,
    mlpWidth: number('feed_forward_length'),
    normEpsilon: readableFloat(number('attention.layer_norm_rms_epsilon')),
    ropeTheta: readableFloat(ifThere('rope.freq_base') ?? 10_000),
    tiedHead: !gguf.tensors.has('output.weight'),
  };
  const ropeScaling =
    llama3Scaling(gguf, headDim, config.ropeTheta) ?? scalingOf(metadata, variant, config.contextLength);
  const [bos, ends] = [metadata.numberIfThere('tokenizer.ggml.bos_token_id') ?? null, endTokens(metadata)];
  const severalIds = ends.length > 1 || (ends.length === 1 && bos !== ends[0]);
  const fileIds = severalIds ? { bos, eos: ends.length > 1 ? ends : ends[0]! } : undefined;
  return { ...config, ...(ropeScaling && { ropeScaling }), ...(fileIds && { fileIds }) };
}

function scalingOf(
  metadata: MetadataReader,
  variant: string,
  contextLength: number,
): LlamaConfig['ropeScaling'] | undefined {
  const key = (name: string) => `${variant}.rope.scaling.${name}`;
  const type = metadata.nameIfThere(key('type')) ?? 'none';
  const factor = readableFloat(metadata.numberIfThere(key('factor')) ?? 1);
  if (type === 'none' || (type === 'linear' && factor === 1)) return undefined;
  if (type === 'linear') return { type, factor };
  if (type !== 'yarn') throw metadata.wrong(key('type'));
  const attention = metadata.numberIfThere(key('attn_factor')) ?? 1;
  return {
    type,
    factor,
    originalContext: metadata.numberIfThere(key('original_context_length')) ?? contextLength,
    betaFast: 32,
    betaSlow: 1,
    attentionFactor: readableFloat(attention * (1 + 0.1 * Math.log(factor))),
  };
}

/** A file has the factors alone, not how they were made: those of the Llama 3 models are recognised. */
function llama3Scaling(gguf: GgufFile, headDim: number, ropeTheta: number): LlamaConfig['ropeScaling'] | undefined {
  const stored = gguf.tensors.get('rope_freqs.weight');
  if (stored === undefined) return undefined;
  const factors = gguf.rows(stored, 0, 1);
  if (factors.length !== headDim / 2) throw new MetadataReader(gguf.metadata, gguf.path).wrong('rope_freqs.weight');
  const ropeScaling = {
    type: 'llama3',
    factor: Math.max(...factors),
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContext: 8192,
  } as const;
  const made = ropeFactors({ family: 'llama', headDim, ropeTheta, ropeScaling });
  if (made?.every((factor, i) => Math.abs(factor - factors[i]!) < 1e-4 * factor)) return ropeScaling;
  throw damagedGguf(
    gguf.path,
    'the frequency factors in rope_freqs.weight are not those of a Llama 3, and how they were made is not in the file',
    'rope_freqs.weight 中的频率系数不是 Llama 3 的，文件里也没有它们的来历',
  );
}

/** 1e-6 came as the float32 next to it: the shortest decimal that is this float32. */
function readableFloat(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === Math.fround(value)) return shorter;
  }
  return value;
}

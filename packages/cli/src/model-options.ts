/** The options by which commands name a model, and how they become one. */
import path from 'node:path';
import type { LlamaCppOptions, LocalEngineKind } from '@tunan/inference';
import type { LanguageModel, Precision, PromptAttention } from '@tunan/model';
import type { Tokenizer } from '@tunan/tokenizer';
import type { Device } from '@tunan/torch';
import { UsageError } from './errors.ts';
import { text } from './language.ts';

export const modelOptions = {
  device: { type: 'string', value: 'DEVICE', default: 'cpu', help: text('cpu, cuda or cuda:N', 'cpu、cuda 或 cuda:N') },
  dtype: {
    type: 'string',
    value: 'TYPE',
    default: 'float32',
    help: text('float32 or bfloat16', 'float32 或 bfloat16'),
  },
} as const;

/** Of commands that run a model without training it. */
export const weightsOptions = {
  weights: {
    type: 'string',
    value: 'TYPE',
    default: 'full',
    help: text(
      'full, or int8: rounded to eight bits, faster for one answer at a time (torch)',
      'full，或 int8：权重舍入为 8 位，逐条生成时更快（torch）',
    ),
  },
} as const;

export const adapterOption = {
  type: 'string',
  value: 'DIR',
  help: text('adapter (LoRA) under which the model answers', '模型作答时所用的适配器（LoRA）'),
} as const;

/** Of commands that take adapters beside a model. */
export const anyBaseOption = {
  'any-base': {
    type: 'boolean',
    help: text(
      'take an adapter that was trained beside other weights, as long as it fits',
      '适配器训练时所附的权重不同时，只要形状相符也照样使用',
    ),
  },
} as const;

/** Of commands that put prompts to a model. */
export const promptOptions = {
  'prompt-attention': {
    type: 'string',
    value: 'HOW',
    help: text(
      'causal, or prefix: a prompt is read in both directions (default: as the model has learnt to)',
      'causal，或 prefix：双向读取提示（默认与模型的训练方式一致）',
    ),
  },
} as const;

/** Of commands that take a GGUF as well as a model directory. */
export const engineOptions = {
  engine: {
    type: 'string',
    value: 'NAME',
    help: text(
      'torch or llama.cpp (default: llama.cpp for a .gguf, torch for a model directory)',
      'torch 或 llama.cpp（默认：.gguf 用 llama.cpp，模型目录用 torch）',
    ),
  },
  context: {
    type: 'number',
    value: 'N',
    help: text(
      'llama.cpp: most tokens of a prompt and its answer (default: as the model was trained)',
      'llama.cpp：提示与回答合计的最多词元数（默认与模型训练时相同）',
    ),
  },
  'cache-type': {
    type: 'string',
    value: 'TYPE',
    help: text(
      'llama.cpp: keys and values in f16 or f32, which is exact (default f16)',
      'llama.cpp：键与值用 f16 或精确的 f32（默认 f16）',
    ),
  },
  threads: {
    type: 'number',
    value: 'N',
    help: text(
      'processor threads (default: the physical cores; fewer where other programs compute)',
      '处理器线程数（默认为物理核心数；有其他程序在计算时宜更少）',
    ),
  },
  'cache-mib': {
    type: 'number',
    value: 'MIB',
    help: text('memory for keys and values, MiB (default 2048)', '键与值可用的内存，MiB（默认 2048）'),
  },
} as const;

/** Of llama.cpp. */
const MOST_THREADS = 512;

interface EngineValues {
  readonly engine?: string | undefined;
  readonly context?: number | undefined;
  readonly 'cache-type'?: string | undefined;
  readonly threads?: number | undefined;
  readonly 'cache-mib'?: number | undefined;
}

/** @throws UsageError for a value that there is not */
export function readEngine(values: EngineValues): {
  readonly engine: LocalEngineKind | undefined;
  readonly cacheBytes: number | undefined;
  /** Beside `cacheBytes`. */
  readonly llamaCpp: LlamaCppOptions;
} {
  const { engine, context, 'cache-type': cacheType, threads, 'cache-mib': mebibytes } = values;
  if (engine !== undefined && engine !== 'torch' && engine !== 'llama.cpp') {
    throw new UsageError(
      text(`--engine is torch or llama.cpp, not '${engine}'`, `--engine 应为 torch 或 llama.cpp，而不是“${engine}”`),
    );
  }
  if (cacheType !== undefined && cacheType !== 'f16' && cacheType !== 'f32') {
    throw new UsageError(
      text(`--cache-type is f16 or f32, not '${cacheType}'`, `--cache-type 应为 f16 或 f32，而不是“${cacheType}”`),
    );
  }
  if (mebibytes !== undefined && !(mebibytes > 0)) {
    throw new UsageError(
      text(`--cache-mib must be above 0, not ${mebibytes}`, `--cache-mib 应大于 0，而不是 ${mebibytes}`),
    );
  }
  if (threads !== undefined && !(Number.isSafeInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
    throw new UsageError(
      text(
        `--threads is a whole number from 1 to ${MOST_THREADS}, not ${threads}`,
        `--threads 应为 1 到 ${MOST_THREADS} 的整数，而不是 ${threads}`,
      ),
    );
  }
  const cacheBytes = mebibytes === undefined ? undefined : Math.round(mebibytes * 2 ** 20);
  return { engine, cacheBytes, llamaCpp: { contextLength: context, cacheType, threads } };
}

/** bfloat16 only where it pays; elsewhere float32, with a line that says so. */
async function grantedPrecision(device: Device, asked: Precision): Promise<Precision> {
  const { hasFastBfloat16 } = await import('@tunan/torch');
  if (asked === 'float32' || hasFastBfloat16(device)) return asked;
  const line = text(
    'this processor has no instructions for bfloat16: the model runs in float32',
    '此处理器没有 bfloat16 指令：模型以 float32 运行',
  );
  process.stderr.write(`${line}\n`);
  return 'float32';
}

interface Place {
  readonly device: string;
  readonly dtype: string;
  readonly weights?: string | undefined;
  readonly 'prompt-attention'?: string | undefined;
  readonly threads?: number | undefined;
}

interface ReadPlace {
  readonly device: Device;
  readonly dtype: Precision;
  readonly weights: 'full' | 'int8';
  /** Absent: as the model has learnt to read. */
  readonly promptAttention: PromptAttention | undefined;
}

/** Where a model computes, in what, and how it reads prompts. @throws UsageError for a value that there is not */
export async function readPlace(place: Place): Promise<ReadPlace> {
  const { device: name, dtype, 'prompt-attention': attention, threads } = place;
  const promptAttention = readPromptAttention(attention);
  const weights = readWeights(place.weights);
  const device = readDevice(name);
  const { requireDevice, setThreads } = await import('@tunan/torch');
  requireDevice(device);
  if (threads !== undefined) setThreads(threads);
  return { device, dtype: await grantedPrecision(device, readPrecision(dtype)), weights, promptAttention };
}

/** Loads a model directory with its tokenizer. @throws UsageError for a device or type that there is not */
export async function loadModel(
  directory: string,
  place: Place,
): Promise<{ model: LanguageModel; tokenizer: Tokenizer; promptAttention: PromptAttention | undefined }> {
  const { promptAttention, ...options } = await readPlace(place);
  const [{ LanguageModel }, { Tokenizer }] = await Promise.all([import('@tunan/model'), import('@tunan/tokenizer')]);
  return {
    model: LanguageModel.load(directory, options),
    tokenizer: Tokenizer.load(path.join(directory, 'tokenizer.json')),
    promptAttention,
  };
}

function readPromptAttention(attention: string | undefined): PromptAttention | undefined {
  if (attention === undefined || attention === 'causal' || attention === 'prefix') return attention;
  throw new UsageError(
    text(
      `--prompt-attention is causal or prefix, not '${attention}'`,
      `--prompt-attention 应为 causal 或 prefix，而不是“${attention}”`,
    ),
  );
}

function readDevice(device: string): Device {
  if (/^(cpu|cuda(:\d+)?)$/.test(device)) return device as Device;
  throw new UsageError(
    text(`--device is cpu, cuda or cuda:N, not '${device}'`, `--device 应为 cpu、cuda 或 cuda:N，而不是“${device}”`),
  );
}

function readPrecision(dtype: string): Precision {
  if (dtype === 'float32' || dtype === 'bfloat16') return dtype;
  throw new UsageError(
    text(`--dtype is float32 or bfloat16, not '${dtype}'`, `--dtype 应为 float32 或 bfloat16，而不是“${dtype}”`),
  );
}

function readWeights(weights = 'full'): 'full' | 'int8' {
  if (weights === 'full' || weights === 'int8') return weights;
  throw new UsageError(
    text(`--weights is full or int8, not '${weights}'`, `--weights 应为 full 或 int8，而不是“${weights}”`),
  );
}

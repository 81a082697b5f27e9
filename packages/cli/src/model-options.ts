/** The options by which commands name a model, and how they become one. */
import path from 'node:path';
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
  readonly 'prompt-attention'?: string | undefined;
}

interface ReadPlace {
  readonly device: Device;
  readonly dtype: Precision;
  /** Absent: as the model has learnt to read. */
  readonly promptAttention: PromptAttention | undefined;
}

/** Where a model computes, in what, and how it reads prompts. @throws UsageError for a value that there is not */
export async function readPlace({ device: name, dtype, 'prompt-attention': attention }: Place): Promise<ReadPlace> {
  const promptAttention = readPromptAttention(attention);
  const device = readDevice(name);
  (await import('@tunan/torch')).requireDevice(device);
  return { device, dtype: await grantedPrecision(device, readPrecision(dtype)), promptAttention };
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

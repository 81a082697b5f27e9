/**
 * What kinds of GGUF are written, and which tensor of one gets which type: the choice of llama.cpp's quantize (llama-quant.cpp), so that a
 * file from here is one from there. Rows that are no whole blocks of a type take another one, as there.
 */
import type { ModelConfig } from '@tunan/model';
import { tensorTypes, type WrittenTypeName } from './tensor-types.ts';

/** The code is that of llama.h (enum llama_ftype); `usual` is the type of the matrices that nothing else is said of. */
export const fileTypes = {
  f32: { code: 0, usual: 'F32' },
  f16: { code: 1, usual: 'F16' },
  bf16: { code: 32, usual: 'BF16' },
  q8_0: { code: 7, usual: 'Q8_0' },
  q4_0: { code: 2, usual: 'Q4_0' },
  q4_k_m: { code: 15, usual: 'Q4_K' },
} as const satisfies Record<string, { readonly code: number; readonly usual: WrittenTypeName }>;

export type GgufType = keyof typeof fileTypes;
export const ggufTypes = Object.keys(fileTypes) as GgufType[];

export interface ChosenType {
  readonly type: WrittenTypeName;
  /** What it would have been if its rows were whole blocks of it. */
  readonly insteadOf?: WrittenTypeName;
}

/** For rows that are no whole blocks of 256. */
const fallbacks: Partial<Record<WrittenTypeName, WrittenTypeName>> = { Q4_K: 'Q5_0', Q6_K: 'Q8_0' };

/**
 * The type of a tensor: of its name in the GGUF, its shape with the rows first, and its block.
 *
 * @param tied whether the embedding is the output matrix too
 */
export function chooseType(
  fileType: GgufType,
  {
    name,
    shape,
    layer = 0,
  }: { readonly name: string; readonly shape: readonly number[]; readonly layer?: number | undefined },
  config: ModelConfig,
  tied: boolean,
): ChosenType {
  if (!isMatrix(name)) return { type: 'F32' };
  const { usual } = fileTypes[fileType];
  if (tensorTypes[usual].blockLength === 1) return { type: usual };
  const columns = shape.at(-1)!;
  const wanted = wantedType(fileType, name, layer, config, tied);
  if (fits(columns, wanted)) return { type: wanted };
  const fallback = fallbacks[wanted];
  const type = fallback !== undefined && fits(columns, fallback) ? fallback : 'F16';
  return { type, insteadOf: wanted };
}

/** Vectors and learned positions stay float32: they are small, and are added in float32. */
function isMatrix(name: string): boolean {
  return name.endsWith('.weight') && !/(_norm|^position_embd|^rope_freqs)\.weight$/.test(name);
}

function fits(columns: number, type: WrittenTypeName): boolean {
  return columns % tensorTypes[type].blockLength === 0;
}

function wantedType(
  fileType: GgufType,
  name: string,
  layer: number,
  config: ModelConfig,
  tied: boolean,
): WrittenTypeName {
  const { usual } = fileTypes[fileType];
  if (name === 'output.weight' || (tied && name === 'token_embd.weight')) return usual === 'Q8_0' ? usual : 'Q6_K';
  const values = /attn_(v|qkv)\.weight$/.test(name);
  if (fileType !== 'q4_k_m' || !(values || name.endsWith('ffn_down.weight'))) return usual;
  if (getsMoreBits(layer, config.layers)) return 'Q6_K';
  return values && isSeventyBillion(config) ? 'Q5_K' : usual;
}

/** The models that llama.cpp takes for those of 70 B, in which eight heads share their values. */
function isSeventyBillion(config: ModelConfig): boolean {
  if (config.layers !== 80 || config.family !== 'llama') return false;
  return config.variant === 'qwen2' || (config.variant === 'llama' && config.kvHeads < config.heads);
}

/** The first and the last eighth of the blocks, and of those between every third. */
function getsMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

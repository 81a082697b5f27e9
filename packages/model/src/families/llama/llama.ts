/**
 * The llama family: what LlamaForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM store, and MiniMind's own classes of the same form.
 * A fresh model is a Qwen3; one that was read is written as what it is.
 */

import type { Family } from '../../family.ts';
import { block, end, start } from './body.ts';
import { type LlamaConfig, parseConfig, sizes } from './config.ts';
import { ARCHITECTURES, fileKinds, fromHuggingFace, toHuggingFace } from './hugging-face.ts';
import { parameterName, parameterShapes } from './parameters.ts';

const forms = {
  qwen3: 'the form of Qwen3 (RMS norms, rotary positions, normed heads, SwiGLU)',
  qwen2: 'the form of Qwen2 (RMS norms, rotary positions, biases of the heads, SwiGLU)',
  llama: 'the form of Llama (RMS norms, rotary positions, SwiGLU)',
};

export const llama: Family<LlamaConfig> = {
  name: 'llama',
  kinds: fileKinds,
  describe: ({ variant }) => ({ description: forms[variant], architecture: ARCHITECTURES[variant] }),
  parseConfig,
  sizes,
  fromHuggingFace,
  toHuggingFace,
  parameterName,
  parameterShapes,
  start,
  block,
  end,
};

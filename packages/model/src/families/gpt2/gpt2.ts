/**
 * GPT-2 (Radford et al. 2019) as GPT2LMHeadModel stores it: pre-LN, learned positions, tanh GELU, biases, tied output matrix. It is
 * the form of Yuan LM.
 */

import type { Family } from '../../family.ts';
import { block, end, start } from './body.ts';
import { type Gpt2Config, parseConfig, sizes } from './config.ts';
import { fromHuggingFace, toHuggingFace } from './hugging-face.ts';
import { parameterName, parameterShapes } from './parameters.ts';

export const gpt2: Family<Gpt2Config> = {
  name: 'gpt2',
  kinds: [{ modelType: 'gpt2', architecture: 'GPT2LMHeadModel' }],
  describe: () => ({
    description: 'the form of GPT-2 (pre-LN, learned positions, tanh GELU, tied output matrix)',
    architecture: 'GPT2LMHeadModel',
  }),
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

/**
 * tokenizer_config.json, which stands beside tokenizer.json in a Hugging Face model directory and tells transformers the
 * class and which special token plays which part.
 */
import type { Tokenizer } from './tokenizer.ts';

const parts = {
  bos_token: '<eod>',
  eos_token: '<eod>',
  unk_token: '<unk>',
  sep_token: '<sep>',
  pad_token: '<pad>',
  mask_token: '<mask>',
} as const;

export interface TokenizerConfig extends Partial<Record<keyof typeof parts, string>> {
  tokenizer_class: 'PreTrainedTokenizerFast';
  clean_up_tokenization_spaces: false;
  /** Longest input in tokens, the model's context. */
  model_max_length: number;
  added_tokens_decoder: Record<string, unknown>;
}

/** Content of tokenizer_config.json for a model with a context of `contextLength` tokens. */
export function tokenizerConfig(tokenizer: Tokenizer, contextLength: number): TokenizerConfig {
  const added = tokenizer.file.added_tokens;
  const present = Object.entries(parts).filter(([, name]) => added.some(({ content }) => content === name));
  return {
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
    ...Object.fromEntries(present),
    clean_up_tokenization_spaces: false,
    model_max_length: contextLength,
    tokenizer_class: 'PreTrainedTokenizerFast',
  };
}

/**
 * Which tokens end a text, and which one begins it. A tokenizer.json does not say; the files that stand beside it in a model directory do:
 * tokenizer_config.json by name, generation_config.json and config.json by id. Where all are silent, a special token of
 * a well-known name ends a text, and what ends one begins the next.
 */
import { readJsonBeside } from './json-file.ts';

/** Ids of tokens, and texts that name them, the more telling file first. */
export interface TokenHints {
  readonly names: readonly string[];
  readonly ids: readonly number[];
}

/** Of what ends a text, and of what begins one. */
export interface TextHints {
  readonly ends: TokenHints;
  readonly begins: TokenHints;
}

const NONE: TokenHints = { names: [], ids: [] };
export const NO_HINTS: TextHints = { ends: NONE, begins: NONE };

/** `<eod>` is ours; then GPT-2 and Qwen, DeepSeek, Llama 3. */
export const WELL_KNOWN_ENDS = ['<eod>', '<|endoftext|>', '<｜end▁of▁sentence｜>', '<|end_of_text|>'];

/** @throws TokenizerError when one of the files is there and is not JSON */
export function readTextHints(directory: string): TextHints {
  const [config, generation, tokenizer] = ['config.json', 'generation_config.json', 'tokenizer_config.json'].map(
    (name) => readJsonBeside(directory, name),
  );
  const hintsOf = (name: 'bos_token' | 'eos_token'): TokenHints => {
    const token = tokenizer?.[name];
    const text = typeof token === 'object' && token !== null && 'content' in token ? token.content : token;
    const ids = [generation, config].flatMap((file) => file?.[`${name}_id`] ?? []);
    return {
      names: typeof text === 'string' ? [text] : [],
      ids: ids.filter((id): id is number => typeof id === 'number'),
    };
  };
  return { ends: hintsOf('eos_token'), begins: hintsOf('bos_token') };
}

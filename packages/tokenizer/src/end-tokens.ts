/**
 * Which tokens end a text. A tokenizer.json does not say; the files that stand beside it in a model directory do:
 * tokenizer_config.json by name, generation_config.json and config.json by id. Where all are silent, a special token of
 * a well-known name ends a text.
 */
import { readJsonBeside } from './json-file.ts';

/** Ids that end a text, and texts that name such tokens, the more telling file first. */
export interface EndHints {
  readonly names: readonly string[];
  readonly ids: readonly number[];
}

export const NO_HINTS: EndHints = { names: [], ids: [] };

/** `<eod>` is ours; then GPT-2 and Qwen, DeepSeek, Llama 3. */
export const WELL_KNOWN_ENDS = ['<eod>', '<|endoftext|>', '<｜end▁of▁sentence｜>', '<|end_of_text|>'];

/** @throws TokenizerError when one of the files is there and is not JSON */
export function readEndHints(directory: string): EndHints {
  const [config, generation, tokenizer] = ['config.json', 'generation_config.json', 'tokenizer_config.json'].map(
    (name) => readJsonBeside(directory, name),
  );
  const token = tokenizer?.eos_token;
  const name = typeof token === 'object' && token !== null && 'content' in token ? token.content : token;
  const ids = [generation, config].flatMap((file) => file?.eos_token_id ?? []);
  return {
    names: typeof name === 'string' ? [name] : [],
    ids: ids.filter((id): id is number => typeof id === 'number'),
  };
}

/**
 * A byte-level vocabulary as GGUF lists it (`tokenizer.ggml.*`), made into the tokenizer.json of the same ids. What llama.cpp knows of
 * splits by name is known here for the names of `listedSplits`.
 */
import { createPreTokenizer, type PreTokenizerName } from './pre-tokenizers.ts';
import { assembleTokenizerFile, type TokenizerFile } from './tokenizer-file.ts';

/** `tokenizer.ggml.pre` → the split, and whether a word that is a token is that token whatever the merges say. */
const listedSplits: ReadonlyMap<string, readonly [split: PreTokenizerName, ignoreMerges: boolean]> = new Map([
  ['deepseek-v3', ['deepseek-v3', false]],
  ['gpt-2', ['gpt-2', false]],
  ['phi-2', ['gpt-2', false]],
  ['qwen2', ['qwen2', false]],
  ['deepseek-r1-qwen', ['qwen2', false]],
  ['llama-bpe', ['llama-bpe', true]],
  ['llama3', ['llama-bpe', true]],
  ['llama-v3', ['llama-bpe', true]],
  ['smaug-bpe', ['llama-bpe', false]],
  ['dbrx', ['llama-bpe', false]],
]);

export interface ListedVocabulary {
  /** Texts in the byte alphabet by id; those of special and added tokens as they are. */
  readonly tokens: readonly string[];
  /** Left and right token between a space, by rank. */
  readonly merges: readonly string[];
  /** `tokenizer.ggml.pre` */
  readonly split: string;
  /** What the token of an id is; 'absent' for padding of the embedding. */
  readonly kindOf: (id: number) => 'piece' | 'added' | 'special' | 'absent';
  /** Stands before every text. */
  readonly begin: number | undefined;
}

/** Undefined where the split is none that is known here. */
export function listedVocabularyFile(vocabulary: ListedVocabulary): TokenizerFile | undefined {
  const { tokens, merges, kindOf, begin } = vocabulary;
  const [split, ignoreMerges] = listedSplits.get(vocabulary.split) ?? [];
  if (split === undefined) return undefined;
  const there = tokens.flatMap((content, id) => {
    const kind = kindOf(id);
    return kind === 'absent' ? [] : [{ id, content, kind }];
  });
  return assembleTokenizerFile({
    tokens: new Map(there.map(({ id, content }) => [content, id])),
    added: there
      .filter(({ kind }) => kind !== 'piece')
      .map(({ id, content, kind }) => ({ id, content, special: kind === 'special' })),
    merges: merges.map((merge) => merge.split(' ') as [string, string]), // checked where the file is read
    patterns: createPreTokenizer(split).patterns,
    ignoreMerges: ignoreMerges === true,
    begin: begin === undefined ? undefined : { id: begin, content: tokens[begin]! },
  });
}

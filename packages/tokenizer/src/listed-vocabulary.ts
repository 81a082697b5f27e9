/**
 * A byte-level vocabulary as GGUF lists it (`tokenizer.ggml.*`), made into the tokenizer.json of the same ids. What llama.cpp knows of
 * splits by name is known here for the names of `listedSplits`.
 */
import { createPreTokenizer, type PreTokenizerName } from './pre-tokenizers.ts';

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
export function listedVocabularyFile(vocabulary: ListedVocabulary): Record<string, unknown> | undefined {
  const { tokens, merges, kindOf, begin } = vocabulary;
  const [split, ignoreMerges] = listedSplits.get(vocabulary.split) ?? [];
  if (split === undefined) return undefined;
  const kinds = tokens.map((_, id) => kindOf(id));
  const isolated = createPreTokenizer(split).patterns.map((regex) => ({
    type: 'Split',
    pattern: { Regex: regex },
    behavior: 'Isolated',
    invert: false,
  }));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    version: '1.0',
    added_tokens: tokens.flatMap((content, id) =>
      kinds[id] === 'special' || kinds[id] === 'added'
        ? [{ id, content, special: kinds[id] === 'special', normalized: false }]
        : [],
    ),
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [...isolated, byteLevel] },
    post_processor: begin === undefined ? null : surroundings(tokens[begin]!, begin),
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      ignore_merges: ignoreMerges === true,
      vocab: Object.fromEntries(tokens.flatMap((token, id) => (kinds[id] === 'absent' ? [] : [[token, id]]))),
      merges,
    },
  };
}

function surroundings(name: string, id: number): object {
  return {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: name, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    special_tokens: { [name]: { id: name, ids: [id], tokens: [name] } },
  };
}

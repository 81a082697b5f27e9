/**
 * tokenizer.json, the file of Hugging Face tokenizers, as it is written here: its shape, its making, and its text laid
 * out as Hugging Face lays it out. Reading and checking is the work of read-tokenizer-file.ts.
 */

/** A token that is matched as literal text before the split. */
export interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

export interface SplitStep {
  type: 'Split';
  pattern: { Regex: string };
  behavior: 'Isolated';
  invert: false;
}

export interface ByteLevelStep {
  type: 'ByteLevel';
  add_prefix_space: false;
  trim_offsets: boolean;
  use_regex: boolean;
}

/** The content of a tokenizer.json of the kind read and written here. */
export interface TokenizerFile {
  version: '1.0';
  truncation: null;
  padding: null;
  added_tokens: AddedToken[];
  normalizer: null;
  pre_tokenizer: { type: 'Sequence'; pretokenizers: (SplitStep | ByteLevelStep)[] };
  post_processor: null;
  decoder: { type: 'ByteLevel'; add_prefix_space: boolean; trim_offsets: boolean; use_regex: boolean };
  model: {
    type: 'BPE';
    dropout: null;
    unk_token: null;
    continuing_subword_prefix: null;
    end_of_word_suffix: null;
    fuse_unk: false;
    byte_fallback: false;
    ignore_merges: false;
    /** Token text in the byte alphabet → id. */
    vocab: Record<string, number>;
    /** Left and right token text, by rank. */
    merges: [string, string][];
  };
}

/** Assembles the file. `tokens`: all tokens by id, the specials first. */
export function buildTokenizerFile(
  specials: readonly string[],
  tokens: readonly string[],
  merges: [string, string][],
  patterns: readonly string[],
): TokenizerFile {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        ...patterns.map(
          (regex): SplitStep => ({ type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false }),
        ),
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

/** The file's text, two spaces a level and the vocabulary by id, as Hugging Face saves it. */
export function formatTokenizerFile(file: TokenizerFile): string {
  // An object would put keys like "7" first, so the vocabulary is written apart.
  const mark = '"vocabulary goes here"';
  const { vocab, merges, ...model } = file.model;
  const text = JSON.stringify({ ...file, model: { ...model, vocab: JSON.parse(mark), merges } }, undefined, 2);
  const entries = Object.entries(vocab)
    .sort(([, a], [, b]) => a - b)
    .map(([token, id]) => `      ${JSON.stringify(token)}: ${id}`);
  const at = text.lastIndexOf(mark, text.indexOf('"merges": ['));
  return `${text.slice(0, at)}{\n${entries.join(',\n')}\n    }${text.slice(at + mark.length)}`;
}

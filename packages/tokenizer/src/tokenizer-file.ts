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

/** Puts a token before every text. */
interface TemplateStep {
  type: 'TemplateProcessing';
  single: object[];
  pair: object[];
  special_tokens: Record<string, { id: string; ids: number[]; tokens: string[] }>;
}

/** The content of a tokenizer.json of the kind read and written here. */
export interface TokenizerFile {
  version: '1.0';
  truncation: null;
  padding: null;
  added_tokens: AddedToken[];
  normalizer: null;
  pre_tokenizer: { type: 'Sequence'; pretokenizers: (SplitStep | ByteLevelStep)[] };
  post_processor: null | TemplateStep;
  decoder: { type: 'ByteLevel'; add_prefix_space: boolean; trim_offsets: boolean; use_regex: boolean };
  model: {
    type: 'BPE';
    dropout: null;
    unk_token: null;
    continuing_subword_prefix: null;
    end_of_word_suffix: null;
    fuse_unk: false;
    byte_fallback: false;
    ignore_merges: boolean;
    /** Token text in the byte alphabet → id. */
    vocab: Record<string, number>;
    /** Left and right token text, by rank. */
    merges: [string, string][];
  };
}

/** What a file is assembled of. */
interface TokenizerParts {
  /** Texts in the byte alphabet, and those of added tokens as they are, by id. */
  readonly tokens: ReadonlyMap<string, number>;
  readonly added: readonly { readonly id: number; readonly content: string; readonly special: boolean }[];
  /** Left and right token text, by rank. */
  readonly merges: [string, string][];
  /** Of the split. */
  readonly patterns: readonly string[];
  /** Whether a word that is a token is that token, whatever the merges say. */
  readonly ignoreMerges?: boolean;
  /** The token that stands before every text. */
  readonly begin?: { readonly id: number; readonly content: string } | undefined;
}

/** Assembles the file. `tokens`: all tokens by id, the specials first. */
export function buildTokenizerFile(
  specials: readonly string[],
  tokens: readonly string[],
  merges: [string, string][],
  patterns: readonly string[],
): TokenizerFile {
  return assembleTokenizerFile({
    tokens: new Map(tokens.map((token, id) => [token, id])),
    added: specials.map((content, id) => ({ id, content, special: true })),
    merges,
    patterns,
  });
}

export function assembleTokenizerFile(parts: TokenizerParts): TokenizerFile {
  const { tokens, added, merges, patterns, ignoreMerges = false, begin } = parts;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added.map(({ id, content, special }) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special,
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
    post_processor: begin === undefined ? null : beginsWith(begin),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: ignoreMerges,
      vocab: Object.fromEntries(tokens),
      merges,
    },
  };
}

function beginsWith({ id, content }: { readonly id: number; readonly content: string }): TemplateStep {
  const special = { SpecialToken: { id: content, type_id: 0 } };
  return {
    type: 'TemplateProcessing',
    single: [special, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [special, { Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { [content]: { id: content, ids: [id], tokens: [content] } },
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

/**
 * Reads a tokenizer.json and checks that it is byte-level BPE that this package encodes exactly as Hugging Face does.
 * Besides our own files it takes those of the same kind by others: merges as strings, GPT-2's built-in split, added
 * tokens beside the vocabulary. Anything else is refused with the part that is in the way.
 */
import { byteCharacters, bytesInAlphabetOrder, tokenTextToBytes } from './byte-level.ts';
import { TokenizerError } from './errors.ts';
import { createPreTokenizer, type PreTokenizer } from './pre-tokenizers.ts';

export interface SpecialToken {
  id: number;
  content: string;
  /** Special tokens can be skipped when decoding; other added tokens are ordinary text that is never split. */
  special: boolean;
}

/** What a tokenizer.json says, checked. */
export interface Vocabulary {
  /** Bytes of each id; undefined where the file has no token of that id. */
  tokenBytes: (Uint8Array | undefined)[];
  /** Left, right and joined id by rank, flat. */
  merges: Int32Array;
  addedTokens: SpecialToken[];
  preTokenizer: PreTokenizer;
  idOfByte: Int32Array;
  idOfToken: Map<string, number>;
}

type Json = Record<string, unknown>;

/** @param name what to call the file in errors. @throws TokenizerError MALFORMED_FILE or UNSUPPORTED_FILE */
export function readTokenizerFile(content: unknown, name: string): Vocabulary {
  const reader = new Reader(name);
  const file = reader.object(content, 'the file');
  reader.demandNull(file, ['normalizer', 'truncation', 'padding']);
  const model = reader.object(file.model, 'model');
  if (model.type !== 'BPE') throw reader.unsupported(`a model of type ${JSON.stringify(model.type)}`);
  reader.demandNull(model, ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix']);
  if (model.byte_fallback || model.ignore_merges) throw reader.unsupported('byte_fallback or ignore_merges');
  const postProcessor = file.post_processor;
  if (postProcessor && reader.object(postProcessor, 'post_processor').type !== 'ByteLevel') {
    throw reader.unsupported('a post_processor that adds tokens');
  }
  if (reader.object(file.decoder, 'decoder').type !== 'ByteLevel')
    throw reader.unsupported('a decoder that is not ByteLevel');

  const idOfToken = reader.vocabulary(model.vocab);
  const addedTokens = reader.addedTokens(file.added_tokens, idOfToken);
  return {
    tokenBytes: reader.tokenBytes(idOfToken, addedTokens),
    merges: reader.merges(model.merges, idOfToken),
    addedTokens,
    preTokenizer: createPreTokenizer({ patterns: reader.patterns(file.pre_tokenizer) }),
    idOfByte: reader.idOfByte(idOfToken),
    idOfToken,
  };
}

/** GPT-2's split, which Hugging Face builds into ByteLevel. */
const builtInSplit = createPreTokenizer('gpt-2').patterns;

class Reader {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  malformed(what: string): TokenizerError {
    return new TokenizerError('TOKENIZER_MALFORMED_FILE', `${this.#name} is not a sound tokenizer.json: ${what}`);
  }

  unsupported(what: string): TokenizerError {
    return new TokenizerError(
      'TOKENIZER_UNSUPPORTED_FILE',
      `${this.#name} has ${what}: only byte-level BPE as "tunan tokenizer train" writes it can be used`,
    );
  }

  object(value: unknown, what: string): Json {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.malformed(`${what} is not an object`);
    }
    return value as Json;
  }

  list(value: unknown, what: string): unknown[] {
    if (!Array.isArray(value)) throw this.malformed(`${what} is not a list`);
    return value;
  }

  demandNull(parent: Json, keys: string[]): void {
    for (const key of keys) {
      const value = parent[key];
      if (value !== undefined && value !== null && value !== '') throw this.unsupported(`a ${key}`);
    }
  }

  vocabulary(value: unknown): Map<string, number> {
    const entries = Object.entries(this.object(value, 'model.vocab'));
    const ids = new Set<unknown>();
    for (const [token, id] of entries) {
      if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= entries.length * 2 + 1024 || ids.has(id)) {
        throw this.malformed(
          `token ${JSON.stringify(token)} has the id ${JSON.stringify(id)}, twice given or no id at all`,
        );
      }
      ids.add(id);
    }
    return new Map(entries as [string, number][]);
  }

  addedTokens(value: unknown, idOfToken: Map<string, number>): SpecialToken[] {
    const tokens = this.list(value ?? [], 'added_tokens').map((item) => {
      const token = this.object(item, 'an added token');
      const { id, content, special } = token;
      if (typeof content !== 'string' || content === '' || !Number.isInteger(id)) {
        throw this.malformed('an added token lacks its content or id');
      }
      if (token.single_word || token.lstrip || token.rstrip) {
        throw this.unsupported(`the added token ${JSON.stringify(content)} that takes in its surroundings`);
      }
      const known = idOfToken.get(content) ?? id;
      if (known !== id)
        throw this.malformed(`the added token ${JSON.stringify(content)} has two ids, ${id} and ${known}`);
      return { token: { id: id as number, content, special: special === true }, normalized: token.normalized === true };
    });
    if (new Set(tokens.map(({ normalized }) => normalized)).size > 1) {
      throw this.unsupported('both normalized and unnormalized added tokens');
    }
    return tokens.map(({ token }) => token);
  }

  tokenBytes(idOfToken: Map<string, number>, addedTokens: SpecialToken[]): (Uint8Array | undefined)[] {
    const bytesOfId: (Uint8Array | undefined)[] = [];
    const added = new Map(addedTokens.map(({ content, id }) => [content, id]));
    for (const [token, id] of idOfToken) {
      const bytes = added.has(token) ? Buffer.from(token) : tokenTextToBytes(token);
      if (!bytes)
        throw this.unsupported(`the token ${JSON.stringify(token)}, which is not written in the byte alphabet,`);
      bytesOfId[id] = bytes;
    }
    for (const [content, id] of added) bytesOfId[id] = Buffer.from(content);
    return Array.from(bytesOfId);
  }

  merges(value: unknown, idOfToken: Map<string, number>): Int32Array {
    const list = this.list(value, 'model.merges');
    const flat = new Int32Array(list.length * 3);
    list.forEach((merge, rank) => {
      const [left, right, ...more] = typeof merge === 'string' ? merge.split(' ') : this.list(merge, `merge ${rank}`);
      const leftId = idOfToken.get(left as string);
      const rightId = idOfToken.get(right as string);
      const joined = idOfToken.get(`${left}${right}`);
      if (leftId === undefined || rightId === undefined || joined === undefined || more.length > 0) {
        throw this.malformed(`merge ${rank}, ${JSON.stringify(merge)}, names a token that the vocabulary lacks`);
      }
      flat.set([leftId, rightId, joined], rank * 3);
    });
    return flat;
  }

  patterns(value: unknown): string[] {
    const root = this.object(value, 'pre_tokenizer');
    const steps =
      root.type === 'Sequence' ? this.list(root.pretokenizers, 'pre_tokenizer.pretokenizers') : [root as unknown];
    const patterns: string[] = [];
    steps.forEach((item, i) => {
      const step = this.object(item, 'a pre-tokenizer');
      const last = i === steps.length - 1;
      if (last !== (step.type === 'ByteLevel') || (!last && step.type !== 'Split')) {
        throw this.unsupported(`the pre-tokenizer ${JSON.stringify(step.type)} in place ${i + 1} of ${steps.length}`);
      }
      if (last) {
        if (step.add_prefix_space !== false) throw this.unsupported('add_prefix_space');
        if (step.use_regex !== false) patterns.push(...builtInSplit);
        return;
      }
      const { Regex: regex } = this.object(step.pattern, 'the pattern of a Split');
      if (typeof regex !== 'string' || step.behavior !== 'Isolated' || step.invert === true) {
        throw this.unsupported('a Split that is not an isolating regular expression');
      }
      patterns.push(regex);
    });
    if (patterns.length === 0) throw this.unsupported('no split, so that a whole text is one word');
    return patterns;
  }

  idOfByte(idOfToken: Map<string, number>): Int32Array {
    const ids = new Int32Array(256);
    for (const byte of bytesInAlphabetOrder) {
      const id = idOfToken.get(byteCharacters[byte]!);
      if (id === undefined) throw this.unsupported(`no token for the byte 0x${byte.toString(16).padStart(2, '0')}`);
      ids[byte] = id;
    }
    return ids;
  }
}

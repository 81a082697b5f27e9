/**
 * Text ↔ ids of a trained vocabulary. The ids are those of Hugging Face tokenizers for the same tokenizer.json.
 *
 * Lone surrogates, which no UTF-8 file can hold, are taken as U+FFFD. Every well-formed string comes back unchanged from
 * `decode(encode(text))`. No normalisation, no tokens added at either end.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { DecodeStream } from './decode-stream.ts';
import { TokenizerError } from './errors.ts';
import { MergeTable } from './merge-table.ts';
import type { PreTokenizerName } from './pre-tokenizers.ts';
import { readTokenizerFile, type SpecialToken, type Vocabulary } from './read-tokenizer-file.ts';
import { formatTokenizerFile, type TokenizerFile } from './tokenizer-file.ts';
import { WordEncoder } from './word-encoder.ts';

export interface EncodeOptions {
  /**
   * Whether the literal text of a special token, such as "<eod>", becomes that token (Hugging Face's way, the default)
   * or is ordinary text. Give false for text that others wrote.
   */
  specials?: boolean;
}

export interface DecodeOptions {
  /** Leaves special tokens out. Default false. */
  skipSpecials?: boolean;
}

export class Tokenizer {
  readonly #file: TokenizerFile;
  readonly #vocabulary: Vocabulary;
  readonly #encoder: WordEncoder;
  readonly #addedById: Map<number, SpecialToken>;
  /** Finds all added tokens; undefined where there are none. */
  readonly #added: RegExp | undefined;
  /** Finds the added tokens that are not special. */
  readonly #plainAdded: RegExp | undefined;

  private constructor(content: unknown, name: string) {
    this.#vocabulary = readTokenizerFile(content, name);
    this.#file = content as TokenizerFile;
    const { merges, tokenBytes, idOfByte, addedTokens } = this.#vocabulary;
    this.#encoder = new WordEncoder(new MergeTable(merges, tokenBytes.length), idOfByte);
    this.#addedById = new Map(addedTokens.map((token) => [token.id, token]));
    this.#added = literalFinder(addedTokens);
    this.#plainAdded = literalFinder(addedTokens.filter(({ special }) => !special));
  }

  /** Reads a tokenizer.json. @throws TokenizerError that names the file */
  static load(path: string): Tokenizer {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TokenizerError('TOKENIZER_FILE', `cannot read the tokenizer ${path}: ${reason}`, { cause });
    }
    let content: unknown;
    try {
      content = JSON.parse(text);
    } catch (cause) {
      throw new TokenizerError('TOKENIZER_MALFORMED_FILE', `${path} is not JSON: give a tokenizer.json`, { cause });
    }
    return new Tokenizer(content, path);
  }

  /** From the content of a tokenizer.json, such as `trainBpe` returns. */
  static fromFile(content: TokenizerFile): Tokenizer {
    return new Tokenizer(content, 'the tokenizer');
  }

  /** Ids from 0 to this, less one. */
  get vocabularySize(): number {
    return this.#vocabulary.tokenBytes.length;
  }

  /** llama.cpp's name of the split (`tokenizer.ggml.pre` of GGUF), undefined where it has none. */
  get preTokenizer(): PreTokenizerName | undefined {
    return this.#vocabulary.preTokenizer.name;
  }

  /** The content of tokenizer.json. */
  get file(): TokenizerFile {
    return this.#file;
  }

  /** Id of the end-of-document token. */
  get eod(): number {
    return this.tokenId('<eod>');
  }

  /** Id of a token by its text in the file, such as `<pad>`. */
  tokenId(name: string): number {
    const id =
      this.#vocabulary.addedTokens.find(({ content }) => content === name)?.id ?? this.#vocabulary.idOfToken.get(name);
    if (id === undefined) {
      throw new TokenizerError(
        'TOKENIZER_UNKNOWN_TOKEN',
        `the vocabulary has no token ${JSON.stringify(name)}: train it with this special, or use another tokenizer`,
      );
    }
    return id;
  }

  /** Whether an id is a special token. */
  isSpecial(id: number): boolean {
    return this.#addedById.get(id)?.special === true;
  }

  /** Bytes of a token; of a special token, of its name. */
  tokenBytes(id: number): Uint8Array {
    const bytes = this.#vocabulary.tokenBytes[id];
    if (!bytes) {
      throw new TokenizerError(
        'TOKENIZER_UNKNOWN_TOKEN',
        `${id} is no token of this vocabulary of ${this.vocabularySize}: use the tokenizer that made the ids`,
      );
    }
    return bytes;
  }

  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    const wellFormed = text.toWellFormed();
    const added = (options.specials ?? true) ? this.#added : this.#plainAdded;
    let done = 0;
    if (added) {
      for (const match of wellFormed.matchAll(added)) {
        this.#addText(wellFormed.slice(done, match.index));
        this.#encoder.addId(this.tokenId(match[0]));
        done = match.index + match[0].length;
      }
    }
    this.#addText(done === 0 ? wellFormed : wellFormed.slice(done));
    return this.#encoder.take();
  }

  /** Bytes that are not UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const skip = options.skipSpecials ?? false;
    const parts: Uint8Array[] = [];
    for (const id of ids) if (!skip || !this.isSpecial(id)) parts.push(this.tokenBytes(id));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
  }

  /** Decodes id by id, never half a character. */
  decodeStream(options: DecodeOptions = {}): DecodeStream {
    const skip = options.skipSpecials ?? false;
    return new DecodeStream((id) => (skip && this.isSpecial(id) ? undefined : this.tokenBytes(id)));
  }

  /** Writes tokenizer.json whole or not at all. */
  save(path: string): void {
    const aside = `${path}.${process.pid}.partial`;
    try {
      const handle = openSync(aside, 'w');
      try {
        writeFileSync(handle, formatTokenizerFile(this.#file)); // writeSync may write a part and not say so
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(aside, path);
    } catch (cause) {
      rmSync(aside, { force: true });
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TokenizerError('TOKENIZER_FILE', `cannot write the tokenizer ${path}: ${reason}`, { cause });
    }
  }

  #addText(text: string): void {
    this.#vocabulary.preTokenizer.split(text, (start, end) => this.#encoder.addWord(text, start, end));
  }
}

/** Finds the leftmost, and there the longest, of the tokens' texts. */
function literalFinder(tokens: readonly SpecialToken[]): RegExp | undefined {
  if (tokens.length === 0) return undefined;
  const literals = tokens
    .map(({ content }) => content)
    .sort((a, b) => b.length - a.length)
    .map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return new RegExp(literals.join('|'), 'gu');
}

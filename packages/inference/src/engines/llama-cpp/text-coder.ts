/**
 * Text ↔ ids of a GGUF. Byte-level vocabularies whose split is known are encoded by this project's Tokenizer: its ids are llama.cpp's,
 * and no text can hurt it. All others are left to llama.cpp, so that every vocabulary that llama.cpp reads is served.
 *
 * Texts go to llama.cpp in pieces: its regular expressions recurse for every character of a word, and some thousands of characters
 * without a break would end the process. A word on the border of two pieces may get other ids than in one.
 */
import {
  type DecodeOptions,
  DecodeStream,
  type EncodeOptions,
  type TemplateCoder,
  Tokenizer,
  TokenizerError,
} from '@tunan/tokenizer';
import { InferenceError } from '../../errors.ts';
import type { Metadata } from '../../export/gguf/metadata.ts';
import type { TextCoder } from '../local/vocabulary.ts';
import type { Functions, Pointer } from './abi.ts';

/** enum llama_token_attr */
const UNKNOWN = 1;
const UNUSED = 2;
const CONTROL = 8;
const USER_DEFINED = 16;

/** Longer runs of text go to llama.cpp in pieces, cut behind a line where there is one. */
const PIECE = 1000;

/** What engine and chat template need of a vocabulary. */
export type GgufTextCoder = TextCoder & TemplateCoder;

/**
 * @param metadata of the file that the vocabulary was loaded from
 * @throws InferenceError INFERENCE_TOKENIZER_MISMATCH where no token ends a text
 */
export function textCoderOf(
  functions: Functions,
  vocabulary: Pointer,
  metadata: Metadata,
  file: string,
): GgufTextCoder {
  const coder = new LlamaTextCoder(functions, vocabulary);
  const value = (key: string): unknown => metadata.get(`tokenizer.ggml.${key}`)?.value;
  const [tokens, merges, split] = [value('tokens'), value('merges'), value('pre')];
  if (value('model') !== 'gpt2' || !isTexts(tokens) || !isTexts(merges) || typeof split !== 'string') return coder;
  const begin = coder.beginsEveryText ? coder.bod : undefined;
  try {
    const listed = { tokens, merges, split, kindOf: (id: number) => coder.kindOf(id), begin };
    return Tokenizer.fromList(listed, [...coder.ends], file) ?? coder;
  } catch (error) {
    if (error instanceof TokenizerError) return coder;
    throw error;
  }
}

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && typeof value[0] === 'string';

export class LlamaTextCoder implements GgufTextCoder {
  readonly vocabularySize: number;
  readonly ends: ReadonlySet<number>;
  readonly beginsEveryText: boolean;
  readonly specialTexts: readonly string[];
  readonly #functions: Functions;
  readonly #vocabulary: Pointer;
  readonly #attributes: Int32Array;
  readonly #bytes: (Uint8Array | undefined)[] = [];
  #room = new Int32Array(256);

  /** @throws InferenceError INFERENCE_TOKENIZER_MISMATCH where no token ends a text */
  constructor(functions: Functions, vocabulary: Pointer) {
    this.#functions = functions;
    this.#vocabulary = vocabulary;
    const count = functions.llama_vocab_n_tokens(vocabulary);
    this.#attributes = Int32Array.from({ length: count }, (_, id) => functions.llama_vocab_get_attr(vocabulary, id));
    this.vocabularySize = 1 + this.#attributes.findLastIndex((_, id) => this.hasToken(id));
    const eos = functions.llama_vocab_eos(vocabulary);
    const ids = Array.from(this.#attributes.keys()).filter((id) => functions.llama_vocab_is_eog(vocabulary, id));
    this.ends = new Set(ids.includes(eos) ? [eos, ...ids] : ids);
    if (this.ends.size === 0) throw noEnd();
    this.beginsEveryText = functions.llama_vocab_get_add_bos(vocabulary) && functions.llama_vocab_bos(vocabulary) >= 0;
    this.specialTexts = Array.from(this.#attributes.keys())
      .filter((id) => this.isSpecial(id))
      .map((id) => functions.llama_vocab_get_text(vocabulary, id));
  }

  get bod(): number {
    const bos = this.#functions.llama_vocab_bos(this.#vocabulary);
    return bos >= 0 ? bos : [...this.ends][0]!;
  }

  hasToken(id: number): boolean {
    const attributes = this.#attributes[id] ?? 0;
    return attributes !== 0 && (attributes & UNUSED) === 0;
  }

  kindOf(id: number): 'piece' | 'added' | 'special' | 'absent' {
    if (!this.hasToken(id)) return 'absent';
    if (this.isSpecial(id)) return 'special';
    return ((this.#attributes[id] ?? 0) & USER_DEFINED) === 0 ? 'piece' : 'added';
  }

  isSpecial(id: number): boolean {
    return ((this.#attributes[id] ?? 0) & (CONTROL | UNKNOWN)) !== 0;
  }

  tokenBytes(id: number): Uint8Array {
    this.#bytes[id] ??= this.#readBytes(id);
    return this.#bytes[id];
  }

  #readBytes(id: number): Uint8Array {
    let buffer = Buffer.alloc(64);
    let bytes = this.#functions.llama_token_to_piece(this.#vocabulary, id, buffer, buffer.length, 0, true);
    if (bytes < 0) {
      buffer = Buffer.alloc(-bytes);
      bytes = this.#functions.llama_token_to_piece(this.#vocabulary, id, buffer, buffer.length, 0, true);
    }
    return buffer.subarray(0, bytes);
  }

  encode(text: string, { specials = true, surroundings = specials }: EncodeOptions = {}): Uint32Array {
    const ids: number[] = surroundings && this.beginsEveryText ? [this.bod] : [];
    for (const piece of piecesOf(text.toWellFormed())) {
      for (const id of this.#encodePiece(Buffer.from(piece, 'utf8'), specials)) ids.push(id);
    }
    return Uint32Array.from(ids);
  }

  #encodePiece(text: Buffer, specials: boolean): Int32Array {
    const tokenize = () =>
      this.#functions.llama_tokenize(
        this.#vocabulary,
        text,
        text.length,
        this.#room,
        this.#room.length,
        false,
        specials,
      );
    let count = tokenize();
    if (count < 0) {
      this.#room = new Int32Array(-count);
      count = tokenize();
    }
    return this.#room.subarray(0, count);
  }

  decodeStream(options: DecodeOptions = {}): DecodeStream {
    const skip = options.skipSpecials ?? false;
    return new DecodeStream((id) => (skip && this.isSpecial(id) ? undefined : this.tokenBytes(id)));
  }
}

/** Behind a line break that more than white space follows, no split of llama.cpp goes on; within a line there is no such place. */
function* piecesOf(text: string): Generator<string> {
  let begin = 0;
  while (text.length - begin > PIECE) {
    const line = text.lastIndexOf('\n', begin + PIECE - 1);
    const end = line > begin && /\S/.test(text[line + 1] ?? '') ? line + 1 : begin + PIECE;
    yield text.slice(begin, isHalf(text, end) ? end - 1 : end);
    begin = isHalf(text, end) ? end - 1 : end;
  }
  yield text.slice(begin);
}

const isHalf = (text: string, end: number): boolean => /[\uDC00-\uDFFF]/.test(text[end] ?? '');

function noEnd(): InferenceError {
  return new InferenceError('INFERENCE_TOKENIZER_MISMATCH', {
    en: 'no token of this GGUF ends a text: write it again with tokenizer.ggml.eos_token_id',
    zh: '此 GGUF 中没有结束文本的词元：请带上 tokenizer.ggml.eos_token_id 重新写出',
  });
}

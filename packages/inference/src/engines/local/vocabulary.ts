/**
 * The tokenizer as generation sees it: prompts in, readable tokens out, and which ids may be drawn.
 *
 * Of the special tokens only those that end a text (`<eod>`) can be drawn. Ids beyond the tokenizer's own are the padding
 * of the model's vocabulary and are never drawn either, and neither is a token that would make the text malformed UTF-8
 * behind the tokens before it. A prompt text is data: special tokens written in it are encoded as the characters they
 * consist of.
 */
import type { Said } from '@tunan/files';
import type { DecodeStream, EncodeOptions } from '@tunan/tokenizer';
import { InferenceError } from '../../errors.ts';
import { follow, MALFORMED, STATES, unfinishedEnd } from '../../utf8.ts';

/** Text ↔ ids, as a Tokenizer does it, and the vocabularies of other programs. */
export interface TextCoder {
  /** Ids from 0 to this, less one. */
  readonly vocabularySize: number;
  /** Begins a document. */
  readonly bod: number;
  /** The tokens that end a text. */
  readonly ends: ReadonlySet<number>;
  /** Whether every text that the model has seen began with `bod`. */
  readonly beginsEveryText: boolean;
  encode(text: string, options?: EncodeOptions): Uint32Array;
  decodeStream(): DecodeStream;
  hasToken(id: number): boolean;
  isSpecial(id: number): boolean;
  tokenBytes(id: number): Uint8Array;
}

export interface Prompt {
  readonly ids: readonly number[];
  /** What echo shows: whole characters. */
  readonly text: string;
  /** The bytes of a character that the prompt begins and does not finish; the answer goes on with it. */
  readonly unfinished: Uint8Array;
  /** Where each token's text begins in `text`; undefined for a token that echo does not show. */
  readonly offsets: readonly (number | undefined)[];
}

export class Vocabulary {
  /** Tokens of the tokenizer. */
  readonly size: number;
  /** Rows of the model's output, `size` at least. */
  readonly paddedSize: number;
  /** Begins a document. */
  readonly beginOfDocument: number;
  /** Each of them ends an answer. */
  readonly ends: ReadonlySet<number>;
  readonly #tokenizer: TextCoder;
  /** By UTF-8 state, filled when first asked. */
  readonly #neverDrawn: (readonly number[] | undefined)[] = new Array(STATES);

  /** @throws InferenceError INFERENCE_TOKENIZER_MISMATCH, TokenizerError when no token ends a document */
  constructor(tokenizer: TextCoder, paddedSize: number) {
    this.size = tokenizer.vocabularySize;
    this.paddedSize = paddedSize;
    this.beginOfDocument = tokenizer.bod;
    this.ends = tokenizer.ends;
    this.#tokenizer = tokenizer;
    if (this.size > paddedSize) {
      throw new InferenceError('INFERENCE_TOKENIZER_MISMATCH', {
        en: `the tokenizer has ${this.size} tokens, the model ${paddedSize}: use the tokenizer it was trained with`,
        zh: `分词器有 ${this.size} 个词元，模型只有 ${paddedSize} 个：请用训练时的分词器`,
      });
    }
  }

  /**
   * @param prompt a text or ids; an empty one begins a document
   * @throws InferenceError INFERENCE_BAD_OPTION for an id outside of the vocabulary; INFERENCE_PROMPT_TOO_LONG, before the text of
   * a prompt that cannot be served is put together
   */
  prompt(prompt: string | readonly number[], beginDocument: boolean, contextLength: number): Prompt {
    const own = typeof prompt === 'string' ? [...this.#tokenizer.encode(prompt, { specials: false })] : [...prompt];
    for (const id of own) this.checkId(id, 'prompts', { en: 'the prompt', zh: '提示' });
    const begun = own[0] === this.beginOfDocument;
    const hidden = beginDocument || own.length === 0 || (this.#tokenizer.beginsEveryText && !begun);
    const length = own.length + (hidden ? 1 : 0);
    if (length > contextLength) {
      const message = {
        en: `the prompt has ${length} tokens, but the context of the model is ${contextLength}: shorten the prompt`,
        zh: `提示有 ${length} 个词元，而模型的上下文为 ${contextLength}：请缩短提示`,
      };
      throw new InferenceError('INFERENCE_PROMPT_TOO_LONG', message, { option: 'prompts' });
    }
    const decoder = this.#tokenizer.decodeStream();
    let text = '';
    const offsets: (number | undefined)[] = hidden ? [undefined] : [];
    for (const id of own) {
      offsets.push(text.length);
      text += decoder.push(id);
    }
    // A character has four bytes at most, and a token one at least.
    const unfinished = unfinishedEnd(Buffer.concat(own.slice(-3).map((id) => this.tokenBytes(id))));
    return { ids: hidden ? [this.beginOfDocument, ...own] : own, text, unfinished, offsets };
  }

  /** @throws InferenceError INFERENCE_BAD_OPTION when the model has no such token */
  checkId(id: number, option: string, holder: Said): void {
    if (this.#tokenizer.hasToken(id)) return;
    const last = this.size - 1;
    const message = {
      en: `${holder.en} has the token id ${id}; ids of this model go from 0 to ${last}`,
      zh: `${holder.zh}中有词元编号 ${id}；本模型的编号从 0 到 ${last}`,
    };
    throw new InferenceError('INFERENCE_BAD_OPTION', message, { option });
  }

  /** The ids that must not come where the text so far stands in a UTF-8 state. What ends the text always may. */
  neverDrawn(state: number): readonly number[] {
    this.#neverDrawn[state] ??= Array.from({ length: this.size }, (_, id) => id).filter((id) => {
      if (this.ends.has(id)) return false;
      if (!this.#tokenizer.hasToken(id)) return true;
      return this.#tokenizer.isSpecial(id) || follow(state, this.tokenBytes(id)) === MALFORMED;
    });
    return this.#neverDrawn[state];
  }

  /** Whether a text can have the token: special ones stand in none. */
  isText(id: number): boolean {
    return this.#tokenizer.hasToken(id) && !this.#tokenizer.isSpecial(id) && !this.ends.has(id);
  }

  tokenBytes(id: number): Uint8Array {
    return this.#tokenizer.tokenBytes(id);
  }

  /** A token's text; one that is no whole character as `bytes:\xe6\x98`. */
  tokenText(id: number): string {
    const bytes = this.tokenBytes(id);
    const text = Buffer.from(bytes).toString('utf8');
    if (Buffer.from(text, 'utf8').equals(bytes)) return text;
    return `bytes:${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;
  }
}

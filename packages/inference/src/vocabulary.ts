/**
 * The tokenizer as generation sees it: prompts in, readable tokens out, and which ids may be drawn.
 *
 * Of the special tokens only `<eod>` can be drawn; it ends the answer. Ids beyond the tokenizer's own are the padding of
 * the model's vocabulary and are never drawn either. A prompt text is data: special tokens written in it are encoded as
 * the characters they consist of.
 */
import type { DecodeStream, Tokenizer } from '@tunan/tokenizer';
import { InferenceError } from './errors.ts';

export interface Prompt {
  readonly ids: readonly number[];
  /** What echo shows. */
  readonly text: string;
  /** Where each token's text begins in `text`; undefined for a token that echo does not show. */
  readonly offsets: readonly (number | undefined)[];
}

export class Vocabulary {
  /** Tokens of the tokenizer. */
  readonly size: number;
  /** Rows of the model's output, `size` at least. */
  readonly paddedSize: number;
  readonly endOfDocument: number;
  readonly neverDrawn: readonly number[];
  readonly #tokenizer: Tokenizer;

  /** @throws InferenceError INFERENCE_TOKENIZER_MISMATCH, TokenizerError when there is no `<eod>` */
  constructor(tokenizer: Tokenizer, paddedSize: number) {
    this.size = tokenizer.vocabularySize;
    this.paddedSize = paddedSize;
    this.endOfDocument = tokenizer.eod;
    this.#tokenizer = tokenizer;
    if (this.size > paddedSize) {
      const message = `the tokenizer has ${this.size} tokens, the model ${paddedSize}`;
      throw new InferenceError('INFERENCE_TOKENIZER_MISMATCH', `${message}: use the tokenizer it was trained with`);
    }
    const ids = Array.from({ length: this.size }, (_, id) => id);
    this.neverDrawn = ids.filter((id) => id !== this.endOfDocument && tokenizer.isSpecial(id));
  }

  /**
   * @param prompt a text or ids; an empty one begins a document
   * @throws InferenceError INFERENCE_BAD_OPTION for an id outside of the vocabulary; INFERENCE_PROMPT_TOO_LONG, before the text of
   * a prompt that cannot be served is put together
   */
  prompt(prompt: string | readonly number[], beginDocument: boolean, contextLength: number): Prompt {
    const own = typeof prompt === 'string' ? [...this.#tokenizer.encode(prompt, { specials: false })] : [...prompt];
    const unknown = own.find((id) => !(Number.isInteger(id) && id >= 0 && id < this.size));
    if (unknown !== undefined) {
      const message = `the prompt has the token id ${unknown}; ids of this model go from 0 to ${this.size - 1}`;
      throw new InferenceError('INFERENCE_BAD_OPTION', message, { option: 'prompts' });
    }
    const hidden = beginDocument || own.length === 0;
    const length = own.length + (hidden ? 1 : 0);
    if (length > contextLength) {
      const message = `the prompt has ${length} tokens, but the context of the model is ${contextLength}`;
      throw new InferenceError('INFERENCE_PROMPT_TOO_LONG', `${message}: shorten the prompt`, { option: 'prompt' });
    }
    const decoder = this.decoder();
    let text = '';
    const offsets: (number | undefined)[] = hidden ? [undefined] : [];
    for (const id of own) {
      offsets.push(text.length);
      text += decoder.push(id);
    }
    return { ids: hidden ? [this.endOfDocument, ...own] : own, text: text + decoder.end(), offsets };
  }

  decoder(): DecodeStream {
    return this.#tokenizer.decodeStream();
  }

  /** A token's text; one that is no whole character as `bytes:\xe6\x98`. */
  tokenText(id: number): string {
    const bytes = this.#tokenizer.tokenBytes(id);
    const text = Buffer.from(bytes).toString('utf8');
    if (Buffer.from(text, 'utf8').equals(bytes)) return text;
    return `bytes:${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;
  }
}

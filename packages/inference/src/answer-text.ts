/**
 * The text of one sequence as its tokens arrive: bytes → characters → stop strings → chunks.
 *
 * Shows whole characters only and never a part of a stop string. Prompt and answer are one text: a character that the
 * prompt begins and the answer finishes is shown whole, with the answer. A token's report goes out with the chunk that
 * shows the beginning of its text; reports of tokens behind a stop string are dropped. An unfinished character at the end
 * is not shown.
 */
import type { FinishReason, GenerationWriter, TokenReport } from './generation.ts';
import { StopMatcher } from './stop-matcher.ts';
import { follow, WHOLE } from './utf8.ts';

export class AnswerText {
  readonly #index: number;
  readonly #generation: GenerationWriter;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #matcher: StopMatcher;
  #pending: TokenReport[] = [];
  /** UTF-16 units decoded and shown so far. */
  #decoded = 0;
  #shown = 0;
  #state: number;

  /**
   * @param unfinished the bytes of a character that the prompt begins and does not finish
   * @param includeStop the stop string that ends the text is shown
   */
  constructor(
    index: number,
    generation: GenerationWriter,
    unfinished: Uint8Array,
    { stop, includeStop }: { readonly stop: readonly string[]; readonly includeStop: boolean },
  ) {
    this.#index = index;
    this.#generation = generation;
    this.#matcher = new StopMatcher(stop, includeStop);
    this.#state = follow(WHOLE, unfinished);
    this.#decoder.decode(unfinished, { stream: true });
  }

  /** How far the text is inside a character, as utf8.ts counts it. */
  get state(): number {
    return this.#state;
  }

  /** Where the text of the next token begins. */
  get offset(): number {
    return this.#decoded;
  }

  /** Whether a stop string has ended the text. */
  get stopped(): boolean {
    return this.#matcher.stopped;
  }

  /** Puts the prompt in front; stop strings in it do not count. */
  showPrompt(text: string, reports: readonly TokenReport[]): void {
    this.#pending.push(...reports);
    this.#decoded += text.length;
    this.#show(text);
  }

  /** The log-probabilities of a prompt that is not shown. */
  reportPrompt(reports: readonly TokenReport[]): void {
    this.#generation.push({ index: this.#index, text: '', tokens: [], promptTokens: reports, finishReason: undefined });
  }

  /**
   * @param bytes of the token
   * @param mayStop whether a stop string that begins in this token counts
   */
  addToken(bytes: Uint8Array, report: TokenReport | undefined, mayStop: boolean): void {
    if (report !== undefined) this.#pending.push(report);
    this.#state = follow(this.#state, bytes);
    const piece = this.#decoder.decode(bytes, { stream: true });
    this.#decoded += piece.length;
    this.#show(mayStop ? this.#matcher.push(piece) : piece);
  }

  /** The token that ended the text: it is reported, and has no text. */
  addEnd(report: TokenReport | undefined): void {
    if (report !== undefined) this.#pending.push(report);
  }

  finish(reason: FinishReason): void {
    this.#show(this.#matcher.end(), reason);
  }

  #show(text: string, finishReason?: FinishReason): void {
    this.#shown += text.length;
    const all = finishReason !== undefined && !this.stopped;
    const tokens = this.#pending.filter(({ offset }) => all || offset < this.#shown);
    this.#pending = this.#pending.filter(({ offset }) => !all && offset >= this.#shown);
    if (text === '' && tokens.length === 0 && finishReason === undefined) return;
    this.#generation.push({ index: this.#index, text, tokens, finishReason });
  }
}

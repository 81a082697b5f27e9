/**
 * The text of one sequence as its tokens arrive: bytes → characters → stop strings → chunks.
 *
 * Shows whole characters only and never a part of a stop string. A token's report goes out with the chunk that shows the
 * beginning of its text; reports of tokens behind a stop string are dropped. An unfinished character at the end of the
 * answer is not shown.
 */
import type { Generation, TokenReport } from './generation.ts';
import { StopMatcher } from './stop-matcher.ts';
import type { Vocabulary } from './vocabulary.ts';

export class AnswerText {
  readonly #index: number;
  readonly #generation: Generation;
  readonly #decoder: ReturnType<Vocabulary['decoder']>;
  readonly #matcher: StopMatcher;
  #pending: TokenReport[] = [];
  /** UTF-16 units decoded and shown so far. */
  #decoded = 0;
  #shown = 0;

  constructor(index: number, generation: Generation, vocabulary: Vocabulary, stops: readonly string[]) {
    this.#index = index;
    this.#generation = generation;
    this.#decoder = vocabulary.decoder();
    this.#matcher = new StopMatcher(stops);
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
  addPrompt(text: string, reports: readonly TokenReport[]): void {
    this.#pending.push(...reports);
    this.#decoded += text.length;
    this.#show(text);
  }

  addToken(id: number, report: TokenReport | undefined): void {
    if (report !== undefined) this.#pending.push(report);
    const piece = this.#decoder.push(id);
    this.#decoded += piece.length;
    this.#show(this.#matcher.push(piece));
  }

  finish(reason: 'stop' | 'length'): void {
    this.#show(this.#matcher.end(), reason);
  }

  #show(text: string, finishReason?: 'stop' | 'length'): void {
    this.#shown += text.length;
    const all = finishReason !== undefined && !this.stopped;
    const tokens = this.#pending.filter(({ offset }) => all || offset < this.#shown);
    this.#pending = this.#pending.filter(({ offset }) => !all && offset >= this.#shown);
    if (text === '' && tokens.length === 0 && finishReason === undefined) return;
    this.#generation.push({ index: this.#index, text, tokens, finishReason });
  }
}

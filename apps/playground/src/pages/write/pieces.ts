/** An answer as the tokens that it is made of, put together from the parts of a stream. */
import type { ServedChatPart, ServedPart } from '@tunan/protocol/client';

export interface Guess {
  readonly token: string;
  readonly logprob: number;
}

export interface Piece {
  /** As much of the text as this token brought; empty where it is a part of a character that a later one ends. */
  readonly text: string;
  /** What the server calls it; undefined where it tells no tokens. */
  readonly token?: string | undefined;
  readonly logprob?: number | undefined;
  /** The likeliest tokens in this place, the likeliest first. */
  readonly guesses: readonly Guess[];
  /** Where it is not the model's own choice here: text from an earlier answer, or a token that somebody chose. */
  readonly origin?: 'kept' | 'chosen';
}

interface ToldToken {
  readonly token: string;
  /** Undefined for the first of a text, before which nothing stands. */
  readonly logprob: number | undefined;
  readonly guesses: readonly Guess[];
  /** Where its text begins in the answer; undefined in a conversation. */
  readonly offset: number | undefined;
}

/** Takes parts in their order; `pieces` is the answer so far. */
export class PieceReader {
  #text = '';
  readonly #tokens: ToldToken[] = [];

  get text(): string {
    return this.#text;
  }

  get pieces(): Piece[] {
    if (this.#tokens.length === 0) return this.#text === '' ? [] : [{ text: this.#text, guesses: [] }];
    const starts = startsOf(this.#tokens, this.#text);
    return this.#tokens.map(({ token, logprob, guesses }, at) => ({
      text: this.#text.slice(starts[at], starts[at + 1] ?? this.#text.length),
      ...{ token, logprob, guesses },
    }));
  }

  /** @returns why the answer has ended, in the part in which it does */
  take(part: ServedPart | ServedChatPart): string | undefined {
    const [choice] = part.choices ?? [];
    if (choice === undefined) return undefined;
    if ('delta' in choice) {
      this.#text += choice.delta.content ?? '';
      for (const { token, logprob, top_logprobs } of choice.logprobs?.content ?? []) {
        this.#tokens.push({ token, logprob, offset: undefined, guesses: [...(top_logprobs ?? [])].sort(likelier) });
      }
    } else if ('text' in choice) {
      this.#text += choice.text;
      this.#takeTokens(choice.logprobs);
    }
    return choice.finish_reason ?? undefined;
  }

  #takeTokens(told: TextLogprobs | null | undefined): void {
    for (const [at, token] of (told?.tokens ?? []).entries()) {
      const top = told?.top_logprobs?.[at] ?? {};
      const guesses = Object.entries(top).map(([name, logprob]) => ({ token: name, logprob }));
      const logprob = told?.token_logprobs[at] ?? undefined;
      this.#tokens.push({ token, logprob, guesses: guesses.sort(likelier), offset: told?.text_offset?.[at] });
    }
  }
}

type TextLogprobs = NonNullable<NonNullable<ServedPart['choices']>[number]['logprobs']>;

const likelier = (one: Guess, other: Guess): number => other.logprob - one.logprob;

/** Where the text of each token begins: as told, or where its words are found next. */
function startsOf(tokens: readonly ToldToken[], text: string): number[] {
  let at = 0;
  return tokens.map(({ token, offset }) => {
    if (offset !== undefined) return Math.min(offset, text.length);
    // Bytes stand for a character that ends somewhere after them; where the words go on says where.
    const found = isBytes(token) ? at : text.indexOf(token, at);
    const start = found < 0 ? at : found;
    at = isBytes(token) || found < 0 ? start : start + token.length;
    return start;
  });
}

/** A token that is no whole character is told as `bytes:\xe6\x98`. */
export const isBytes = (token: string): boolean => /^bytes:(\\x[0-9a-f]{2})+$/.test(token);

/** As a person reads it: spaces and line ends are seen, bytes are short. */
export function shownToken(token: string): string {
  if (isBytes(token)) return token.replace('bytes:', '').replaceAll('\\x', ' ').trim().toUpperCase();
  return token.replaceAll('\n', '⏎').replaceAll('\t', '⇥').replaceAll(' ', '␣');
}

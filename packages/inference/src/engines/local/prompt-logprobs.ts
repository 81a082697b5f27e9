/**
 * What is known of the tokens of prompts: how likely each was behind those before it. Whoever asks for the log-probabilities of a prompt
 * that begins like another then needs the logits of its other tokens alone, and can take over the keys and values of the beginning.
 *
 * Evaluation through an endpoint asks for a prompt once for each candidate: they differ in their last tokens. Kept within a bound, the
 * least recently used are let go first. Computes nothing.
 */
import type { TokenLogprobs } from '../../sampling/logprobs.ts';
import { PrefixTree } from './prefix-tree.ts';

/** Of each token of a beginning; nothing is known of the first, which stands behind none. */
export type KnownTokens = readonly (TokenLogprobs | undefined)[];

interface Entry {
  readonly ids: readonly number[];
  /** Likeliest tokens that are named for each. */
  readonly topCount: number;
  readonly tokens: KnownTokens;
  readonly bytes: number;
}

/** What objects in JavaScript's memory take, about: of a token, and of each likeliest one. */
const TOKEN_BYTES = 100;
const TOP_BYTES = 60;

export class PromptLogprobs {
  readonly #limitBytes: number;
  readonly #tree = new PrefixTree<Entry>();
  /** The least recently used first. */
  readonly #kept = new Set<Entry>();
  #bytes = 0;

  constructor(limitBytes = 64 * 2 ** 20) {
    this.#limitBytes = limitBytes;
  }

  /** Of the longest beginning of which so many likeliest tokens are known; empty where there is none. */
  find(ids: readonly number[], topCount: number): KnownTokens {
    for (const { entry, length } of this.#tree.along(ids)) {
      if (length === 0) break;
      if (entry.topCount < topCount) continue;
      this.#use(entry);
      return entry.tokens.slice(0, length);
    }
    return [];
  }

  /** @param tokens of all ids */
  keep(ids: readonly number[], topCount: number, tokens: KnownTokens): void {
    const shorter: Entry[] = [];
    for (const { entry, length } of this.#tree.along(ids)) {
      if (length === ids.length && entry.topCount >= topCount) {
        this.#use(entry);
        return;
      }
      if (length === entry.ids.length && entry.topCount <= topCount) shorter.push(entry);
    }
    for (const entry of shorter) this.#letGo(entry);
    const bytes = ids.length * (TOKEN_BYTES + topCount * TOP_BYTES);
    if (bytes > this.#limitBytes) return;
    const entry = { ids, topCount, tokens, bytes };
    this.#tree.add(ids, entry);
    this.#kept.add(entry);
    this.#bytes += bytes;
    for (const oldest of this.#kept) {
      if (this.#bytes <= this.#limitBytes) break;
      this.#letGo(oldest);
    }
  }

  #use(entry: Entry): void {
    this.#kept.delete(entry);
    this.#kept.add(entry);
  }

  #letGo(entry: Entry): void {
    this.#kept.delete(entry);
    this.#tree.remove(entry);
    this.#bytes -= entry.bytes;
  }
}

/**
 * What every model that is evaluated can do: tell how likely texts are behind a context. Two kinds exist: a model of ours on
 * this machine (local-scorer.ts) and an OpenAI-compatible endpoint.
 */

export interface ScoreRequest {
  /**
   * What precedes all candidates: solved examples, then the prompt. Each piece is encoded on its own, so that pieces that
   * many requests share are shared in tokens too. A document begins in front of the first one.
   */
  readonly context: readonly string[];
  readonly candidates: readonly Candidate[];
  /** Only the first token of each scored text counts (the way of the original). */
  readonly firstTokenOnly?: boolean;
}

export interface Candidate {
  /** Given behind the context, not scored; may be empty. */
  readonly given: string;
  /** Never empty. */
  readonly scored: string;
}

export interface CandidateScore {
  /** Natural logarithm of the probability of the scored tokens, the sum over them. */
  readonly logprob: number;
  /** Scored tokens, at least one. */
  readonly tokens: number;
}

export interface ScoreOptions {
  /** Called now and then with the requests done and in all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Scorer {
  /** Names model, tokenizer and arithmetic: equal identities give equal scores, so that a cache may be keyed by it. */
  readonly identity: string;
  /** Tokens that a request may have at most: context and the longest candidate. */
  readonly contextLength: number;
  /** The pieces of a request are joined to one text before it becomes tokens; else each is encoded on its own. */
  readonly joins?: boolean;
  /** Tokens of a piece of text; where the tokenizer is unknown, a bound from above. */
  countTokens(text: string): number;
  /** One score a candidate, requests and candidates in their order. The scores do not depend on what is asked together. */
  score(requests: readonly ScoreRequest[], options?: ScoreOptions): Promise<CandidateScore[][]>;
}

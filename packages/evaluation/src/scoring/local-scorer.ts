/**
 * Scores requests with a model of ours on this machine.
 *
 * Requests are packed, not padded: a batch holds as many rows as it may, whatever their lengths, and a request's score does
 * not depend on its neighbours. What many of them begin with is taken from the engine's prefix cache, where it stays for those that come
 * later, and what begins like it. The event loop runs between batches, so that signals are heard.
 */

import { setImmediate } from 'node:timers/promises';
import { PrefixCache } from '@tunan/inference';
import {
  KeyValueCache,
  KeyValuePool,
  type LanguageModel,
  PackedForward,
  type PromptAttention,
  treeRows,
} from '@tunan/model';
import type { Tokenizer } from '@tunan/tokenizer';
import { trimMemory } from '@tunan/torch';
import { EvaluationError } from '../errors.ts';
import { type BranchPlan, type PrefixPlan, planBranches, planPrefixes } from './branch-plan.ts';
import type { CandidateScore, ScoreOptions, ScoreRequest, Scorer } from './scorer.ts';
import { groupByTrunk, type TrunkGroup } from './trunks.ts';

export interface LocalScorerOptions {
  /** Names the weights and the tokenizer, for the cache; see modelIdentity. */
  readonly identity: string;
  /** Tokens computed at once, at least one request's. 1 024 when absent. */
  readonly batchTokens?: number;
  /** How what stands in front of a scored text is read; as the model has learnt to where absent. */
  readonly promptAttention?: PromptAttention | undefined;
  /** Bytes that shared beginnings may take; 256 MiB when absent, and always enough for one of the model's whole context. */
  readonly cacheBytes?: number;
}

const DEFAULT_CACHE_BYTES = 256 * 2 ** 20;
const DEFAULT_BATCH_TOKENS = 1_024;
/** Texts whose tokens are remembered: label words, parts of prompts, solved examples. */
const REMEMBERED_TEXTS = 20_000;
const REMEMBERED_LENGTH = 2_000;

/** Shared beginnings are held until it is disposed. */
export class LocalScorer implements Scorer, Disposable {
  readonly identity: string;
  readonly contextLength: number;
  readonly #tokenizer: Tokenizer;
  readonly #forward: PackedForward;
  readonly #beginnings: PrefixCache;
  readonly #batchTokens: number;
  readonly #begin: number;
  readonly #promptAttention: PromptAttention;
  readonly #remembered = new Map<string, readonly number[]>();

  /**
   * @param model stays the caller's
   * @throws EvaluationError EVALUATION_VOCABULARY_MISMATCH when the tokenizer has ids that the model has not
   */
  constructor(model: LanguageModel, tokenizer: Tokenizer, options: LocalScorerOptions) {
    const { identity, batchTokens = DEFAULT_BATCH_TOKENS, cacheBytes = DEFAULT_CACHE_BYTES } = options;
    const { promptAttention = model.promptAttention } = options;
    if (!Number.isInteger(batchTokens) || batchTokens < 1) {
      throw new EvaluationError('EVALUATION_BAD_SETTING', {
        en: `batchTokens ${batchTokens}: give a positive integer`,
        zh: `batchTokens ${batchTokens}：应为正整数`,
      });
    }
    const { vocabularySize, contextLength } = model.config;
    if (tokenizer.vocabularySize > vocabularySize) {
      throw new EvaluationError('EVALUATION_VOCABULARY_MISMATCH', {
        en: `the tokenizer has ${tokenizer.vocabularySize} tokens, the model ${vocabularySize}: give the tokenizer it was trained with`,
        zh: `分词器有 ${tokenizer.vocabularySize} 个词元，模型有 ${vocabularySize} 个：请用训练该模型的分词器`,
      });
    }
    this.identity = promptAttention === model.promptAttention ? identity : `${identity} ${promptAttention}`;
    this.#promptAttention = promptAttention;
    this.contextLength = contextLength;
    this.#tokenizer = tokenizer;
    this.#forward = new PackedForward(model);
    const bytes = Math.max(cacheBytes, KeyValuePool.bytes(model, contextLength));
    this.#beginnings = new PrefixCache(new KeyValuePool(model, { bytes }));
    this.#batchTokens = batchTokens;
    this.#begin = tokenizer.bod;
  }

  countTokens(text: string): number {
    return this.#encode(text).length;
  }

  /** @throws EvaluationError EVALUATION_CONTEXT_TOO_SHORT, EVALUATION_NON_FINITE */
  async score(requests: readonly ScoreRequest[], options: ScoreOptions = {}): Promise<CandidateScore[][]> {
    const plans = requests.flatMap((request, index) => this.#plans(request).map((planned) => ({ index, ...planned })));
    const scores = requests.map(({ candidates }) => new Array<CandidateScore>(candidates.length));
    let done = 0;
    try {
      for (const { trunk: ids, members } of this.#groups(plans)) {
        using trunk = ids.length === 0 ? undefined : this.#beginning(ids);
        const own = members.map((member) => {
          const { plan, ...rest } = plans[member]!;
          return { ...rest, plan: withoutTrunk(plan, ids.length) };
        });
        for (const batch of this.#batches(own)) {
          options.signal?.throwIfAborted();
          this.#scoreBatch(batch, trunk?.cache, scores);
          done += batch.length;
          options.onProgress?.(Math.floor((done * requests.length) / plans.length), requests.length);
          await setImmediate();
        }
      }
    } finally {
      // Batches of many sizes leave blocks in the pool that fit nothing else.
      trimMemory();
    }
    return scores;
  }

  [Symbol.dispose](): void {
    this.#beginnings.dispose();
  }

  /** What many requests begin with, computed as far as nothing like it was before; kept when it is disposed. */
  #beginning(ids: readonly number[]): { readonly cache: KeyValueCache } & Disposable {
    const cache = this.#beginnings.open({ ids, capacity: ids.length, bothWays: false, shared: ids.length });
    if (!(cache instanceof KeyValueCache)) throw new Error('one beginning at a time finds no room');
    try {
      this.#forward.extend([{ cache, ids: ids.slice(cache.length), logits: 'none' }]);
    } catch (error) {
      this.#beginnings.close(cache, []);
      throw error;
    }
    return { cache, [Symbol.dispose]: () => this.#beginnings.close(cache, ids) };
  }

  /** Nothing is shared between prompts that are read in both directions. */
  #groups(plans: readonly Own[]): TrunkGroup[] {
    if (this.#promptAttention === 'prefix') return [{ trunk: [], members: [...plans.keys()] }];
    return groupByTrunk(plans.map(({ plan }) => plan));
  }

  #plans(request: ScoreRequest): readonly PrefixPlan[] {
    const { context, candidates, firstTokenOnly = false } = request;
    const encoded = {
      context: [this.#begin, ...context.flatMap((piece) => this.#encode(piece))],
      candidates: candidates.map(({ given, scored }) => {
        const ids = this.#encode(scored);
        return { given: this.#encode(given), scored: firstTokenOnly ? ids.slice(0, 1) : ids };
      }),
    };
    for (const { given, scored } of encoded.candidates) {
      if (scored.length === 0) throw new Error('a candidate without a scored token');
      const length = encoded.context.length + given.length + scored.length - 1;
      if (length <= this.contextLength) continue;
      throw new EvaluationError('EVALUATION_CONTEXT_TOO_SHORT', {
        en: `a prompt of ${length} tokens does not fit into the model's context of ${this.contextLength}: take a shorter template, fewer examples or another model`,
        zh: `提示有 ${length} 个词元，超出模型的上下文 ${this.contextLength}：请换较短的模板、减少示例或换模型`,
      });
    }
    if (this.#promptAttention === 'prefix') return planPrefixes(encoded);
    return [{ plan: planBranches(encoded), places: [...candidates.keys()] }];
  }

  #encode(text: string): readonly number[] {
    if (text === '') return [];
    const known = this.#remembered.get(text);
    if (known !== undefined) return known;
    const ids = Array.from(this.#tokenizer.encode(text, { specials: false }));
    if (this.#remembered.size >= REMEMBERED_TEXTS) this.#remembered.clear();
    if (text.length <= REMEMBERED_LENGTH) this.#remembered.set(text, ids);
    return ids;
  }

  /** Requests without branches and of one length side by side: their attention is then one call. */
  *#batches(own: readonly Own[]): Generator<Own[]> {
    const ordered = [...own].sort(
      (a, b) =>
        Number(a.plan.branches.length > 0) - Number(b.plan.branches.length > 0) ||
        a.plan.prefix.length - b.plan.prefix.length ||
        a.index - b.index,
    );
    let batch: Own[] = [];
    let rows = 0;
    for (const one of ordered) {
      const more = treeRows(one.plan);
      if (batch.length > 0 && rows + more > this.#batchTokens) {
        yield batch;
        batch = [];
        rows = 0;
      }
      batch.push(one);
      rows += more;
    }
    if (batch.length > 0) yield batch;
  }

  #scoreBatch(batch: readonly Own[], trunk: KeyValueCache | undefined, scores: CandidateScore[][]): void {
    const logprobs = this.#forward.score(
      batch.map(({ plan }) => plan),
      trunk,
    );
    batch.forEach(({ index, places, plan }, i) => {
      plan.candidates.forEach((targets, candidate) => {
        const logprob = targets.reduce((sum, target) => sum + logprobs[i]![target]!, 0);
        if (!Number.isFinite(logprob)) {
          throw new EvaluationError('EVALUATION_NON_FINITE', {
            en: `a log-probability is ${logprob}; the model is damaged, take an earlier checkpoint`,
            zh: `对数概率为 ${logprob}；模型已损坏，请取较早的检查点`,
          });
        }
        scores[index]![places[candidate]!] = { logprob, tokens: targets.length };
      });
    });
  }
}

interface Own extends PrefixPlan {
  /** Of the request. */
  readonly index: number;
}

function withoutTrunk(plan: BranchPlan, length: number): BranchPlan {
  if (length === 0) return plan;
  return {
    ...plan,
    prefix: plan.prefix.slice(length),
    targets: plan.targets.map(({ row, token }) => ({ row: row - length, token })),
  };
}

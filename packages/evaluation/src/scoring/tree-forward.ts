/**
 * The forward pass of a Yuan LM for scoring: requests of all lengths share every matrix product, tokens that candidates or
 * requests share are computed once, and the output matrix sees only the rows that predict something scored.
 *
 * The rows of all requests, N together, lie end to end (N, C). Norms and linear maps do not care whose they are; attention
 * runs piece by piece (attention-plan.ts). In the last block everything behind attention is computed only for the rows that
 * are needed. The same function as YuanLM.forward in another arrangement; a test holds both equal. Weights are borrowed.
 */

import { type BlockParts, beforeAttention, behindAttention, type YuanLM } from '@tunan/model';
import {
  cat,
  causalAttention,
  keep,
  linearTokenLosses,
  noGrad,
  scope,
  selfAttention,
  type Tensor,
  tensor,
} from '@tunan/torch';
import { type AttentionPiece, planAttention } from './attention-plan.ts';
import { type BranchPlan, planRows } from './branch-plan.ts';

/** Keys and values (1, H, T, D) of a beginning that requests share, for every layer. */
export class Trunk implements Disposable {
  readonly length: number;
  readonly layers: readonly { readonly keys: Tensor; readonly values: Tensor }[];

  constructor(length: number, layers: readonly { keys: Tensor; values: Tensor }[]) {
    this.length = length;
    this.layers = layers;
  }

  [Symbol.dispose](): void {
    for (const { keys, values } of this.layers) {
      keys.dispose();
      values.dispose();
    }
  }
}

interface PreparedPiece {
  readonly piece: AttentionPiece;
  /** (rows, keys) */
  readonly mask: Tensor | undefined;
}

/** Products of rows with words of the output matrix done at once. */
const PAIR_CHUNK = 4_096;

export class TreeForward {
  readonly #model: YuanLM;

  constructor(model: YuanLM) {
    this.#model = model;
  }

  /** Computes a shared beginning; the caller disposes it. */
  trunk(ids: readonly number[]): Trunk {
    const layers: { keys: Tensor; values: Tensor }[] = [];
    noGrad(() =>
      scope(() => {
        let x = this.#embed(
          [...ids],
          Array.from(ids, (_, i) => i),
        );
        const pieces: PreparedPiece[] = [
          { piece: { kind: 'causal', start: 0, count: 1, length: ids.length }, mask: undefined },
        ];
        const { blocks } = this.#model;
        blocks.forEach((parts, layer) => {
          x = scope(() => {
            const { stream, joint } = this.#before(parts, x);
            const [, keys, values] = this.#heads(joint, 0, 1, ids.length);
            layers.push(keep({ keys: keys.contiguous(), values: values.contiguous() }));
            if (layer === blocks.length - 1) return x;
            return this.#behind(parts, stream, this.#attention(joint, pieces, undefined, layer));
          });
        });
      }),
    );
    return new Trunk(ids.length, layers);
  }

  /**
   * @param plans without the trunk's tokens
   * @returns for each plan the log-probabilities of its targets, in nats
   */
  run(plans: readonly BranchPlan[], trunk?: Trunk): Float64Array[] {
    return noGrad(() =>
      scope(() => {
        const past = trunk?.length ?? 0;
        const needed = neededRows(plans);
        const pieces = this.#prepare(planAttention(plans, past));
        let x = this.#embed(
          plans.flatMap(fedIds),
          plans.flatMap((plan) => fedPositions(plan, past)),
        );
        const { blocks } = this.#model;
        blocks.forEach((parts, layer) => {
          x = scope(() => {
            const { stream, joint } = this.#before(parts, x);
            const mixed = this.#attention(joint, pieces, trunk, layer);
            if (layer < blocks.length - 1) return this.#behind(parts, stream, mixed);
            const rows = this.#index(needed.rows);
            return this.#behind(parts, stream.indexSelect(0, rows), mixed.indexSelect(0, rows));
          });
        });
        return this.#logprobs(plans, x, needed.place);
      }),
    );
  }

  #prepare(pieces: readonly AttentionPiece[]): PreparedPiece[] {
    const { device } = this.#model;
    return pieces.map((piece) => {
      if (piece.kind !== 'masked') return { piece, mask: undefined };
      const shape = [piece.length, piece.mask.length / piece.length];
      return { piece, mask: tensor(piece.mask, { shape, device }) };
    });
  }

  #embed(ids: number[], positions: number[]): Tensor {
    return this.#model.embedRows(this.#index(ids), this.#index(positions)); // (N, C)
  }

  /** (N, C) → the same and (N, 3C) */
  #before(parts: BlockParts, x: Tensor): { stream: Tensor; joint: Tensor } {
    return beforeAttention(this.#model.config, parts, x, this.#model.dtype);
  }

  #behind(parts: BlockParts, stream: Tensor, mixed: Tensor): Tensor {
    const { config, dtype } = this.#model;
    return behindAttention(config, parts, stream, mixed, { dtype, training: false });
  }

  /** joint (N, 3C) → (N, C) */
  #attention(joint: Tensor, pieces: readonly PreparedPiece[], trunk: Trunk | undefined, layer: number): Tensor {
    const past = trunk?.layers[layer];
    const mixed = pieces.map(({ piece, mask }) =>
      scope(() => {
        if (piece.kind === 'causal') return this.#causal(joint, piece, past);
        const [queries, ownKeys, ownValues] = this.#heads(joint, piece.start, 1, piece.length);
        const [, prefixKeys, prefixValues] = this.#heads(joint, piece.keyStart, 1, piece.keyLength);
        const keys = cat([...(past ? [past.keys] : []), prefixKeys, ownKeys], 2); // (1, H, S, D)
        const values = cat([...(past ? [past.values] : []), prefixValues, ownValues], 2);
        const seen = mask ? maskedAttention(queries, keys, values, mask) : causalAttention(queries, keys, values);
        return seen.transpose(1, 2).reshape(piece.length, this.#model.config.width);
      }),
    );
    return mixed.length === 1 ? mixed[0]! : cat(mixed);
  }

  #causal(
    joint: Tensor,
    piece: AttentionPiece & { kind: 'causal' },
    past: Trunk['layers'][number] | undefined,
  ): Tensor {
    const { heads, width } = this.#model.config;
    const { start, count, length } = piece;
    if (past === undefined) {
      const own = joint.narrow(0, start, count * length).view(count, length, 3 * width);
      return selfAttention(own, heads).view(count * length, width);
    }
    const [queries, ownKeys, ownValues] = this.#heads(joint, start, count, length);
    const shape = [count, heads, past.keys.shape[2]!, width / heads];
    const keys = cat([past.keys.expand(...shape), ownKeys], 2);
    const values = cat([past.values.expand(...shape), ownValues], 2);
    return causalAttention(queries, keys, values)
      .transpose(1, 2)
      .reshape(count * length, width);
  }

  /** Queries, keys and values (count, H, length, D) of rows that lie side by side. */
  #heads(joint: Tensor, start: number, count: number, length: number): [Tensor, Tensor, Tensor] {
    const { heads, width } = this.#model.config;
    const rows = joint.narrow(0, start, count * length).view(count, length, 3, heads, width / heads);
    const headed = rows.permute(2, 0, 3, 1, 4);
    return [headed.select(0, 0), headed.select(0, 1), headed.select(0, 2)];
  }

  /** x (U, C), the needed rows of all plans in order. */
  #logprobs(plans: readonly BranchPlan[], x: Tensor, place: readonly ReadonlyMap<number, number>[]): Float64Array[] {
    const hidden = this.#model.normalizeFinal(x); // (U, C)
    const weight = this.#model.outputWeight.to(this.#model.dtype); // (V, C)
    const targets = plans.flatMap((plan, i) =>
      plan.targets.map(({ row, token }) => ({ row: place[i]!.get(row)!, token })),
    );
    // The targets are ordered by row: the first of each row goes through the softmax, the others follow from it.
    const isFirst = (i: number) => i === 0 || targets[i - 1]!.row !== targets[i]!.row;
    const firsts = targets.filter((_, i) => isFirst(i));
    const losses = linearTokenLosses(hidden, weight, this.#index(firsts.map(({ token }) => token))).toArray();
    const isAlone = (i: number) => isFirst(i) && targets[i + 1]?.row !== targets[i]!.row;
    const several = targets.filter((_, i) => !isAlone(i));
    const logits = this.#pairLogits(hidden, weight, several);
    const logprobs = new Float64Array(targets.length);
    let next = 0;
    let firstLogit = 0;
    targets.forEach(({ row }, i) => {
      logprobs[i] = -Number(losses[row]!);
      if (isAlone(i)) return;
      const logit = logits[next++]!;
      if (isFirst(i)) firstLogit = logit;
      logprobs[i]! += logit - firstLogit;
    });
    let start = 0;
    return plans.map(({ targets: { length } }) => {
      start += length;
      return logprobs.slice(start - length, start);
    });
  }

  /** Logits of single words, in float64 so that differences of them are as good as the softmax. */
  #pairLogits(hidden: Tensor, weight: Tensor, pairs: readonly { row: number; token: number }[]): Float64Array {
    const logits = new Float64Array(pairs.length);
    for (let start = 0; start < pairs.length; start += PAIR_CHUNK) {
      const chunk = pairs.slice(start, start + PAIR_CHUNK);
      const products = scope(() => {
        const rows = hidden.indexSelect(0, this.#index(chunk.map(({ row }) => row))).to('float64'); // (chunk, C)
        const words = weight.indexSelect(0, this.#index(chunk.map(({ token }) => token))).to('float64');
        return rows.mul(words).sum(1).toArray();
      });
      logits.set(products as Float64Array, start);
    }
    return logits;
  }

  #index(list: readonly number[]): Tensor {
    return tensor(BigInt64Array.from(list, BigInt), { device: this.#model.device });
  }
}

/** q (1, H, R, D), k and v (1, H, S, D), mask (R, S) → (1, H, R, D); the softmax is float32 in every precision. */
function maskedAttention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor): Tensor {
  const scale = 1 / Math.sqrt(queries.shape[3]!);
  const scores = queries.matmul(keys.transpose(2, 3)).to('float32').mul(scale).add(mask);
  return scores.softmax(-1).to(values.dtype).matmul(values);
}

function fedIds({ prefix, branches }: BranchPlan): number[] {
  return [...prefix, ...branches.flat()];
}

function fedPositions({ prefix, branches }: BranchPlan, past: number): number[] {
  const behind = past + prefix.length;
  return [...prefix.map((_, i) => past + i), ...branches.flatMap((branch) => branch.map((_, i) => behind + i))];
}

/** The rows of the batch that predict something scored, and where a plan's own rows stand among them. */
function neededRows(plans: readonly BranchPlan[]): { rows: number[]; place: Map<number, number>[] } {
  const rows: number[] = [];
  let start = 0;
  const place = plans.map((plan) => {
    const own = new Map<number, number>();
    for (const { row } of plan.targets) {
      if (own.has(row)) continue;
      own.set(row, rows.length);
      rows.push(start + row);
    }
    start += planRows(plan);
    return own;
  });
  return { rows, place };
}

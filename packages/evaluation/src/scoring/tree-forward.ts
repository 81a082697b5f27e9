/**
 * The forward pass of a Yuan LM for scoring: requests of all lengths share every matrix product, tokens that candidates or
 * requests share are computed once, and the output matrix sees only the rows that predict something scored.
 *
 * The rows of all requests, N together, lie end to end (N, C). Norms and linear maps do not care whose they are; attention
 * runs piece by piece (attention-plan.ts). In the last block everything behind attention is computed only for the rows that
 * are needed. The same function as YuanLM.forward in another arrangement; a test holds both equal. Weights are borrowed.
 */

import type { YuanLM } from '@tunan/model';
import {
  addResidual,
  affine,
  biasGelu,
  cat,
  causalAttention,
  embedding,
  keep,
  layerNorm,
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

interface Affine {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

interface Block {
  readonly normAttention: Affine;
  readonly queryKeyValue: Affine;
  readonly attentionOutput: Affine;
  readonly normMlp: Affine;
  readonly mlpExpand: Affine;
  readonly mlpContract: Affine;
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
  readonly #blocks: readonly Block[];
  readonly #finalNorm: Affine;

  constructor(model: YuanLM) {
    this.#model = model;
    this.#blocks = Array.from({ length: model.config.layers }, (_, layer) => this.#block(`h.${layer}`));
    this.#finalNorm = this.#affine('ln_f');
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
        this.#blocks.forEach((block, layer) => {
          x = scope(() => {
            const joint = this.#joint(block, x);
            const [, keys, values] = this.#heads(joint, 0, 1, ids.length);
            layers.push(keep({ keys: keys.contiguous(), values: values.contiguous() }));
            if (layer === this.#blocks.length - 1) return x;
            return this.#behindAttention(block, x, this.#attention(joint, pieces, undefined, layer));
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
        this.#blocks.forEach((block, layer) => {
          x = scope(() => {
            const mixed = this.#attention(this.#joint(block, x), pieces, trunk, layer);
            if (layer < this.#blocks.length - 1) return this.#behindAttention(block, x, mixed);
            const rows = this.#index(needed.rows);
            return this.#behindAttention(block, x.indexSelect(0, rows), mixed.indexSelect(0, rows));
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
    const tokens = embedding(this.#parameter('wte.weight'), this.#index(ids)).to('float32'); // (N, C)
    return tokens.add(embedding(this.#parameter('wpe.weight'), this.#index(positions)).to('float32'));
  }

  /** (N, C) → (N, 3C) */
  #joint(block: Block, x: Tensor): Tensor {
    return affine(this.#normalize(x, block.normAttention), block.queryKeyValue.weight, block.queryKeyValue.bias);
  }

  #behindAttention(block: Block, x: Tensor, mixed: Tensor): Tensor {
    const { attentionOutput, mlpExpand, mlpContract } = block;
    const middle = addResidual(x, affine(mixed, attentionOutput.weight), attentionOutput.bias);
    const expanded = affine(this.#normalize(middle, block.normMlp), mlpExpand.weight); // (N, 4C)
    const contracted = affine(biasGelu(expanded, mlpExpand.bias), mlpContract.weight); // (N, C)
    return addResidual(middle, contracted, mlpContract.bias);
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
    const hidden = this.#normalize(x, this.#finalNorm); // (U, C)
    const weight = this.#parameter('wte.weight').to(this.#model.dtype); // (V, C)
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

  #normalize(x: Tensor, norm: Affine): Tensor {
    const { config, dtype } = this.#model;
    return layerNorm(x, norm.weight, norm.bias, { epsilon: config.layerNormEpsilon, dtype });
  }

  #index(list: readonly number[]): Tensor {
    return tensor(BigInt64Array.from(list, BigInt), { device: this.#model.device });
  }

  #block(prefix: string): Block {
    return {
      normAttention: this.#affine(`${prefix}.ln_1`),
      queryKeyValue: this.#affine(`${prefix}.attn.c_attn`),
      attentionOutput: this.#affine(`${prefix}.attn.c_proj`),
      normMlp: this.#affine(`${prefix}.ln_2`),
      mlpExpand: this.#affine(`${prefix}.mlp.c_fc`),
      mlpContract: this.#affine(`${prefix}.mlp.c_proj`),
    };
  }

  #affine(prefix: string): Affine {
    return { weight: this.#parameter(`${prefix}.weight`), bias: this.#parameter(`${prefix}.bias`) };
  }

  #parameter(name: string): Tensor {
    const parameter = this.#model.namedParameters().get(`transformer.${name}`);
    if (parameter === undefined) throw new Error(`the model has no parameter transformer.${name}`);
    return parameter;
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

/**
 * The forward pass without gradients, for sequences of all lengths: they share every matrix product, tokens that several go on from are
 * computed once, and the head sees only the rows that are asked for.
 *
 * The rows of all sequences, N together, lie end to end (N, C). What works on rows does not care whose they are; attention alone does, and
 * runs piece by piece. So there is no padding, and a row never sees another sequence. In the last block everything behind attention is
 * computed for the wanted rows alone. The same function as the model's own hidden() in another arrangement; a test holds both equal.
 * It borrows the weights and never writes them.
 */

import { type CachedSequences, noGrad, scope, type Tensor, tensor } from '@tunan/torch';
import { type Body, type Heads, plainMode, type Sizes } from '../family.ts';
import type { AdaptedRows, AdapterBank, BankedAdapter } from '../lora/adapter-bank.ts';
import { attendPack, type PreparedPiece } from './attend.ts';
import { type AttentionPiece, planAttention } from './attention-plan.ts';
import { cachedAttention } from './cached-attention.ts';
import { KeyValueCache } from './key-value-cache.ts';
import type { CachedModel } from './key-value-pool.ts';
import { targetLogprobs } from './target-logprobs.ts';
import { type TokenTree, treeIds, treePositions, treeRows } from './token-tree.ts';

/** What a model must show to be run. */
export interface PackableModel extends CachedModel {
  readonly body: Body;
  readonly sizes: Sizes;
  readonly adapters?: AdapterBank | undefined;
}

/** New tokens of one sequence, which go behind what its cache holds. */
export interface Segment {
  readonly cache: KeyValueCache;
  readonly ids: readonly number[];
  /** At which of the new positions the logits are wanted. */
  readonly logits: 'none' | 'last' | 'all';
  /** The new tokens see each other in both directions, as a prefix language model reads a prompt: the whole of it at once. */
  readonly bothWays?: boolean;
  /** Of the model's bank. Segments of one adapter are best given side by side. */
  readonly adapter?: BankedAdapter | undefined;
}

interface Pack {
  readonly ids: readonly number[];
  readonly positions: readonly number[];
  /** In one layer: heads (N, …) → (N, H D). */
  readonly attend: (heads: Omit<Heads, 'stream'>, layer: number) => Tensor;
  /** Where rows attend over caches alone, which whole blocks can do by themselves. */
  readonly kept?: CachedSequences | undefined;
  /** Rows whose hidden states are wanted. */
  readonly wanted: readonly number[];
  /** Rows of adapters, among all and among the wanted ones; none when absent. */
  readonly adapted?: { readonly all: readonly AdaptedRows[]; readonly wanted: readonly AdaptedRows[] } | undefined;
}

export class PackedForward {
  readonly #model: PackableModel;

  constructor(model: PackableModel) {
    this.#model = model;
  }

  /**
   * Runs the new tokens of several sequences at once and puts their keys and values into the caches.
   * @returns for each segment the logits it asked for, (rows, V) flat
   */
  extend(segments: readonly Segment[]): Float32Array[] {
    const { rows, starts, counts } = segmentRows(segments);
    const flat = noGrad(() =>
      scope(() => {
        const hidden = this.#hidden(this.#packSegments(segments, rows, counts)); // (rows, C)
        for (const { cache, ids } of segments) cache.advance(ids.length);
        return hidden === undefined ? new Float32Array(0) : this.#model.body.head.logits(hidden).toArray(); // (rows, V)
      }),
    );
    if (!(flat instanceof Float32Array)) throw new Error('float32 logits came back as another type');
    const { vocabularySize: size } = this.#model.sizes;
    return counts.map((count, index) => flat.subarray(starts[index]! * size, (starts[index]! + count) * size));
  }

  /** What the head sees, averaged over the positions of one sequence, (C). Nothing is kept. @param others as Segment's */
  meanHidden(ids: readonly number[], others: Pick<Segment, 'bothWays' | 'adapter'> = {}): Float32Array {
    using cache = new KeyValueCache(this.#model, ids.length);
    const every = ids.map((_, row) => row);
    const pack = this.#packSegments([{ cache, ids, logits: 'all', ...others }], every, [ids.length]);
    const flat = noGrad(() => scope(() => this.#hidden(pack)?.toArray()));
    if (!(flat instanceof Float32Array)) throw new Error('float32 states came back as another type');
    const width = flat.length / ids.length;
    return Float32Array.from({ length: width }, (_, place) => {
      let sum = 0;
      for (let at = place; at < flat.length; at += width) sum += flat[at]!;
      return sum / ids.length;
    });
  }

  /**
   * @param trees without the trunk's tokens
   * @param trunk what all of them have in front
   * @returns for each tree the log-probabilities of its targets, in nats
   */
  score(trees: readonly TokenTree[], trunk?: KeyValueCache): Float64Array[] {
    return noGrad(() =>
      scope(() => {
        const past = trunk?.length ?? 0;
        const { rows: wanted, places } = targetRows(trees);
        const hidden = this.#hidden({
          ids: trees.flatMap(treeIds),
          positions: trees.flatMap((tree) => treePositions(tree, past)),
          attend: this.#treeAttention(trees, trunk),
          wanted,
        });
        if (hidden === undefined) return trees.map(() => new Float64Array(0));
        const targets = trees.map((tree, i) =>
          tree.targets.map(({ row, token }) => ({ row: places[i]!.get(row)!, token })),
        );
        return targetLogprobs(this.#model.body.head, hidden, targets);
      }),
    );
  }

  /** What the head sees of the wanted rows, (wanted, C); undefined where none are. */
  #hidden(pack: Pack): Tensor | undefined {
    const { adapters } = this.#model;
    const { adapted } = pack;
    if (adapted === undefined || adapters === undefined) return this.#hiddenRows(pack, (body) => body());
    return adapters.with(adapted.all, () => this.#hiddenRows(pack, (body) => adapters.with(adapted.wanted, body)));
  }

  /** @param narrowed runs what is computed for the wanted rows alone */
  #hiddenRows(
    { ids, positions, attend, kept, wanted }: Pack,
    narrowed: (body: () => Tensor) => Tensor,
  ): Tensor | undefined {
    const { body } = this.#model;
    const at = this.#index(positions);
    const rows = wanted.length === ids.length ? undefined : this.#index(wanted);
    let x = body.embedRows(this.#index(ids), at); // (N, C)
    body.blocks.forEach((block, layer) => {
      const isLast = layer === body.blocks.length - 1;
      const goesOn = wanted.length > 0 || !isLast;
      if (kept !== undefined && block.cached !== undefined && goesOn) {
        x = block.cached(x, at, { kept, layer, wanted: isLast ? rows : undefined });
        return;
      }
      x = scope(() => {
        const { stream, ...heads } = block.heads(x, at, plainMode);
        const mixed = attend(heads, layer);
        if (!isLast || rows === undefined) return block.join(stream, mixed, plainMode);
        if (!goesOn) return x;
        return narrowed(() => block.join(stream.indexSelect(0, rows), mixed.indexSelect(0, rows), plainMode));
      });
    });
    return wanted.length === 0 ? undefined : body.normalizeFinal(x);
  }

  /** @param counts how many of the wanted rows are of each segment */
  #packSegments(segments: readonly Segment[], wanted: readonly number[], counts: readonly number[]): Pack {
    const rows = segments.map(({ cache, ids: { length }, bothWays = false }) => ({ cache, count: length, bothWays }));
    const { attend, kept } = cachedAttention(rows, this.#model.device === 'cpu');
    const isAdapted = segments.some(({ adapter }) => adapter !== undefined);
    return {
      ids: segments.flatMap(({ ids }) => ids),
      positions: segments.flatMap(({ cache, ids }) => ids.map((_, offset) => cache.length + offset)),
      attend,
      // What a map computes under an adapter it computes by itself.
      kept: isAdapted ? undefined : kept,
      wanted,
      adapted: isAdapted
        ? { all: adaptedRows(segments, ({ ids }) => ids.length), wanted: adaptedRows(segments, (_, i) => counts[i]!) }
        : undefined,
    };
  }

  #treeAttention(trees: readonly TokenTree[], trunk: KeyValueCache | undefined): Pack['attend'] {
    const prepared = this.#prepare(planAttention(trees, trunk?.length ?? 0));
    return (heads, layer) => attendPack(heads, prepared, layer, trunk);
  }

  #prepare(pieces: readonly AttentionPiece[]): PreparedPiece[] {
    const { device } = this.#model;
    return pieces.map((piece) => {
      if (piece.kind !== 'masked') return { piece, mask: undefined };
      const shape = [piece.length, piece.mask.length / piece.length];
      return { piece, mask: tensor(piece.mask, { shape, device }) };
    });
  }

  #index(list: readonly number[]): Tensor {
    return tensor(BigInt64Array.from(list, BigInt), { device: this.#model.device });
  }
}

/** Where in the N rows the wanted logits are, and where each segment's begin among them. */
function segmentRows(segments: readonly Segment[]): { rows: number[]; starts: number[]; counts: number[] } {
  const rows: number[] = [];
  const starts: number[] = [];
  const counts: number[] = [];
  let first = 0;
  for (const { ids, logits } of segments) {
    const count = logits === 'none' ? 0 : logits === 'last' ? 1 : ids.length;
    starts.push(rows.length);
    counts.push(count);
    for (let row = ids.length - count; row < ids.length; row++) rows.push(first + row);
    first += ids.length;
  }
  return { rows, starts, counts };
}

/** Neighbours of one adapter are one piece. @param count rows of a segment */
function adaptedRows(segments: readonly Segment[], count: (segment: Segment, index: number) => number): AdaptedRows[] {
  const pieces: { adapter: BankedAdapter; first: number; count: number }[] = [];
  let first = 0;
  segments.forEach((segment, index) => {
    const { adapter } = segment;
    const rows = count(segment, index);
    const last = pieces.at(-1);
    if (adapter !== undefined && last?.adapter === adapter && last.first + last.count === first) last.count += rows;
    else if (adapter !== undefined && rows > 0) pieces.push({ adapter, first, count: rows });
    first += rows;
  });
  return pieces;
}

/** The rows of the pack that predict something scored, and where a tree's own rows stand among them. */
function targetRows(trees: readonly TokenTree[]): { rows: number[]; places: Map<number, number>[] } {
  const rows: number[] = [];
  let start = 0;
  const places = trees.map((tree) => {
    const own = new Map<number, number>();
    for (const { row } of tree.targets) {
      if (own.has(row)) continue;
      own.set(row, rows.length);
      rows.push(start + row);
    }
    start += treeRows(tree);
    return own;
  });
  return { rows, places };
}

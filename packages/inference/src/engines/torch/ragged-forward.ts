/**
 * The forward pass of a Yuan LM for serving: sequences of different lengths share every matrix product.
 *
 * The new tokens of all sequences, N together, are laid end to end as rows (N, C). Norms and linear maps work on rows and
 * do not care whose they are; only attention looks at neighbours, and it runs sequence by sequence on that sequence's
 * own cache. So there is no padding, no mask, and a row never sees another sequence. Logits are computed only where
 * asked for: a prompt of 2 048 tokens over 53 248 words would otherwise make 436 MB of them.
 *
 * This is the same function as YuanLM.forward, arranged for another use; a test holds both equal. It borrows the weights
 * and never writes them.
 */
import { type BlockParts, beforeAttention, behindAttention, type KeyValueCache, type YuanLM } from '@tunan/model';
import { cat, causalAttention, noGrad, scope, type Tensor, tensor } from '@tunan/torch';

/** New tokens of one sequence, which go behind what its cache holds. */
export interface Segment {
  /** A cache of batch 1. */
  readonly cache: KeyValueCache;
  readonly ids: readonly number[];
  /** At which of the new positions the logits are wanted. */
  readonly logits: 'none' | 'last' | 'all';
}

export class RaggedForward {
  readonly #model: YuanLM;

  constructor(model: YuanLM) {
    this.#model = model;
  }

  /**
   * Runs the new tokens of several sequences at once and puts their keys and values into the caches.
   * @returns for each segment the logits it asked for, (rows, V) flat
   */
  run(segments: readonly Segment[]): Float32Array[] {
    const { rows, starts, counts } = wantedRows(segments);
    const flat = noGrad(() =>
      scope(() => {
        const hidden = this.#hidden(segments); // (N, C)
        return rows.length === 0 ? new Float32Array(0) : this.#logits(hidden, rows);
      }),
    );
    const size = this.#model.config.vocabularySize;
    return counts.map((count, index) => flat.subarray(starts[index]! * size, (starts[index]! + count) * size));
  }

  #hidden(segments: readonly Segment[]): Tensor {
    let x = this.#embed(segments); // (N, C)
    this.#model.blocks.forEach((parts, layer) => {
      x = scope(() => this.#runBlock(parts, layer, x, segments));
    });
    for (const { cache, ids } of segments) cache.advance(ids.length);
    return x;
  }

  #embed(segments: readonly Segment[]): Tensor {
    const ids = segments.flatMap((segment) => segment.ids);
    const positions = segments.flatMap((segment) => segment.ids.map((_, offset) => segment.cache.length + offset));
    return this.#model.embedRows(this.#index(ids), this.#index(positions)); // (N, C)
  }

  #runBlock(parts: BlockParts, layer: number, x: Tensor, segments: readonly Segment[]): Tensor {
    const { config, dtype } = this.#model;
    const { stream, joint } = beforeAttention(config, parts, x, dtype); // (N, C), (N, 3C)
    const mixed = this.#attention(joint, layer, segments); // (N, C)
    return behindAttention(config, parts, stream, mixed, { dtype, training: false });
  }

  /** Every sequence on its own: joint (N, 3C) → (N, C). */
  #attention(joint: Tensor, layer: number, segments: readonly Segment[]): Tensor {
    const { heads, width } = this.#model.config;
    let start = 0;
    const mixed = segments.map(({ cache, ids }) => {
      const own = joint.narrow(0, start, ids.length).view(1, ids.length, 3, heads, width / heads);
      start += ids.length;
      const headed = own.permute(2, 0, 3, 1, 4); // (3, 1, H, T, D)
      const { keys, values } = cache.append(layer, headed.select(0, 1), headed.select(0, 2)); // (1, H, T', D)
      const seen = causalAttention(headed.select(0, 0), keys, values); // (1, H, T, D)
      return seen.transpose(1, 2).reshape(ids.length, width);
    });
    return cat(mixed);
  }

  #logits(hidden: Tensor, rows: readonly number[]): Float32Array {
    const normed = this.#model.normalizeFinal(hidden.indexSelect(0, this.#index(rows))); // (R, C)
    const logits = this.#model.logits(normed).toArray(); // (R, V)
    if (!(logits instanceof Float32Array)) throw new Error('float32 logits came back as another type');
    return logits;
  }

  #index(list: readonly number[]): Tensor {
    return tensor([...list], { dtype: 'int64', device: this.#model.device });
  }
}

/** Where in the N rows the wanted logits are, and where each segment's begin among them. */
function wantedRows(segments: readonly Segment[]): { rows: number[]; starts: number[]; counts: number[] } {
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

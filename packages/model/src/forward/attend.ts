/**
 * Attention of one block, which alone looks at neighbours: over whole sequences side by side, or over a pack of rows (N) that belong to
 * sequences of all lengths, piece by piece (attention-plan.ts).
 */

import { type AttentionRange, cat, causalAttention, scope, selfAttention, type Tensor } from '@tunan/torch';
import type { Heads } from '../family.ts';
import type { AttentionPiece } from './attention-plan.ts';
import type { KeysAndValues, KeyValueCache } from './key-value-cache.ts';

type HeadsOnly = Omit<Heads, 'stream'>;
type PieceOf<Kind extends AttentionPiece['kind']> = AttentionPiece & { readonly kind: Kind };

export interface PreparedPiece {
  readonly piece: AttentionPiece;
  /** On the device: (rows, keys). */
  readonly mask: Tensor | undefined;
}

/**
 * Sequences of one length from their first position on: heads (B, T, …) → (B, T, H D).
 * @param range which positions each one sees; causal when absent. Needs joint heads.
 */
export function attendSequences({ queries, keys, values, joint }: HeadsOnly, range?: AttentionRange): Tensor {
  const [batch, time, heads, width] = queries.shape as [number, number, number, number];
  if (joint !== undefined) return selfAttention(joint, heads, range);
  if (range !== undefined) throw new Error('attention within ranges needs queries, keys and values side by side');
  const mixed = causalAttention(queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2));
  return mixed.transpose(1, 2).reshape(batch, time, heads * width);
}

/**
 * heads (N, …) of all rows → (N, H D). Without gradients.
 * @param trunk what all rows see in front of their own sequence
 */
export function attendPack(
  heads: HeadsOnly,
  pieces: readonly PreparedPiece[],
  layer: number,
  trunk: KeyValueCache | undefined,
): Tensor {
  const past = trunk?.read(layer);
  const rows = headFirst(heads);
  const mixed = pieces.map(({ piece, mask }) => {
    if (piece.kind === 'continued') return attendContinued(rows, piece, layer);
    return scope(() =>
      piece.kind === 'causal' ? attendCausal(heads, piece, past) : attendTree(rows, piece, mask, past),
    );
  });
  return mixed.length === 1 ? mixed[0]! : cat(mixed);
}

/** The rows of a pack as attention takes them: (1, H, N, D) each. */
interface HeadFirst extends KeysAndValues {
  readonly queries: Tensor;
}

function headFirst({ queries, keys, values }: HeadsOnly): HeadFirst {
  const turn = (heads: Tensor) => heads.transpose(0, 1).unsqueeze(0);
  return { queries: turn(queries), keys: turn(keys), values: turn(values) };
}

function rowFirst(mixed: Tensor): Tensor {
  const [batch, heads, time, width] = mixed.shape as [number, number, number, number];
  return mixed.transpose(1, 2).reshape(batch * time, heads * width);
}

function attendContinued(rows: HeadFirst, { start, length, cache }: PieceOf<'continued'>, layer: number): Tensor {
  const own = (heads: Tensor) => heads.narrow(2, start, length);
  const { keys, values } = cache.append(layer, own(rows.keys), own(rows.values));
  return rowFirst(causalAttention(own(rows.queries), keys, values));
}

/** Sequences of one length, by themselves or behind the trunk. */
function attendCausal(heads: HeadsOnly, { start, count, length }: PieceOf<'causal'>, past?: KeysAndValues): Tensor {
  const own = (rows: Tensor) => rows.narrow(0, start, count * length);
  const sequences = (rows: Tensor) => own(rows).view(count, length, ...rows.shape.slice(1));
  const [queries, keys, values] = [sequences(heads.queries), sequences(heads.keys), sequences(heads.values)];
  if (past === undefined) {
    const joint = heads.joint && { joint: sequences(heads.joint) };
    const mixed = attendSequences({ queries, keys, values, ...joint }); // (count, length, H D)
    return mixed.view(count * length, mixed.shape[2]!);
  }
  const behind = (trunk: Tensor, rows: Tensor) =>
    cat([trunk.expand(count, ...trunk.shape.slice(1)), rows.transpose(1, 2)], 2); // (count, Hkv, S, D)
  return rowFirst(causalAttention(queries.transpose(1, 2), behind(past.keys, keys), behind(past.values, values)));
}

/** Rows that see the trunk, the rows of their prefix, and of themselves what the mask lets through, or what is before them. */
function attendTree(
  rows: HeadFirst,
  { start, length, keyStart, keyLength }: PieceOf<'branch' | 'masked'>,
  mask: Tensor | undefined,
  past: KeysAndValues | undefined,
): Tensor {
  const own = (heads: Tensor) => heads.narrow(2, start, length);
  const seen = (trunk: Tensor | undefined, heads: Tensor) =>
    cat([...(trunk ? [trunk] : []), heads.narrow(2, keyStart, keyLength), own(heads)], 2); // (1, Hkv, S, D)
  const [keys, values] = [seen(past?.keys, rows.keys), seen(past?.values, rows.values)];
  const attention = mask === undefined ? causalAttention : maskedAttention.bind(undefined, mask);
  return rowFirst(attention(own(rows.queries), keys, values));
}

/** mask (R, S), q (1, H, R, D), k and v (1, H, S, D) → (1, H, R, D); the softmax is float32 in every precision. */
function maskedAttention(mask: Tensor, queries: Tensor, keys: Tensor, values: Tensor): Tensor {
  const scale = 1 / Math.sqrt(queries.shape[3]!);
  const scores = queries.matmul(keys.transpose(2, 3)).to('float32').mul(scale).add(mask);
  return scores.softmax(-1).to(values.dtype).matmul(values);
}

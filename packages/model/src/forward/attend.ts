/**
 * Attention of one block, which alone looks at neighbours: over whole sequences side by side, or over a pack of rows (N) that belong to
 * trees of tokens, piece by piece (attention-plan.ts). Sequences that go on from a cache are in cached-attention.ts.
 */

import { type AttentionRange, attention, cat, full, scope, selfAttention, type Tensor } from '@tunan/torch';
import type { Heads } from '../family.ts';
import type { AttentionPiece } from './attention-plan.ts';
import { type KeysAndValues, readCache } from './cached-attention.ts';
import type { KeyValueCache } from './key-value-cache.ts';

type HeadsOnly = Omit<Heads, 'stream'>;
type PieceOf<Kind extends AttentionPiece['kind']> = AttentionPiece & { readonly kind: Kind };

export interface PreparedPiece {
  readonly piece: AttentionPiece;
  /** On the device: (rows, keys). */
  readonly mask: Tensor | undefined;
}

/**
 * Sequences of one length from their first position on: heads (B, T, …) → (B, T, H D).
 * @param range which positions each one sees; causal when absent
 */
export function attendSequences({ queries, keys, values, joint }: HeadsOnly, range?: AttentionRange): Tensor {
  const [batch, time, heads, width] = queries.shape as [number, number, number, number];
  if (joint !== undefined) return selfAttention(joint, heads, range);
  return attention(queries, keys, values, range).reshape(batch, time, heads * width);
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
  const past = trunk && readCache(trunk, layer);
  const mixed = pieces.map(({ piece, mask }) =>
    scope(() => (piece.kind === 'sequences' ? attendWhole(heads, piece, past) : attendTree(heads, piece, mask, past))),
  );
  return mixed.length === 1 ? mixed[0]! : cat(mixed);
}

/** (B, T, H, D) → (B T, H D). */
function rowsOf(mixed: Tensor): Tensor {
  const [batch, time, heads, width] = mixed.shape as [number, number, number, number];
  return mixed.reshape(batch * time, heads * width);
}

/** `time` queries of each of `batch` sequences that see all of its keys. */
function everyKey(batch: number, time: number, keys: number, { device }: Tensor): AttentionRange {
  return { last: full([batch, time], keys, { dtype: 'int64', device }) };
}

/** Sequences of one length, by themselves or behind the trunk. */
function attendWhole(
  heads: HeadsOnly,
  { start, count, length, bothWays }: PieceOf<'sequences'>,
  past?: KeysAndValues,
): Tensor {
  const own = (rows: Tensor) => rows.narrow(0, start, count * length);
  const sequences = (rows: Tensor) => own(rows).view(count, length, ...rows.shape.slice(1));
  const [queries, keys, values] = [sequences(heads.queries), sequences(heads.keys), sequences(heads.values)];
  const range = bothWays ? everyKey(count, length, (past?.keys.shape[1] ?? 0) + length, queries) : {};
  if (past === undefined) {
    const joint = heads.joint && { joint: sequences(heads.joint) };
    const mixed = attendSequences({ queries, keys, values, ...joint }, range); // (count, length, H D)
    return mixed.view(count * length, mixed.shape[2]!);
  }
  const behind = (trunk: Tensor, rows: Tensor) => cat([trunk.expand(count, ...trunk.shape.slice(1)), rows], 1); // (count, S, Hkv, D)
  return rowsOf(attention(queries, behind(past.keys, keys), behind(past.values, values), range));
}

/** Rows that see the trunk, the rows of their prefix, and of themselves what the mask lets through, or what is before them. */
function attendTree(
  heads: HeadsOnly,
  { start, length, keyStart, keyLength }: PieceOf<'branch' | 'masked'>,
  mask: Tensor | undefined,
  past: KeysAndValues | undefined,
): Tensor {
  const own = (rows: Tensor) => rows.narrow(0, start, length).unsqueeze(0);
  const seen = (trunk: Tensor | undefined, rows: Tensor) =>
    cat([...(trunk ? [trunk] : []), rows.narrow(0, keyStart, keyLength).unsqueeze(0), own(rows)], 1); // (1, S, Hkv, D)
  const [keys, values] = [seen(past?.keys, heads.keys), seen(past?.values, heads.values)];
  const queries = own(heads.queries);
  return rowsOf(mask === undefined ? attention(queries, keys, values) : maskedAttention(mask, queries, keys, values));
}

/** mask (R, S), q (1, R, H, D), k and v (1, S, Hkv, D) → (1, R, H, D); the softmax is float32 in every precision. */
function maskedAttention(mask: Tensor, queries: Tensor, keys: Tensor, values: Tensor): Tensor {
  const [, rows, heads, width] = queries.shape as [number, number, number, number];
  const groups = keys.shape[2]!;
  const grouped = queries.transpose(1, 2).reshape(groups, heads / groups, rows, width);
  const turn = (x: Tensor) => x.transpose(1, 2).squeeze(0).unsqueeze(1); // (Hkv, 1, S, D)
  // No library multiplies float16 on the CPU.
  const inDtype = (x: Tensor) => (x.dtype === 'float16' && x.device === 'cpu' ? x.to('float32') : x);
  const scores = inDtype(grouped)
    .matmul(inDtype(turn(keys)).transpose(2, 3))
    .to('float32')
    .div(Math.sqrt(width));
  const shares = inDtype(scores.add(mask).softmax(-1).to(values.dtype));
  const mixed = shares.matmul(inDtype(turn(values))).to(values.dtype); // (Hkv, H / Hkv, R, D)
  return mixed.reshape(1, heads, rows, width).transpose(1, 2);
}

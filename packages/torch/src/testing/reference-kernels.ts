/**
 * The fused kernels written plainly from basic operations of libtorch, to be compared with in tests: slow, and each line the formula.
 */
import { arange, type Tensor } from '../index.ts';

const geluScale = Math.sqrt(2 / Math.PI);

/** x (…, K) · weight (K, M) + bias (M). */
export function affineReference(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const product = x.matmul(weight.to(x.dtype));
  return bias === undefined ? product : product.add(bias.to(x.dtype));
}

/** gelu(x + bias), the tanh approximation of Hendrycks & Gimpel 2016. */
export function biasGeluReference(x: Tensor, bias: Tensor): Tensor {
  const u = x.add(bias);
  const inner = u.add(u.pow(3).mul(0.044715)).mul(geluScale);
  return u.mul(inner.tanh().add(1)).mul(0.5);
}

/** Over the last dimension, with the biased variance. */
export function layerNormReference(x: Tensor, weight: Tensor, bias: Tensor, epsilon: number): Tensor {
  const centred = x.sub(x.mean(-1, true));
  const variance = centred.mul(centred).mean(-1, true);
  return centred.mul(variance.add(epsilon).rsqrt()).mul(weight).add(bias);
}

/** q (B, H, T, D), k and v (B, H, S, D): query t sees the keys up to S - T + t. */
export function causalAttentionReference(q: Tensor, k: Tensor, v: Tensor): Tensor {
  const [T, S, D] = [q.shape[2]!, k.shape[2]!, q.shape[3]!];
  const scores = q.matmul(k.transpose(2, 3)).mul(1 / Math.sqrt(D)); // (B, H, T, S)
  const hidden = arange(0, S).gt(arange(S - T, S).unsqueeze(1)); // (T, S)
  return scores.maskedFill(hidden, -Infinity).softmax(-1).matmul(v);
}

/** causalAttentionReference where query t of a batch row sees the keys first <= s < last; both (B, T). */
export function rangeAttentionReference(q: Tensor, k: Tensor, v: Tensor, first: Tensor, last: Tensor): Tensor {
  const [T, D] = [q.shape[2]!, q.shape[3]!];
  const keys = arange(0, T);
  const seen = keys
    .ge(first.unsqueeze(2))
    .to(q.dtype)
    .mul(keys.lt(last.unsqueeze(2)).to(q.dtype))
    .unsqueeze(1); // (B, 1, T, T)
  const scores = q.matmul(k.transpose(2, 3)).mul(1 / Math.sqrt(D));
  const powers = scores.maskedFill(seen.eq(0), -1e30).softmax(-1).mul(seen); // a row that sees nothing is zero
  return powers.matmul(v);
}

/** Rows of both tables, added. */
export function tokenEmbeddingReference(ids: Tensor, tokens: Tensor, positions: Tensor, past: number): Tensor {
  const [B, T] = ids.shape as [number, number];
  const rows = tokens.indexSelect(0, ids.reshape(-1)).view(B, T, tokens.shape[1]!);
  return rows.add(positions.narrow(0, past, T));
}

/** Mean over the targets that are not ignored of -log softmax(hidden · weightᵀ)[target]. */
export function linearCrossEntropyReference(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  ignoreIndex: number,
): Tensor {
  const counted = targets.ne(ignoreIndex);
  const safe = targets.maskedFill(targets.eq(ignoreIndex), 0).unsqueeze(1);
  const losses = hidden.matmul(weight.transpose(0, 1)).logSoftmax(-1).gather(1, safe).squeeze(1).neg(); // (N)
  return losses.mul(counted.to(losses.dtype)).sum().div(counted.to(losses.dtype).sum());
}

/**
 * The fused kernels written plainly from basic operations of libtorch, to be compared with in tests: slow, and each line the formula.
 */
import { type AttentionRange, arange, cat, type Tensor, tensor, zeros } from '../index.ts';

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

/** Over the last dimension. */
export function rmsNormReference(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  return x.mul(x.mul(x).mean(-1, true).add(epsilon).rsqrt()).mul(weight);
}

/** x (…, H, D) as pairs (x_j, x_{j + D / 2}), turned by positions (…, 1, 1) x frequencies (D / 2). */
export function rotaryReference(x: Tensor, positions: Tensor, frequencies: readonly number[]): Tensor {
  const half = x.shape.at(-1)! / 2;
  const places = Array.from(positions.toArray(), Number);
  const table = (of: (angle: number) => number) =>
    tensor(Float64Array.from(places.flatMap((place) => frequencies.map((speed) => of(place * speed)))), {
      shape: [...positions.shape, 1, half],
    });
  const [cosine, sine] = [table(Math.cos), table(Math.sin)];
  const [first, second] = [x.narrow(-1, 0, half), x.narrow(-1, half, half)];
  return cat([first.mul(cosine).sub(second.mul(sine)), second.mul(cosine).add(first.mul(sine))], -1);
}

export function swigluReference(gate: Tensor, up: Tensor): Tensor {
  return gate.mul(gate.sigmoid()).mul(up);
}

/**
 * q (B, T, H, D), k and v (B, S, Hkv, D): query t sees the keys first <= s < last, both (B, T); up to S - T + t where they are absent.
 */
export function attentionReference(q: Tensor, k: Tensor, v: Tensor, range: AttentionRange = {}): Tensor {
  const [B, T, H, D] = q.shape as [number, number, number, number];
  const [S, Hkv] = [k.shape[1]!, k.shape[2]!];
  // Head h of the queries reads head floor(h Hkv / H): (B, H, S, D).
  const shared = (heads: Tensor) =>
    heads
      .unsqueeze(3)
      .expand(B, S, Hkv, H / Hkv, D)
      .reshape(B, S, H, D)
      .transpose(1, 2);
  const {
    first = zeros([B, T], { dtype: 'int64' }),
    last = arange(S - T + 1, S + 1)
      .unsqueeze(0)
      .expand(B, T),
  } = range;
  const keys = arange(0, S);
  const seen = keys
    .ge(first.unsqueeze(2))
    .to(q.dtype)
    .mul(keys.lt(last.unsqueeze(2)).to(q.dtype))
    .unsqueeze(1); // (B, 1, T, S)
  const scores = q
    .transpose(1, 2)
    .matmul(shared(k).transpose(2, 3))
    .mul(1 / Math.sqrt(D)); // (B, H, T, S)
  const shares = scores.maskedFill(seen.eq(0), -1e30).softmax(-1).mul(seen); // a row that sees nothing is zero
  return shares.matmul(shared(v)).transpose(1, 2);
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

/** The kernels of a Qwen3 step of the same width, and beside the fused ones what libtorch's operations make of the same formula. */
import {
  arange,
  attention,
  cat,
  embedding,
  linear,
  linearCrossEntropy,
  linearResidual,
  randint,
  residualRmsNorm,
  rotary,
  swiglu,
  type Tensor,
  tensor,
} from '@tunan/torch';
import type { Kernel, Operands } from './kernel.ts';

const THETA = 1e6;
const FLOAT_BYTES = 4;

/** x (…, C) as the formula says it. */
function composedRmsNorm(x: Tensor, weight: Tensor): Tensor {
  return x.mul(x.mul(x).mean(-1, true).add(1e-6).rsqrt()).mul(weight);
}

/** As transformers has it: x cos + turned x sin, with tables (T, 1, D) made beforehand. */
function composedRotary(x: Tensor, cosines: Tensor, sines: Tensor): Tensor {
  const half = x.shape.at(-1)! / 2;
  return x.mul(cosines).add(cat([x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)], -1).mul(sines));
}

/** q (B, T, H, D), k and v (B, T, Hkv, D). @param hidden (T, T), what is not seen */
function composedAttention(q: Tensor, k: Tensor, v: Tensor, hidden: Tensor): Tensor {
  const [B, T, H, D] = q.shape as [number, number, number, number];
  const each = H / k.shape[2]!;
  const heads = (x: Tensor) =>
    x
      .unsqueeze(3)
      .expand(B, T, H / each, each, D)
      .reshape(B, T, H, D)
      .transpose(1, 2); // (B, H, T, D)
  const scores = q
    .transpose(1, 2)
    .matmul(heads(k).transpose(2, 3))
    .mul(1 / Math.sqrt(D));
  return scores.maskedFill(hidden, Number.NEGATIVE_INFINITY).softmax(-1).matmul(heads(v)).transpose(1, 2);
}

/** @param kvHeads of keys and values */
export function qwen3Kernels(make: Operands, kvHeads: number): Kernel[] {
  const { layers: L, width: C, heads: H, vocabulary: V, batch: B, context: T } = make.shape;
  const [N, D] = [make.rows, C / H];
  // As many products as GPT-2's 4 C.
  const F = 32 * Math.round((8 * C) / 3 / 32);
  const bytesOf = (passes: number, width: number) =>
    passes * N * width * (make.dtype === 'bfloat16' ? FLOAT_BYTES / 2 : FLOAT_BYTES);
  const product = (name: string, K: number, M: number, times: number): Kernel => ({
    name: `${name} ${K} x ${M}`,
    times: times * L,
    flops: 2 * N * K * M,
    inputs: [make.activation(K), make.weight(M, K)],
    run: (x, w) => linear(x!, w!),
  });
  const addTo = (name: string, K: number): Kernel => ({
    ...product(name, K, C, 1),
    inputs: [make.activation(K), make.weight(C, K), make.stream()],
    run: (x, w, residual) => linearResidual(residual!, x!, w!),
  });
  const positions = arange(0, T, 1, { dtype: 'int64' });
  const table = (of: (angle: number) => number) => {
    const angles = Array.from({ length: T * D }, (_, i) => Math.floor(i / D) * THETA ** ((-2 * (i % (D / 2))) / D));
    return tensor(Float32Array.from(angles, of), { shape: [T, 1, D] }).to(make.dtype);
  };
  const [cosines, sines] = [table(Math.cos), table(Math.sin)];
  const hidden = arange(0, T).gt(arange(0, T).unsqueeze(1));
  const targets = randint(0, V, [N]);
  const ids = randint(0, V, [B, T]);
  const turned = (name: string, heads: number): Kernel => ({
    name: `head norm + rotary, ${name}`,
    times: L,
    flops: 0,
    bytes: bytesOf(5, heads * D), // x, y; x, dy, dx
    inputs: [make.activation(heads, D), make.weight(D)],
    run: (x, normWeight) => rotary(x!, positions, { theta: THETA, normWeight }),
    composition: (x, w) => composedRotary(composedRmsNorm(x!, w!.to(make.dtype)), cosines, sines),
  });
  return [
    product('queries', C, C, 1),
    product('keys, values', C, kvHeads * D, 2),
    turned('queries', H),
    turned('keys', kvHeads),
    {
      name: `attention, ${H} heads, ${kvHeads} of keys`,
      times: L,
      flops: 2 * N * T * C,
      inputs: [make.activation(H, D), make.activation(kvHeads, D), make.activation(kvHeads, D)],
      run: (q, k, v) => attention(q!, k!, v!),
      composition: (q, k, v) => composedAttention(q!, k!, v!, hidden),
    },
    addTo('attention output + residual', C),
    product('mlp gate, up', C, F, 2),
    {
      name: 'SwiGLU',
      times: L,
      flops: 0,
      bytes: bytesOf(8, F), // gate, up, y; gate, up, dy, dGate, dUp
      inputs: [make.activation(F), make.activation(F)],
      run: (gate, up) => swiglu(gate!, up!),
      composition: (gate, up) => gate!.mul(gate!.sigmoid()).mul(up!),
    },
    addTo('mlp down + residual', F),
    {
      name: 'RMS norm',
      times: 2 * L + 1,
      flops: 0,
      bytes: N * C * (3 * FLOAT_BYTES) + bytesOf(2, C), // x, x, dx of the stream; y, dy
      inputs: [make.stream(), make.weight(C)],
      run: (x, w) => residualRmsNorm(x!, w!, { dtype: make.dtype }).normed,
      composition: (x, w) => composedRmsNorm(x!, w!).to(make.dtype),
    },
    {
      name: 'linear + cross-entropy',
      times: 1,
      flops: 2 * N * C * V,
      inputs: [make.rowsOf(C), make.weight(V, C)],
      run: (x, w) => linearCrossEntropy(x!, w!, targets),
    },
    {
      name: 'embedding',
      times: 1,
      flops: 0,
      inputs: [make.weight(V, C)],
      run: (tokens) => embedding(tokens!, ids),
    },
  ];
}

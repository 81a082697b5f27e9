/** The kernels of a GPT-2 step. */
import {
  affine,
  affineGelu,
  affineResidual,
  linearCrossEntropy,
  randint,
  residualLayerNorm,
  selfAttention,
  tokenEmbedding,
} from '@tunan/torch';
import type { Kernel, Operands } from './kernel.ts';

interface Product {
  readonly name: string;
  readonly K: number;
  readonly M: number;
  readonly run: Kernel['run'];
  /** Whether the residual stream goes in too. */
  readonly residual?: boolean;
}

const addTo: Kernel['run'] = (x, w, b, residual) => affineResidual(residual!, x!, w!, b!);

export function gpt2Kernels(make: Operands): Kernel[] {
  const { layers: L, width: C, heads: H, vocabulary: V, batch: B, context: T } = make.shape;
  const N = make.rows;
  const targets = randint(0, V, [N]);
  const ids = randint(0, V, [B, T]);
  /** A map (K, M) of all N rows with what is fused to it. */
  const product = ({ name, K, M, run, residual = false }: Product): Kernel => ({
    name: `${name} ${K} x ${M}`,
    times: L,
    flops: 2 * N * K * M,
    inputs: [make.activation(K), make.weight(K, M), make.weight(M), ...(residual ? [make.stream()] : [])],
    run,
  });
  return [
    product({ name: 'queries, keys, values', K: C, M: 3 * C, run: (x, w, b) => affine(x!, w!, b) }),
    product({ name: 'attention output + residual', K: C, M: C, run: addTo, residual: true }),
    product({ name: 'mlp expand + GELU', K: C, M: 4 * C, run: (x, w, b) => affineGelu(x!, w!, b!) }),
    product({ name: 'mlp contract + residual', K: 4 * C, M: C, run: addTo, residual: true }),
    {
      name: 'attention',
      times: L,
      flops: 2 * N * T * C, // q kᵀ and the weighted sum, causal
      inputs: [make.activation(3 * C)],
      run: (joint) => selfAttention(joint!, H),
    },
    {
      name: 'layer norm',
      times: 2 * L + 1,
      flops: 0,
      inputs: [make.stream(), make.weight(C), make.weight(C)],
      run: (x, w, b) => residualLayerNorm(x!, w!, b!, { dtype: make.dtype }).normed,
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
      inputs: [make.weight(V, C), make.weight(T, C)],
      run: (tokens, positions) => tokenEmbedding(ids, tokens!, positions!),
    },
  ];
}

/** The runs that bench/planner-cpu.ts measures: small models in layouts of one, two and four processes. */
import type { Layout } from '@tunan/training/planner';

export interface Row {
  readonly name: string;
  /** Whether the constants of the CPU are fitted to it; the others were held out before they were looked at. */
  readonly isFitted: boolean;
  /** As a recipe gives it, with its vocabulary. */
  readonly model: {
    readonly family?: 'llama';
    readonly contextLength: number;
    readonly layers: number;
    readonly width: number;
    readonly heads: number;
    readonly kvHeads?: number;
    readonly vocabularySize: number;
    readonly dropout: 0;
  };
  readonly layout: Layout;
  readonly globalBatch: number;
}

type Sizes = Omit<Row['model'], 'dropout'>;

const FITTED: readonly Sizes[] = [
  { contextLength: 128, layers: 4, width: 128, heads: 4, vocabularySize: 4096 },
  { contextLength: 128, layers: 6, width: 384, heads: 6, vocabularySize: 4096 },
  { family: 'llama', contextLength: 256, layers: 4, width: 256, heads: 4, kvHeads: 2, vocabularySize: 4096 },
];
const HELD_OUT: readonly Sizes[] = [
  { contextLength: 256, layers: 8, width: 256, heads: 4, vocabularySize: 8192 },
  { contextLength: 256, layers: 4, width: 512, heads: 8, vocabularySize: 4096 },
  { family: 'llama', contextLength: 128, layers: 6, width: 384, heads: 6, kvHeads: 6, vocabularySize: 8192 },
  { family: 'llama', contextLength: 512, layers: 4, width: 128, heads: 2, kvHeads: 2, vocabularySize: 6144 },
];
/** data, tensor, pipeline */
const FEW: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [2, 1, 1],
  [1, 2, 1],
  [1, 1, 2],
];
/** Of four processes, for each model in its turn. */
const FITTED_FOUR = [[[2, 2, 1]], [], [[1, 1, 4]]] as const;
const HELD_OUT_FOUR = [
  [[2, 1, 2]],
  [
    [1, 2, 2],
    [4, 1, 1],
  ],
  [[2, 2, 1]],
  [[1, 1, 4]],
] as const;
/** Tokens a step and a micro batch; and a micro batch of one process that is the whole step. */
const [STEP, MICRO] = [2048, 512];
const LARGE = [
  { sizes: FITTED[0]!, isFitted: true },
  { sizes: FITTED[2]!, isFitted: true },
  { sizes: HELD_OUT[0]!, isFitted: false },
  { sizes: HELD_OUT[1]!, isFitted: false },
  { sizes: HELD_OUT[3]!, isFitted: false },
];

export const ROWS: readonly Row[] = [
  ...FITTED.flatMap((sizes, at) => [...FEW, ...FITTED_FOUR[at]!].map((place) => rowOf(sizes, place, true))),
  ...HELD_OUT.flatMap((sizes, at) => [...FEW, ...HELD_OUT_FOUR[at]!].map((place) => rowOf(sizes, place, false))),
  ...LARGE.map(({ sizes, isFitted }) => rowOf(sizes, [1, 1, 1], isFitted, STEP)),
];

function rowOf(
  sizes: Sizes,
  [data, tensor, pipeline]: readonly [number, number, number],
  isFitted: boolean,
  tokens = MICRO,
): Row {
  const { family = 'gpt2', layers, width, contextLength } = sizes;
  const microBatch = tokens / contextLength;
  return {
    name: `${family} ${layers} x ${width}, ${contextLength}: ${data} x ${tensor} x ${pipeline}${tokens === MICRO ? '' : ', one micro batch'}`,
    isFitted,
    model: { ...sizes, dropout: 0 },
    layout: {
      ...{ data, tensor, pipeline, microBatch },
      chunks: 1,
      recomputation: 'none',
      sequenceParallel: tensor > 1,
      shardedOptimizer: data > 1,
    },
    globalBatch: STEP / contextLength,
  };
}

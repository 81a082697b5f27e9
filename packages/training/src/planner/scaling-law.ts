/**
 * A law of the loss over size and data, and its fit to measured runs: L(N, D) = E + A / N^a + B / D^b, the form of Hoffmann et al. 2022,
 * with N parameters outside the embeddings and D tokens, those of repeated epochs worth less (Muennighoff et al. 2023).
 *
 * A handful of short runs does not pin five constants: the exponents are drawn to published ones by so much as a standard deviation
 * of EXPONENT_SPREAD says. For given exponents the law is linear in E, A and B, which are solved for exactly and are never
 * negative; the exponents are searched on a grid that closes in.
 */

/** N and D are counted in millions, so that A and B are losses. */
const UNIT = 1e6;

/** Tokens of repeated epochs fade with this many epochs: Muennighoff et al. 2023. */
const REPEAT_DECAY = 15;

/** Exponents that a fit is drawn to: Hoffmann et al. 2022. */
const USUAL = { a: 0.34, b: 0.28 };
const EXPONENT_SPREAD = 0.1;
/** What two runs of one size and length differ by, as a share of the loss: seed and order of the data. */
const NOISE = 0.004;

export interface ScalingLaw {
  /** Loss that no size and no amount of data get below, in the unit of the points. */
  readonly E: number;
  /** Of a million parameters. */
  readonly A: number;
  readonly a: number;
  /** Of a million tokens. */
  readonly B: number;
  readonly b: number;
}

/** A run that was measured. */
export interface LawPoint {
  /** Outside the embeddings. */
  readonly parameters: number;
  /** Seen in training, repeats included. */
  readonly tokens: number;
  /** In any unit, the same for all points. */
  readonly loss: number;
}

export interface LawFit {
  readonly law: ScalingLaw;
  /** Root mean square of the relative residuals. */
  readonly residual: number;
  /** Laws that explain the points nearly as well, and those of all points but one: how far they differ says how sure a prediction is. */
  readonly plausible: readonly ScalingLaw[];
}

/** What tokens are worth that were seen in training, in tokens seen once. @param distinct how many different ones there are */
export function tokensWorth(tokens: number, distinct: number): number {
  const repeats = Math.max(0, tokens / distinct - 1);
  return Math.min(tokens, distinct) + distinct * REPEAT_DECAY * (1 - Math.exp(-repeats / REPEAT_DECAY));
}

/** @param distinct different tokens that there are to train on */
export function lossOf({ E, A, a, B, b }: ScalingLaw, parameters: number, tokens: number, distinct: number): number {
  return E + A * (UNIT / parameters) ** a + B * (UNIT / tokensWorth(tokens, distinct)) ** b;
}

/** Fits the law to at least three points. @param distinct different tokens that the runs drew from */
export function fitLaw(points: readonly LawPoint[], distinct: number): LawFit {
  if (points.length < 3) throw new Error(`a law of five constants from ${points.length} points`);
  const law = fit(points, distinct);
  const relative = points.map(({ parameters, tokens, loss }) => lossOf(law, parameters, tokens, distinct) / loss - 1);
  const residual = Math.sqrt(relative.reduce((sum, one) => sum + one * one, 0) / points.length);
  const leftOut = points.length < 4 ? [] : points.map((_, i) => fit(points.toSpliced(i, 1), distinct));
  return { law, residual, plausible: [...nearlyAsGood(points, distinct, law), ...leftOut] };
}

/** The span of what the fit and the other plausible laws predict. */
export function lossSpan({ law, plausible }: LawFit, parameters: number, tokens: number, distinct: number) {
  const losses = [law, ...plausible].map((one) => lossOf(one, parameters, tokens, distinct));
  return { low: Math.min(...losses), high: Math.max(...losses) };
}

/** Quantile of chi square with one degree of freedom: 95 %. */
const LIKELY = 3.84;
/** Exponents up to so many spreads from the best ones are looked at, in so many steps a side. */
const SPAN_REACH = 3;
const SPAN_STEPS = 12;

const LEAST_EXPONENT = 0.02;
const GRID = 12;
const ROUNDS = 6;

function fit(points: readonly LawPoint[], distinct: number): ScalingLaw {
  let best = { law: undefined as ScalingLaw | undefined, cost: Number.POSITIVE_INFINITY };
  let [centreA, centreB, reach] = [0.5, 0.5, 0.45];
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i <= GRID; i++) {
      for (let j = 0; j <= GRID; j++) {
        const a = Math.max(LEAST_EXPONENT, centreA + reach * ((2 * i) / GRID - 1));
        const b = Math.max(LEAST_EXPONENT, centreB + reach * ((2 * j) / GRID - 1));
        const next = fitLinear(points, distinct, a, b);
        if (next.cost < best.cost) best = next;
      }
    }
    const { a, b } = best.law!;
    [centreA, centreB, reach] = [a, b, reach / 3];
  }
  return best.law!;
}

/**
 * The laws of all exponents whose cost is within LIKELY of the best: the profile likelihood's interval of 95 % for what they predict
 * (Wilks' theorem). Far beyond the longest run the exponents are what a prediction hangs on.
 */
function nearlyAsGood(points: readonly LawPoint[], distinct: number, best: ScalingLaw): ScalingLaw[] {
  const least = fitLinear(points, distinct, best.a, best.b).cost;
  const steps = Array.from(
    { length: SPAN_STEPS * 2 + 1 },
    (_, i) => (i / SPAN_STEPS - 1) * SPAN_REACH * EXPONENT_SPREAD,
  );
  return steps.flatMap((da) =>
    steps.flatMap((db) => {
      const [a, b] = [best.a + da, best.b + db];
      if (a < LEAST_EXPONENT || b < LEAST_EXPONENT) return [];
      const { law, cost } = fitLinear(points, distinct, a, b);
      return cost <= least + LIKELY ? [law] : [];
    }),
  );
}

/** The best E, A, B for given exponents; cost is minus twice the logarithm of the likelihood, up to a constant. */
function fitLinear(points: readonly LawPoint[], distinct: number, a: number, b: number) {
  const rows = points.map(({ parameters, tokens, loss }) =>
    [1, (UNIT / parameters) ** a, (UNIT / tokensWorth(tokens, distinct)) ** b].map((value) => value / loss),
  );
  const { solution, error } = nonNegativeSolution(rows);
  const [E, A, B] = solution as [number, number, number];
  const drawn = ((a - USUAL.a) / EXPONENT_SPREAD) ** 2 + ((b - USUAL.b) / EXPONENT_SPREAD) ** 2;
  return { law: { E, A, a, B, b }, cost: error / NOISE ** 2 + drawn };
}

/** x ≥ 0 that brings rows·x nearest to 1 in every row, by trying which entries are 0: three make seven ways. */
function nonNegativeSolution(rows: readonly (readonly number[])[]): { solution: number[]; error: number } {
  let best = { solution: [0, 0, 0], error: rows.length };
  for (let mask = 1; mask < 8; mask++) {
    const columns = [0, 1, 2].filter((column) => (mask >> column) & 1);
    const free = solve(
      columns.map((row) => columns.map((column) => dot(rows, row, column))),
      columns.map((column) => rows.reduce((sum, row) => sum + row[column]!, 0)),
    );
    if (free === undefined || free.some((value) => value < 0)) continue;
    const solution = [0, 0, 0];
    for (const [i, column] of columns.entries()) solution[column] = free[i]!;
    const error = rows.reduce((sum, row) => sum + (row.reduce((s, v, i) => s + v * solution[i]!, 0) - 1) ** 2, 0);
    if (error < best.error) best = { solution, error };
  }
  return best;
}

function dot(rows: readonly (readonly number[])[], left: number, right: number): number {
  return rows.reduce((sum, row) => sum + row[left]! * row[right]!, 0);
}

/** Gaussian elimination with pivots; undefined where the columns are not independent. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] | undefined {
  const n = right.length;
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let column = 0; column < n; column++) {
    const pivot = rows
      .slice(column)
      .reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best));
    if (Math.abs(pivot[column]!) < 1e-14) return undefined;
    rows[rows.indexOf(pivot)] = rows[column]!;
    rows[column] = pivot;
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[column]! / pivot[column]!;
      for (let k = column; k <= n; k++) row[k]! -= factor * pivot[k]!;
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}

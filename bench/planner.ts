/**
 * Holds the planner against published training runs. The four free constants are fitted to one table with --fit; the others are held out. Beside
 * them stands what a constant share of the peak, fitted to the same table, would say.
 *
 *   node bench/planner.ts [--fit] [--json]
 */
import { parseArgs } from 'node:util';
import {
  BLOOM_SWEEP,
  EFFICIENCY,
  type Efficiency,
  HELD_OUT,
  MEGATRON_2021,
  type PublishedRun,
  type PublishedTable,
  predictRun,
} from '@tunan/training/planner';
import { patternSearch } from './pattern-search.ts';

/** What the fit is drawn to. */
const USUAL = { product: 0.8, halfWidth: 100, link: 0.75, kernel: 6e-6 };

const { fit, json } = parseArgs({ options: { fit: { type: 'boolean' }, json: { type: 'boolean' } } }).values;
const efficiency = fit ? fitted(EFFICIENCY) : EFFICIENCY;
const constant = mean(MEGATRON_2021.runs.map((run) => run.measured / run.device.peak));

const tables = [MEGATRON_2021, ...HELD_OUT, BLOOM_SWEEP].map((table) => judge(table));
const heldOut = tables.slice(1, -1).flatMap(({ rows }) => rows);
const summary = {
  efficiency,
  heldOut: { ...spread(heldOut.map(({ error }) => error)), constant: spread(heldOut.map((row) => row.constantError)) },
  sweep: {
    spearman: spearman(tables.at(-1)!.rows),
    best: tables.at(-1)!.rows.reduce((best, row) => (row.predicted > best.predicted ? row : best)).name,
  },
};
if (json) console.log(JSON.stringify({ tables, ...summary }));
else {
  for (const { name, rows } of tables) {
    console.log(`\n${name}`);
    for (const row of rows) {
      const figures = [row.measured, row.predicted].map((value) => value.toFixed(1).padStart(7)).join('');
      console.log(
        `  ${row.name.padEnd(34)}${figures}  ${percent(row.error)}   constant share ${percent(row.constantError)}`,
      );
    }
    console.log(`  ${describe(spread(rows.map(({ error }) => error)))}`);
  }
  console.log(`\nheld out: ${describe(summary.heldOut)}; constant share ${describe(summary.heldOut.constant)}`);
  console.log(`sweep: Spearman ${summary.sweep.spearman.toFixed(2)}, best ${summary.sweep.best}`);
  if (fit) console.log(JSON.stringify(efficiency));
}

function judge({ name, runs }: PublishedTable) {
  const rows = runs.map((run: PublishedRun) => {
    const predicted = predictRun(run, efficiency);
    const error = predicted / run.measured - 1;
    return {
      name: run.name,
      measured: run.measured,
      predicted,
      error,
      constantError: (constant * run.device.peak) / run.measured - 1,
    };
  });
  return { name, rows };
}

function fitted(start: Efficiency): Efficiency {
  const names = ['product', 'halfWidth', 'link', 'kernel'] as const;
  const cost = (one: Efficiency) =>
    one.product > 1 || one.link > 1
      ? Number.POSITIVE_INFINITY
      : MEGATRON_2021.runs.reduce((sum, run) => sum + Math.log(predictRun(run, one) / run.measured) ** 2, 0) +
        // Drawn weakly to what is usual, so that a constant which the table does not see stays sensible.
        0.002 * names.reduce((sum, name) => sum + Math.log(one[name] / USUAL[name]) ** 2, 0);
  return patternSearch(start, names, cost, { first: 0.3, least: 0.001 });
}

function spearman(rows: readonly { measured: number; predicted: number }[]): number {
  const ranks = (values: readonly number[]) => values.map((value) => values.filter((other) => other < value).length);
  const [x, y] = [ranks(rows.map(({ measured }) => measured)), ranks(rows.map(({ predicted }) => predicted))];
  const [mx, my] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, i) => (value - mx) * (y[i]! - my)));
  return covariance / Math.sqrt(mean(x.map((v) => (v - mx) ** 2)) * mean(y.map((v) => (v - my) ** 2)));
}

function spread(errors: readonly number[]) {
  const sorted = errors.map(Math.abs).sort((a, b) => a - b);
  return { median: (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2, largest: sorted.at(-1)! };
}

function describe({ median, largest }: { median: number; largest: number }): string {
  return `median error ${(100 * median).toFixed(1)} %, largest ${(100 * largest).toFixed(1)} %`;
}

function percent(value: number): string {
  return `${value < 0 ? '' : '+'}${(100 * value).toFixed(1)} %`.padStart(8);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

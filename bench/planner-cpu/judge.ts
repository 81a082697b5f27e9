/** What the planner says of the rows that were measured, and the constants of the CPU that say it best for those that it may look at. */
import { parseModelConfig } from '@tunan/model';
import {
  CPU_EFFICIENCY,
  type CpuEfficiency,
  type CpuFigures,
  cpuProcessMemory,
  cpuStepTime,
  shapeOf,
} from '@tunan/training/planner';
import { patternSearch } from '../pattern-search.ts';
import { median } from '../train-step/rounds.ts';
import { ROWS, type Row } from './rows.ts';

/** A line of the file of measurements. */
export type Line =
  | { readonly figures: CpuFigures }
  | { readonly name: string; readonly milliseconds: readonly number[]; readonly memory: number };

interface Measured {
  readonly row: Row;
  readonly figures: CpuFigures;
  readonly steps: number;
  /** Tokens/s of the step that a quarter of all are quicker than. */
  readonly measured: number;
  /** Of the median step. */
  readonly middle: number;
  /** Bytes of tensors at their most, of the fullest process. */
  readonly memory: number;
}

export function judge(lines: readonly Line[], { fit, json }: { readonly fit: boolean; readonly json: boolean }): void {
  const all = measuredOf(lines);
  const efficiency = fit ? fitted(all.filter(({ row }) => row.isFitted)) : CPU_EFFICIENCY;
  const rows = all.map((one) => {
    const predicted = predict(one, efficiency);
    const { microBatch: _, ...layout } = one.row.layout;
    return {
      ...{ name: one.row.name, isFitted: one.row.isFitted, steps: one.steps, layout },
      ...{ measured: one.measured, predicted, error: predicted / one.measured - 1 },
      ...{ middle: one.middle, middleError: predicted / one.middle - 1 },
      ...{ memory: one.memory, predictedMemory: memoryOf(one) },
    };
  });
  const errors = (isFitted: boolean, key: 'error' | 'middleError') =>
    spread(rows.filter((row) => row.isFitted === isFitted).map((row) => row[key]));
  const summary = {
    efficiency,
    fitted: errors(true, 'error'),
    heldOut: errors(false, 'error'),
    heldOutMedian: errors(false, 'middleError'),
  };
  if (json) console.log(JSON.stringify({ rows, ...summary }));
  else {
    for (const {
      name,
      isFitted,
      steps,
      measured,
      predicted,
      error,
      middle,
      middleError,
      memory,
      predictedMemory,
    } of rows) {
      const figures = [middle, measured, predicted].map((value) => value.toFixed(0).padStart(7)).join('');
      const bytes = [memory, predictedMemory].map((value) => (value / 1e6).toFixed(0).padStart(5)).join('');
      console.log(
        `${isFitted ? 'fitted  ' : 'held out'} ${name.padEnd(36)} ${steps} steps ${figures} ${percent(middleError)} ${percent(error)}  MB${bytes}`,
      );
    }
    console.log(
      `fitted: ${say(summary.fitted)}\nheld out: ${say(summary.heldOut)}\nheld out, of medians: ${say(summary.heldOutMedian)}`,
    );
    console.log(JSON.stringify(efficiency));
  }
}

function measuredOf(lines: readonly Line[]): Measured[] {
  const figures = new Map<number, CpuFigures[]>();
  const times = new Map<string, { milliseconds: number[]; memory: number }>();
  for (const line of lines) {
    if ('figures' in line) {
      const { processes } = line.figures;
      figures.set(processes, [...(figures.get(processes) ?? []), line.figures]);
    } else {
      const before = times.get(line.name) ?? { milliseconds: [], memory: 0 };
      before.milliseconds.push(...line.milliseconds);
      times.set(line.name, { ...before, memory: Math.max(before.memory, line.memory) });
    }
  }
  return ROWS.flatMap((row): Measured[] => {
    const found = times.get(row.name);
    const { data, tensor, pipeline } = row.layout;
    const machine = figures.get(data * tensor * pipeline);
    if (found === undefined || machine === undefined) return [];
    const { milliseconds, memory } = found;
    const tokens = 1000 * row.globalBatch * row.model.contextLength;
    const sorted = milliseconds.toSorted((a, b) => a - b);
    const [measured, middle] = [tokens / sorted[sorted.length >> 2]!, tokens / median(sorted)];
    return [{ row, figures: medianOf(machine), steps: milliseconds.length, measured, middle, memory }];
  });
}

function medianOf(all: readonly CpuFigures[]): CpuFigures {
  const names = Object.keys(all[0]!) as (keyof CpuFigures)[];
  return Object.fromEntries(
    names.map((name) => [name, name === 'precision' ? all[0]![name] : median(all.map((one) => one[name] as number))]),
  ) as unknown as CpuFigures;
}

function predict({ row, figures }: Measured, efficiency: CpuEfficiency): number {
  const { layout, globalBatch, model } = row;
  const time = model.contextLength;
  const request = { shape: shapeOf(parseModelConfig(model)), layout, globalBatch, time };
  return (globalBatch * time) / cpuStepTime(request, figures, efficiency).total;
}

/** Of tensors alone. The rows write their last checkpoint from the tensors themselves, but for parts that are sent. */
function memoryOf({ row, figures }: Measured): number {
  const surroundings = {
    globalBatch: row.globalBatch,
    time: row.model.contextLength,
    cpu: { ...figures, empty: 0 },
    checkpoint: row.layout.tensor > 1,
  };
  return cpuProcessMemory(shapeOf(parseModelConfig(row.model)), row.layout, surroundings).total;
}

/** Drawn weakly to where it begins: a constant that the rows do not see stays sensible. */
function fitted(rows: readonly Measured[]): CpuEfficiency {
  const names = Object.keys(CPU_EFFICIENCY) as (keyof CpuEfficiency)[];
  const cost = (one: CpuEfficiency) =>
    rows.reduce((sum, row) => sum + Math.log(predict(row, one) / row.measured) ** 2, 0) +
    0.004 * names.reduce((sum, name) => sum + Math.log(one[name] / CPU_EFFICIENCY[name]) ** 2, 0);
  const best = patternSearch(CPU_EFFICIENCY, names, cost, { first: 0.4, least: 0.005 });
  return Object.fromEntries(
    Object.entries(best).map(([name, value]) => [name, Number(value.toPrecision(3))]),
  ) as unknown as CpuEfficiency;
}

function spread(errors: readonly number[]) {
  const sizes = errors.map(Math.abs).sort((a, b) => a - b);
  const within = sizes.filter((size) => size <= 0.15).length;
  return { rows: sizes.length, median: median(sizes), largest: sizes.at(-1) ?? 0, within };
}

function say({ rows, median: middle, largest, within }: ReturnType<typeof spread>): string {
  return `${rows} rows, median error ${(100 * middle).toFixed(1)} %, largest ${(100 * largest).toFixed(1)} %, ${within} within 15 %`;
}

function percent(value: number): string {
  return `${value < 0 ? '' : '+'}${(100 * value).toFixed(1)} %`.padStart(8);
}

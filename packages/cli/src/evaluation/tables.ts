/** The results of an evaluation for a terminal. */
import type { AblationCell, EvaluationSummary, TaskResult } from '@tunan/evaluation';
import { text } from '../language.ts';
import { alignedTable } from '../table.ts';

export function scoreTable({ tasks, mean }: EvaluationSummary): string[] {
  const prompted = tasks.some(({ shots }) => shots !== undefined);
  const heads = [
    text('task', '任务'),
    text('examples', '样例'),
    text('accuracy %', '准确率 %'),
    '95 %',
    text('± runs', '± 运行间'),
    text('majority', '多数类'),
    text('random', '随机'),
    text('cut %', '截断 %'),
    ...(prompted ? [text('shots', '示例')] : []),
  ];
  const rows = tasks.map((task) => [
    task.title,
    task.labelled === task.examples ? String(task.examples) : `${task.labelled}/${task.examples}`,
    percent(task.accuracy),
    range(task.interval),
    task.deviation === undefined ? '' : percent(task.deviation),
    percent(task.majority),
    percent(task.random),
    percent(task.truncatedShare),
    ...(task.shots === undefined ? [] : [`${task.shots.mean.toFixed(1)}/${task.shots.asked}`]),
  ]);
  if (mean !== undefined) {
    const title = text(`mean of ${mean.tasks}`, `${mean.tasks} 项平均`);
    rows.push([
      title,
      '',
      percent(mean.accuracy),
      range(mean.interval),
      '',
      percent(mean.majority),
      percent(mean.random),
      '',
      ...(prompted ? [''] : []),
    ]);
  }
  return alignedTable(heads, rows);
}

export function ablationTable(cells: readonly AblationCell[], results: readonly TaskResult[]): string[] {
  const heads = [
    text('calibration', '校准'),
    text('expansion', '扩展'),
    ...results.map(({ title }) => title),
    text('mean', '平均'),
  ];
  const rows = cells.map(({ calibrate, expand, accuracies }) => {
    const values = results.map(({ task }) => accuracies[task]);
    const known = values.filter((value) => value !== undefined);
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    return [calibrate, expand, ...values.map(percent), percent(mean)];
  });
  return alignedTable(heads, rows);
}

/** Where solved examples were permuted. */
export function orderLines(results: readonly TaskResult[]): string[] {
  return results.flatMap(({ title, orderSpread }) =>
    orderSpread === undefined
      ? []
      : [
          text(
            `${title}: ${percent(orderSpread)} points between orders`,
            `${title}：不同排列相差 ${percent(orderSpread)} 个百分点`,
          ),
        ],
  );
}

function percent(share: number | undefined): string {
  return share === undefined ? '—' : (100 * share).toFixed(1);
}

function range(interval: { readonly low: number; readonly high: number } | undefined): string {
  return interval === undefined ? '' : `${percent(interval.low)} – ${percent(interval.high)}`;
}

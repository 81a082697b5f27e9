/** `tunan eval compare` */
import type { Comparison } from '@tunan/evaluation';
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { alignedTable } from '../table.ts';

export default defineCommand({
  positionals: {
    a: {
      help: text('results folder of the first model (--out of eval run)', '第一个模型的结果目录（eval run 的 --out）'),
    },
    b: { help: text('results folder of the second model', '第二个模型的结果目录') },
  },
  options: {},
  examples: ['tunan eval compare runs/eval-a runs/eval-b'],
  reports: true,
  run: async ({ a, b }) => {
    const { compareEvaluations, readEvaluation } = await import('@tunan/evaluation');
    const [first, second] = [readEvaluation(a), readEvaluation(b)];
    const comparison = compareEvaluations(first, second);
    const names = { a: first.model.name, b: second.model.name };
    return {
      data: { ...names, ...comparison },
      lines: [`A: ${names.a}`, `B: ${names.b}`, '', ...table(comparison), ...settingLines(comparison)],
    };
  },
});

function table({ tasks, mean, left }: Comparison): string[] {
  const heads = [
    text('task', '任务'),
    text('examples', '样例'),
    'A %',
    'B %',
    'B - A',
    '95 %',
    'p',
    text('only A', '仅 A 对'),
    text('only B', '仅 B 对'),
  ];
  const rows = [...tasks, { ...mean, title: text('mean', '平均'), counts: undefined }].map((row) => [
    row.title,
    String(row.examples),
    (100 * row.first).toFixed(1),
    (100 * row.second).toFixed(1),
    signed(row.difference),
    `${signed(row.interval.low)} … ${signed(row.interval.high)}`,
    row.p < 0.0001 ? '< 0.0001' : row.p.toFixed(4),
    row.counts === undefined ? '' : String(row.counts.onlyFirst),
    row.counts === undefined ? '' : String(row.counts.onlySecond),
  ]);
  const tests = text(
    'p: McNemar exact with one run each, else paired bootstrap; the mean always by the bootstrap',
    'p：各一次运行时为 McNemar 精确检验，否则为配对自助法；平均值总用自助法',
  );
  const only = left.length === 0 ? [] : [text(`not in both: ${left.join(', ')}`, `仅一方有：${left.join('、')}`)];
  return [...alignedTable(heads, rows), '', tests, ...only];
}

/** A difference of settings may be all that a difference of scores says. */
function settingLines({ differing, common, sameModel }: Comparison): string[] {
  const model = sameModel ? [text('A and B are the same model', 'A 与 B 是同一模型')] : [];
  const heads = [text('setting', '设置'), 'A', 'B'];
  const rows = differing.map(({ name, first, second }) => [name, first ?? '—', second ?? '—']);
  const differences =
    rows.length === 0
      ? [text('A and B have the same settings', 'A 与 B 的设置相同')]
      : [text('settings that differ:', '不同的设置：'), ...alignedTable(heads, rows)];
  const same = Object.entries(common).map(([name, value]) => `${name} ${value}`);
  return ['', ...model, ...differences, text(`the same in both: ${same.join(', ')}`, `两者相同：${same.join('，')}`)];
}

function signed(share: number): string {
  return `${share < 0 ? '-' : '+'}${Math.abs(100 * share).toFixed(1)}`;
}

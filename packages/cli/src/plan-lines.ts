/** What `tunan train plan` found, for a terminal. */
import type { Said } from '@tunan/protocol/mistakes';
import { duration, type PlannedLayout, type TrainingPlan } from '@tunan/training/planner';
import { text } from './language.ts';
import { alignedTable } from './table.ts';

export function planLines(plan: TrainingPlan): string[] {
  const { shape, parameters, globalBatch, time, best, asked, fitting } = plan;
  const rows = best.map((planned) => layoutRow(planned, planned === best[0] ? '→' : ' '));
  if (asked !== undefined) rows.push(layoutRow(asked.planned, asked.fits ? '?' : '✗'));
  const heads = [
    text('  D,T,P', '  D,T,P'),
    text('micro', '微批'),
    text('pieces', '块'),
    text('recompute', '重算'),
    'GiB',
    text('s/step', '秒/步'),
    text('tokens/s', '词元/秒'),
    'MFU',
    text('bubble', '气泡'),
  ];
  const [model, count] = [`${shape.layers} x ${shape.width}`, counted(parameters)];
  return [
    text(`${model}, ${count} parameters; ${deviceWords(plan).en}`, `${model}，${count} 参数；${deviceWords(plan).zh}`),
    text(
      `${globalBatch} samples of ${time} tokens a step; ${fitting} layouts fit`,
      `每步 ${globalBatch} 个样本，每个 ${time} 词元；${fitting} 种布局可行`,
    ),
    ...measuredLines(plan),
    '',
    ...alignedTable(heads, rows),
    text(
      '  D copies (data) x T to a product (tensor) x P stages (pipeline)',
      '  D 份模型（数据）× T 个分担乘积（张量）× P 段（流水线）',
    ),
    ...(asked?.fits === false
      ? [text('✗ the layout asked for does not fit the memory', '✗ 所问布局超出显存')]
      : (asked && [text('? the layout asked for, with its best micro batch', '? 所问布局，取其最佳微批')]) || []),
    '',
    ...journeyLines(plan),
    ...shapeLines(plan),
    text('in a run recipe:', '写入训练配方：'),
    ...recipeFields(asked?.planned ?? best[0]!).map((line) => `  ${line}`),
    plan.device.cpu === undefined
      ? text(
          'predicted: half of the published runs that were not fitted are met\nwithin 5 %, all within 15 % (docs/planning.md)',
          '以上为预测：未参与拟合的公开训练半数误差在 5 % 以内，\n全部在 15 % 以内（docs/zh/planning.md）',
        )
      : text(
          'predicted for a machine without other work: half of the runs that were\nnot fitted are met within 12 % (docs/planning.md)',
          '以上为预测，假定本机无其他负载：未参与拟合的训练半数误差在 12 % 以内\n（docs/zh/planning.md）',
        ),
  ];
}

function deviceWords({ device: { name, cpu }, devices }: TrainingPlan): Said {
  if (cpu === undefined) return { en: `${devices} x ${name}`, zh: `${devices} 个 ${name}` };
  const { cores } = cpu;
  return {
    en: `${devices} process${devices === 1 ? '' : 'es'} on ${cores} core${cores === 1 ? '' : 's'}`,
    zh: `${devices} 个进程，${cores} 个处理器核`,
  };
}

/** What was measured, so that a number that other work spoilt is seen. */
function measuredLines({ device: { cpu } }: TrainingPlan): string[] {
  if (cpu === undefined) return [];
  const { precision, peak, bandwidth, processes, meeting, sumRate } = cpu;
  const gigas = (value: number) => (value / 1e9).toPrecision(3);
  const alone = processes === 1;
  const [sumsEn, sumsZh] = alone
    ? ['', '']
    : [
        `;\n  sums over Gloo ${gigas(sumRate)} GB/s, ${(1e6 * meeting).toFixed(0)} µs at least`,
        `；\n  Gloo 求和 ${gigas(sumRate)} GB/s，至少 ${(1e6 * meeting).toFixed(0)} 微秒`,
      ];
  return [
    text(
      `measured: products in ${precision} ${gigas(peak)} GFLOP/s, memory ${gigas(bandwidth)} GB/s${sumsEn}`,
      `实测：${precision} 矩阵乘 ${gigas(peak)} GFLOP/s，内存 ${gigas(bandwidth)} GB/s${sumsZh}`,
    ),
  ];
}

function journeyLines({ journey }: TrainingPlan): string[] {
  const { tokens, steps, days, deviceHours, energy, cost, petaflopDays } = journey;
  const took = duration(86_400 * days);
  const whole = (value: number) => Math.round(value).toLocaleString('en');
  const hours = deviceHours < 10 ? deviceHours.toPrecision(2) : whole(deviceHours);
  const [energyEn, energyZh] =
    energy === undefined ? ['', ''] : [`, ${energyOf(energy).en}`, `，${energyOf(energy).zh}`];
  const [costEn, costZh] = cost === undefined ? ['', ''] : [`, about $${whole(cost)}`, `，约 ${whole(cost)} 美元`];
  const needed = Number(petaflopDays.toPrecision(3)).toLocaleString('en', { maximumSignificantDigits: 3 });
  return [
    text(
      `${counted(tokens)} tokens: ${steps.toLocaleString('en')} steps, ${took.en}`,
      `${counted(tokens)} 词元：${steps.toLocaleString('en')} 步，${took.zh}`,
    ),
    text(`  ${hours} device hours${energyEn}${costEn}`, `  ${hours} 设备小时${energyZh}${costZh}`),
    text(`  the model needs ${needed} PFLOP/s-days`, `  模型需 ${needed} PFLOP/s-天`),
  ];
}

/** @param energy kWh */
function energyOf(energy: number): Said {
  if (energy < 1000) return { en: `${energy.toPrecision(2)} kWh`, zh: `${energy.toPrecision(2)} 千瓦时` };
  const whole = Math.round(energy / 1000).toLocaleString('en');
  return { en: `${whole} MWh`, zh: `${whole} 兆瓦时` };
}

function shapeLines({ shapes }: TrainingPlan): string[] {
  return shapes
    .slice(0, 3)
    .map(({ shape, best }) =>
      text(
        `shape of this size: ${shape.layers} x ${shape.width}, MFU ${percent(best.modelShare)} with ${layoutName(best)}`,
        `同规模的形状：${shape.layers} x ${shape.width}，MFU ${percent(best.modelShare)}，布局 ${layoutName(best)}`,
      ),
    );
}

function layoutRow(planned: PlannedLayout, mark: string): string[] {
  const { layout, memory, step, tokensPerSecond, modelShare } = planned;
  return [
    `${mark} ${layoutName(planned)}`,
    String(layout.microBatch),
    String(layout.chunks),
    RECOMPUTATIONS[layout.recomputation],
    gibibytes(memory.total),
    step.total.toPrecision(3),
    Math.round(tokensPerSecond).toLocaleString('en'),
    percent(modelShare),
    percent(step.bubble / step.total),
  ];
}

const RECOMPUTATIONS = {
  none: text('none', '无'),
  selective: text('attention', '注意力'),
  full: text('all', '全部'),
};

/** What a recipe says of a layout, to be pasted. */
function recipeFields({ layout }: PlannedLayout): string[] {
  const { tensor, pipeline, chunks, sequenceParallel, microBatch, recomputation } = layout;
  const spaced = (fields: object) =>
    JSON.stringify(fields)
      .slice(1, -1)
      .replaceAll(/(?<=[:,])(?=["{\dtf])/g, ' ');
  const parallel = { tensor, pipeline, ...(chunks > 1 && { chunks }), ...(sequenceParallel && { sequenceParallel }) };
  return [`${spaced({ microBatch, recomputation })},`, spaced({ parallel })];
}

function gibibytes(bytes: number): string {
  const value = bytes / 2 ** 30;
  return value < 1 ? value.toFixed(2) : value.toFixed(1);
}

function layoutName({ layout: { data, tensor, pipeline } }: PlannedLayout): string {
  return `${data},${tensor},${pipeline}`;
}

function counted(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} B` : `${(count / 1e6).toFixed(1)} M`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

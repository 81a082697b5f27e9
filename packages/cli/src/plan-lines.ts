/** What `tunan train plan` found, for a terminal. */
import type { PlannedLayout, TrainingPlan } from '@tunan/training/planner';
import { text } from './language.ts';
import { alignedTable } from './table.ts';

export function planLines(plan: TrainingPlan): string[] {
  const { shape, parameters, device, devices, globalBatch, time, best, asked, fitting, shapes } = plan;
  const rows = best.map((planned) => layoutRow(planned, planned === best[0] ? '→' : ' '));
  if (asked !== undefined) rows.push(layoutRow(asked.planned, asked.fits ? '?' : '✗'));
  const heads = [
    text('  data x tensor x pipeline', '  数据 x 张量 x 流水线'),
    text('micro', '微批'),
    text('pieces', '块'),
    text('recompute', '重算'),
    'GiB',
    text('s/step', '秒/步'),
    text('tokens/s', '词元/秒'),
    'MFU',
    text('bubble', '气泡'),
  ];
  const { journey } = plan;
  const [model, count] = [`${shape.layers} x ${shape.width}`, billions(parameters)];
  return [
    text(
      `${model}, ${count} parameters; ${devices} x ${device.name}; ${globalBatch} samples of ${time} tokens a step; ${fitting} layouts fit`,
      `${model}，${count} 参数；${devices} 个 ${device.name}；每步 ${globalBatch} 个样本，每个 ${time} 词元；${fitting} 种布局可行`,
    ),
    '',
    ...alignedTable(heads, rows),
    ...(asked?.fits === false
      ? [text('✗ the layout asked for does not fit the memory', '✗ 所问布局超出显存')]
      : (asked && [text('? the layout asked for, with its best micro batch', '? 所问布局，取其最佳微批')]) || []),
    '',
    text(
      `${billions(journey.tokens)} tokens: ${journey.steps.toLocaleString('en')} steps, ${journey.days.toFixed(1)} days, ${Math.round(journey.deviceHours).toLocaleString('en')} device hours, ${Math.round(journey.energy / 1000).toLocaleString('en')} MWh, about $${Math.round(journey.cost).toLocaleString('en')}; the model needs ${journey.petaflopDays.toPrecision(3)} PFLOP/s-days`,
      `${billions(journey.tokens)} 词元：${journey.steps.toLocaleString('en')} 步，${journey.days.toFixed(1)} 天，${Math.round(journey.deviceHours).toLocaleString('en')} 设备小时，${Math.round(journey.energy / 1000).toLocaleString('en')} 兆瓦时，约 ${Math.round(journey.cost).toLocaleString('en')} 美元；模型需 ${journey.petaflopDays.toPrecision(3)} PFLOP/s-天`,
    ),
    ...shapes
      .slice(0, 3)
      .map(({ shape: rival, best: planned }) =>
        text(
          `shape of this size: ${rival.layers} x ${rival.width}, MFU ${percent(planned.modelShare)} with ${layoutName(planned)}`,
          `同规模的形状：${rival.layers} x ${rival.width}，MFU ${percent(planned.modelShare)}，布局 ${layoutName(planned)}`,
        ),
      ),
    text(
      `in a run recipe: ${recipeFields(asked?.planned ?? best[0]!)}`,
      `写入训练配方：${recipeFields(asked?.planned ?? best[0]!)}`,
    ),
    text(
      'predicted: half of the published runs that were not fitted are met within 5 %, all within 15 % (docs/planning.md)',
      '以上为预测：未参与拟合的公开训练半数误差在 5 % 以内，全部在 15 % 以内（docs/zh/planning.md）',
    ),
  ];
}

function layoutRow(planned: PlannedLayout, mark: string): string[] {
  const { layout, memory, step, tokensPerSecond, modelShare } = planned;
  return [
    `${mark} ${layoutName(planned)}`,
    String(layout.microBatch),
    String(layout.chunks),
    RECOMPUTATIONS[layout.recomputation],
    (memory.total / 2 ** 30).toFixed(1),
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
function recipeFields({ layout }: PlannedLayout): string {
  const { tensor, pipeline, chunks, sequenceParallel, microBatch, recomputation } = layout;
  const fields = {
    microBatch,
    recomputation,
    parallel: { tensor, pipeline, chunks, sequenceParallel },
  };
  return JSON.stringify(fields)
    .slice(1, -1)
    .replaceAll(/(?<=[:,])(?=["{\dtf])/g, ' ');
}

function layoutName({ layout: { data, tensor, pipeline } }: PlannedLayout): string {
  return `${data} x ${tensor} x ${pipeline}`;
}

function billions(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} B` : `${(count / 1e6).toFixed(1)} M`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

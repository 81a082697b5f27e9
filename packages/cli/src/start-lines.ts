/** What `tunan train run` says before the first step. */
import type { StartReport } from '@tunan/training';
import { text } from './language.ts';

/**
 * Where the run goes on or begins; what becomes of the documents where rows begin with them; what it computes in, and why where the
 * recipe asks for another precision.
 */
export function startLines({ plan, checkpoint, step, damaged, rows }: StartReport): string[] {
  const { steps, from } = plan;
  const lines = damaged.map((place) => text(`damaged, left aside: ${place}`, `已损坏，搁置：${place}`));
  if (checkpoint !== undefined) lines.push(text(`goes on from ${checkpoint}`, `从 ${checkpoint} 继续`));
  else if (from !== undefined)
    lines.push(text(`begins with the weights of ${from.directory}`, `以 ${from.directory} 的权重开始`));
  lines.push(...rows.map((counts) => rowsLine(counts, plan.sequenceLength)));
  return [...lines, step < steps ? workLine(plan) : text(`all ${steps} steps are done`, `全部 ${steps} 步均已完成`)];
}

function rowsLine({ source, rows, documents, cut, filled }: StartReport['rows'][number], T: number): string {
  const padded = (100 * (1 - filled / (rows * T))).toFixed(1);
  return text(
    `${source}: ${documents} documents in ${rows} rows an epoch; ${cut} longer than a row take several; ${padded} % padding`,
    `${source}：每轮 ${documents} 篇文档排成 ${rows} 行；${cut} 篇长于一行，占数行；填充 ${padded} %`,
  );
}

/** The peak is measured behind this line. */
function workLine({ precision, askedPrecision, device, steps, prefix }: StartReport['plan']): string {
  const why =
    askedPrecision === 'bfloat16' && precision !== askedPrecision
      ? text(
          ': the recipe asks for bfloat16, for which this processor has no instructions',
          '：配方要求 bfloat16，但此处理器没有相应指令',
        )
      : '';
  return text(
    `${steps} steps${prefix ? ' of a prefix language model' : ''} on ${device} in ${precision}${why}; first the peak of matrix products is measured (2 s at most)`,
    `在 ${device} 上以 ${precision} 训练${prefix ? '前缀语言模型 ' : ' '}${steps} 步${why}；先测矩阵乘峰值（至多 2 秒）`,
  );
}

/** The page of a plan: where the time of a step goes for each layout, memory, and the timeline of a step. */
import type { PlannedLayout, SimulatedTask, TrainingPlan } from '@tunan/training/planner';
import { escapeHtml, PAGE_STYLE } from '../report/page-style.ts';

/** Parts of a step and of the memory, with their hue; greys wait. */
const STEP_PARTS = [
  { key: 'compute', label: '计算 compute', colour: 'hsl(210 60% 50%)' },
  { key: 'tensor', label: '张量通信 tensor', colour: 'hsl(25 75% 55%)' },
  { key: 'pipeline', label: '流水线通信 pipeline', colour: 'hsl(45 80% 50%)' },
  { key: 'bubble', label: '气泡 bubble', colour: 'hsl(210 8% 62%)' },
  { key: 'data', label: '梯度规约 gradients', colour: 'hsl(280 45% 58%)' },
  { key: 'optimizer', label: '优化器 optimizer', colour: 'hsl(140 40% 45%)' },
] as const;
const MEMORY_PARTS = [
  { key: 'weights', label: '权重与梯度 weights', colour: 'hsl(210 60% 50%)' },
  { key: 'optimizer', label: '优化器 optimizer', colour: 'hsl(140 40% 45%)' },
  { key: 'activations', label: '激活 activations', colour: 'hsl(25 75% 55%)' },
] as const;
const WIDTH = 720;
const GiB = 2 ** 30;

export function planPage(plan: TrainingPlan): string {
  const { shape, parameters, device, devices, best, asked, journey, globalBatch, time } = plan;
  const shown = asked === undefined ? best : [...best, asked.planned];
  const title = `${shape.layers} × ${shape.width} · ${devices} × ${device.name}`;
  const tiles = [
    [counted(parameters), '参数 parameters'],
    ...(journey.days < 1
      ? [[(24 * journey.days).toPrecision(2), '小时 hours']]
      : [[journey.days.toFixed(1), '天 days']]),
    ...(journey.energy === undefined ? [] : [energyTile(journey.energy)]),
    ...(journey.cost === undefined ? [] : [[`$${Math.round(journey.cost).toLocaleString('en')}`, '费用 cost']]),
    [`${(100 * (asked?.planned ?? best[0]!).modelShare).toFixed(1)} %`, 'MFU'],
  ];
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(title)}</title><style>${PAGE_STYLE}
.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin:0 .35em 0 1em;vertical-align:-.05em}</style></head><body><main>
<h1>${escapeHtml(title)} <span class="soft">训练规划 training plan</span></h1>
<p class="soft">${globalBatch} × ${time} 词元/步 tokens a step；${counted(journey.tokens)} 词元 tokens</p>
<div class="tiles">${tiles.map(([value, label]) => `<div class="tile"><b>${value}</b><span class="soft">${label}</span></div>`).join('')}</div>
<h2>一步的时间 Time of a step</h2>${legend(STEP_PARTS)}${bars(
    shown,
    ({ step }) => STEP_PARTS.map((part) => ({ ...part, value: step[part.key] })),
    (total) => `${total.toPrecision(3)} s`,
  )}
<h2>${device.cpu === undefined ? '显存' : '内存'} Memory</h2>${legend(MEMORY_PARTS)}${bars(
    shown,
    ({ memory }) => MEMORY_PARTS.map((part) => ({ ...part, value: memory[part.key] })),
    (total) => `${(total / GiB).toFixed(1)} GiB`,
    device.memory,
  )}
<p class="soft">竖线：每个设备所有 the line: what a device has, ${(device.memory / GiB).toFixed(1)} GiB</p>
<h2>单步时间线 Timeline of a step</h2>${timeline(plan)}
${plan.shapes.length === 0 ? '' : `<h2>同规模的形状 Shapes of this size</h2>${shapeTable(plan)}`}
</main></body></html>
`;
}

/** @param energy kWh */
function energyTile(energy: number): [value: string, label: string] {
  if (energy < 1000) return [energy.toPrecision(2), '千瓦时 kWh'];
  return [Math.round(energy / 1000).toLocaleString('en'), '兆瓦时 MWh'];
}

function counted(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toPrecision(4)} B` : `${(count / 1e6).toPrecision(4)} M`;
}

function layoutName({ layout }: PlannedLayout): string {
  const { data, tensor, pipeline, microBatch, chunks } = layout;
  return `${data}×${tensor}×${pipeline} b${microBatch}${chunks > 1 ? ` v${chunks}` : ''} ${layout.recomputation}`;
}

function legend(parts: readonly { label: string; colour: string }[]): string {
  const keys = parts.map(({ label, colour }) => `<span class="key" style="background:${colour}"></span>${label}`);
  return `<p class="soft">${keys.join('')}</p>`;
}

function bars(
  plans: readonly PlannedLayout[],
  partsOf: (planned: PlannedLayout) => readonly { label: string; colour: string; value: number }[],
  say: (total: number) => string,
  limit = 0,
): string {
  const [left, right, row] = [190, 80, 22];
  const total = (planned: PlannedLayout) => partsOf(planned).reduce((sum, { value }) => sum + value, 0);
  const most = Math.max(limit, ...plans.map(total));
  const across = (value: number) => ((WIDTH - left - right) * value) / most;
  const rows = plans.map((planned, i) => {
    let x = left;
    const pieces = partsOf(planned).map(({ label, colour, value }) => {
      const piece = `<rect x="${x.toFixed(1)}" y="${i * row + 3}" width="${across(value).toFixed(1)}" height="${row - 6}" fill="${colour}"><title>${label} ${say(value)}</title></rect>`;
      x += across(value);
      return piece;
    });
    return `<text x="${left - 8}" y="${i * row + 15}" text-anchor="end">${layoutName(planned)}</text>${pieces.join('')}<text x="${(x + 6).toFixed(1)}" y="${i * row + 15}">${say(total(planned))}</text>`;
  });
  const end = limit === 0 ? '' : `<path class="tick" d="M${left + across(limit)} 0V${plans.length * row}"/>`;
  return `<svg viewBox="0 0 ${WIDTH} ${plans.length * row}" role="img">${rows.join('')}${end}</svg>`;
}

/** Stages from top to bottom; forward light, backward dark, a hue for each piece of a stage. */
function timeline({ simulation, best, asked }: TrainingPlan): string {
  const { layout, step } = asked?.planned ?? best[0]!;
  if (layout.pipeline === 1) return '<p class="soft">只有一个阶段，没有气泡。One stage: nothing waits.</p>';
  const row = Math.max(4, Math.min(18, 360 / layout.pipeline));
  const across = (seconds: number) => (WIDTH * seconds) / simulation.total;
  const box = ({ stage, start, end, pass, chunk, microBatch }: SimulatedTask) =>
    `<rect x="${across(start).toFixed(2)}" y="${(stage * row).toFixed(1)}" width="${Math.max(0.3, across(end - start) - 0.3).toFixed(2)}" height="${(row - 1).toFixed(1)}" fill="hsl(${210 + 40 * chunk} 55% ${pass === 'forward' ? 66 : 42}%)"><title>${pass} ${microBatch}</title></rect>`;
  const drawn = simulation.tasks.length / (2 * layout.pipeline * layout.chunks);
  return `<svg viewBox="0 0 ${WIDTH} ${(layout.pipeline * row).toFixed(0)}" role="img">${simulation.tasks.map(box).join('')}</svg>
<p class="soft">${layout.pipeline} 个阶段自上而下，浅色前向、深色反向，绘出 ${drawn} 个微批，空白为等待（${(100 * simulation.bubble).toFixed(1)} %）；整步 ${step.total.toPrecision(3)} s。Stages from top to bottom, forward light, backward dark, ${drawn} micro batches drawn, blank is waiting.</p>`;
}

function shapeTable({ shapes }: TrainingPlan): string {
  const rows = shapes.map(({ shape, best }) => {
    const { modelShare, tokensPerSecond } = best;
    return `<tr><td>${shape.layers} × ${shape.width}</td><td class="n">${(100 * modelShare).toFixed(1)} %</td><td class="n">${Math.round(tokensPerSecond).toLocaleString('en')}</td><td>${layoutName(best)}</td></tr>`;
  });
  return `<table><tr><th>层 × 宽 layers × width</th><th class="n">MFU</th><th class="n">词元/秒 tokens/s</th><th>布局 layout</th></tr>${rows.join('')}</table>`;
}

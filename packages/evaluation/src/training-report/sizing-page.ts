/** The page of a sizing: the points that were measured, the law through them, the sizes beside each other and the one that was chosen. */
import { type LawPoint, lossOf, type SizedRun } from '@tunan/training';
import { bitsOfLoss, type ShardBaselines } from '../ngram/shard-baselines.ts';
import { type ChartLine, lineChart } from '../report/line-chart.ts';
import { escapeHtml, PAGE_STYLE } from '../report/page-style.ts';

/** @param command that trains by the recipe */
export function sizingPage(sized: SizedRun, baselines: ShardBaselines, command: string): string {
  const { chosen, fit, seconds } = sized;
  const title = `${chosen.layers} × ${chosen.width}`;
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><style>${PAGE_STYLE}</style></head><body><main>
<h1>${title} <span class="soft">模型规模 model size</span></h1>
<p>${escapeHtml(command)}</p>
<h2>短训练与拟合 Short runs and the law</h2>${lawChart(sized, baselines)}
<p class="soft">点为短训练结束时的验证损失，线为拟合（均方根残差 ${(100 * fit.residual).toFixed(2)} %），须线为同样说得通的各条曲线的范围（95 %）。Dots: validation loss at the end of short runs; lines: the law (residual ${(100 * fit.residual).toFixed(2)} %); the whisker spans the laws that explain the points nearly as well (95 %). ${seconds.toFixed(0)} s.</p>
<p class="soft">${lawText(sized)}</p>
<h2>各规模 Sizes</h2>${sizeTable(sized, baselines)}
</main></body></html>
`;
}

function lawText({ fit: { law } }: SizedRun): string {
  const { E, A, a, B, b } = law;
  const [e, x, y] = [E, A, B].map((value) => value.toFixed(3));
  return `L(N, D) = ${e} + ${x} / N<sup>${a.toFixed(2)}</sup> + ${y} / D<sup>${b.toFixed(2)}</sup>　（N、D 以百万计 in millions，L: nats / token）`;
}

function lawChart(sized: SizedRun, baselines: ShardBaselines): string {
  const { points, fit, chosen, distinctTokens } = sized;
  const bits = (nats: number) => bitsOfLoss(nats, baselines);
  const sizes = [...new Set(points.map(({ parameters }) => parameters))];
  const bySize = (parameters: number) => points.filter((point) => point.parameters === parameters);
  const label = (parameters: number) => `${(parameters / 1e6).toFixed(2)} M`;
  const from = Math.min(...points.map(({ tokens }) => tokens));
  const lawLine = (parameters: number, end: number): ChartLine => ({
    label: label(parameters),
    points: Array.from({ length: 40 }, (_, i) => {
      const x = from * (end / from) ** (i / 39);
      return { x, y: bits(lossOf(fit.law, parameters, x, distinctTokens)) };
    }),
  });
  const dots = (parameters: number): ChartLine => ({
    label: label(parameters),
    points: bySize(parameters).map(({ tokens, loss }: LawPoint) => ({ x: tokens, y: bits(loss) })),
    dots: true,
  });
  return lineChart({
    title: 'scaling law',
    x: '词元 tokens',
    y: '每字比特 bits per character',
    lines: [...sizes.map((size) => lawLine(size, chosen.tokens)), ...sizes.map(dots)],
    levels: [
      { label: '字频 unigram', y: baselines.unigram.bitsPerCharacter },
      { label: `${baselines.ngram.order}-gram`, y: baselines.ngram.bitsPerCharacter },
    ],
    marks: [
      {
        label: `${chosen.layers} × ${chosen.width}`,
        x: chosen.tokens,
        y: bits(chosen.loss),
        low: bits(chosen.low),
        high: bits(chosen.high),
      },
    ],
  });
}

function sizeTable({ candidates, chosen }: SizedRun, baselines: ShardBaselines): string {
  const rows = candidates.map((one) => {
    const bits = [one.loss, one.low, one.high].map((nats) => bitsOfLoss(nats, baselines).toFixed(2));
    const cells = [
      `${(one.parameters / 1e6).toFixed(1)} M`,
      `${Math.round(one.tokensPerSecond).toLocaleString('en')}`,
      `${(one.tokens / 1e6).toFixed(1)} M`,
      `${(one.seconds / 60).toFixed(1)}`,
      bits[0]!,
      `${bits[1]}–${bits[2]}`,
      one.measured ? '✓' : '',
    ];
    return `<tr${one === chosen ? ' class="total"' : ''}><td>${one.layers} × ${one.width}</td>${cells.map((cell) => `<td class="n">${cell}</td>`).join('')}</tr>`;
  });
  const heads = [
    '参数 parameters',
    '词元/秒 tokens/s',
    '词元 tokens',
    '分钟 minutes',
    '每字比特 bits',
    '范围 span',
    '已测 measured',
  ];
  return `<table><tr><th>层 × 宽 layers × width</th>${heads.map((head) => `<th class="n">${head}</th>`).join('')}</tr>${rows.join('')}</table>`;
}

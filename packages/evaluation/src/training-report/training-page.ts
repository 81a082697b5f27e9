/** report.html of a run: the answer, the reasons, the curve, samples. One self-contained page in both languages; no script, no network. */
import { bitsOfLoss } from '../ngram/shard-baselines.ts';
import { type ChartLine, lineChart } from '../report/line-chart.ts';
import { escapeHtml, PAGE_STYLE } from '../report/page-style.ts';
import type { TrainingReport } from './training-report.ts';
import type { Verdict } from './verdicts.ts';

export const ANSWERS = {
  good: { en: 'Is this loss normal? Yes.', zh: '这个损失正常吗？正常。' },
  hint: {
    en: 'Is this loss normal? Yes, and there is something to gain.',
    zh: '这个损失正常吗？正常，但还有提升余地。',
  },
  bad: { en: 'Is this loss normal? No.', zh: '这个损失正常吗？不正常。' },
} as const;

export const SIGNS: Readonly<Record<Verdict['grade'], string>> = { good: '✓', hint: '→', bad: '✗' };

export function trainingPage(report: TrainingReport): string {
  const { facts, answer, verdicts, samples, run } = report;
  const { model } = run.plan;
  const head = `${model.layers} × ${model.width}`;
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(ANSWERS[answer].zh)}</title><style>${PAGE_STYLE}</style></head><body><main>
<h1>${escapeHtml(ANSWERS[answer].zh)} <span class="soft">${escapeHtml(ANSWERS[answer].en)}</span></h1>
<p class="soft">${escapeHtml(head)}　${run.step} / ${run.plan.steps}　${((run.log.at(-1)?.tokens ?? 0) / 1e6).toFixed(1)} M tokens 词元</p>
<ul>${verdicts.map(({ grade, said }) => `<li>${SIGNS[grade]} ${escapeHtml(said.zh)}<br><span class="soft">${escapeHtml(said.en)}</span></li>`).join('')}</ul>
<h2>损失 Loss</h2>${curveChart(report)}
<h2>比较 Comparison</h2>${comparison(facts)}
<h2>样本 Samples</h2>${samples.map((text) => `<blockquote class="prompt">${escapeHtml(text)}</blockquote>`).join('')}
</main></body></html>
`;
}

function curveChart({ facts, run }: TrainingReport): string {
  const { curve, baselines, promised } = facts;
  const bits = (nats: number) => bitsOfLoss(nats, baselines);
  const lines: ChartLine[] = [
    { label: '训练 training', points: curve.points.map(({ tokens, loss }) => ({ x: tokens, y: bits(loss) })) },
  ];
  const evaluated = run.log.flatMap(({ tokens, evaluation }) =>
    evaluation === undefined ? [] : [{ x: tokens, y: bits(evaluation.loss) }],
  );
  if (evaluated.length > 0) lines.push({ label: '验证 validation', points: evaluated, dots: true });
  return lineChart({
    title: 'loss',
    x: '词元 tokens',
    y: '每字比特 bits per character',
    lines,
    levels: [
      { label: '字频 unigram', y: baselines.unigram.bitsPerCharacter },
      { label: `${baselines.ngram.order} 元 ${baselines.ngram.order}-gram`, y: baselines.ngram.bitsPerCharacter },
    ],
    marks:
      promised === undefined
        ? []
        : [
            {
              label: '预期 promised',
              x: run.plan.samples * run.plan.sequenceLength,
              y: bits(promised.loss),
              low: bits(promised.low),
              high: bits(promised.high),
            },
          ],
  });
}

function comparison({ modelBits, baselines }: TrainingReport['facts']): string {
  const { uniform, unigram, ngram } = baselines;
  const rows: [string, number][] = [
    ['盲猜 blind guess', uniform],
    ['字频 unigram', unigram.bitsPerCharacter],
    [`Kneser-Ney ${ngram.order} 元 ${ngram.order}-gram`, ngram.bitsPerCharacter],
    ['本模型 this model', modelBits],
  ];
  return `<table><tr><th></th><th class="n">每字比特 bits per character</th></tr>${rows.map(([label, bits]) => `<tr><td>${escapeHtml(label)}</td><td class="n">${bits.toFixed(3)}</td></tr>`).join('')}</table>`;
}

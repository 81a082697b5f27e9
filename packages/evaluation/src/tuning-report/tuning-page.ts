/** report.html and report.md of a tuned run, in both languages: the answer, the reasons, the losses, the answers before and after, the scores. */

import { type ChartLine, lineChart } from '../report/line-chart.ts';
import { escapeHtml, PAGE_STYLE } from '../report/page-style.ts';
import { SIGNS } from '../training-report/training-page.ts';
import type { TestScores } from './tuning-facts.ts';
import type { TuningReport } from './tuning-report.ts';
import { ANSWERERS, difference, shown } from './tuning-verdicts.ts';

export const TUNING_ANSWERS = {
  good: { en: 'Did the tuning work? Yes.', zh: '微调有效吗？有效。' },
  hint: { en: 'Did the tuning work? Read what is said below.', zh: '微调有效吗？请看下面的说明。' },
  bad: { en: 'Did the tuning work? No.', zh: '微调有效吗？无效。' },
} as const;

const SAMPLE_HEAD = ['问 asked', '应答 wanted', '微调前 before', '微调后 after'];
const SCORE_HEAD = ['', '完全一致 exact, %', 'chrF', '微调后领先 tuned ahead by: exact, %', 'chrF'];
/** Characters of a cell of the samples. */
const LONGEST_CELL = 200;

export function tuningPage(report: TuningReport): string {
  const { answer, verdicts, facts } = report;
  const scores =
    facts.scores === undefined
      ? ''
      : `<h2>得分 Scores</h2>${note(facts.scores)}${table(SCORE_HEAD, scoreRows(facts.scores))}`;
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(TUNING_ANSWERS[answer].zh)}</title><style>${PAGE_STYLE}</style></head><body><main>
<h1>${escapeHtml(TUNING_ANSWERS[answer].zh)} <span class="soft">${escapeHtml(TUNING_ANSWERS[answer].en)}</span></h1>
<p class="soft">${escapeHtml(headOf(report))}</p>
<ul>${verdicts.map(({ grade, said }) => `<li>${SIGNS[grade]} ${escapeHtml(said.zh)}<br><span class="soft">${escapeHtml(said.en)}</span></li>`).join('')}</ul>
<h2>损失 Loss</h2>${curveChart(report)}
${scores}
<h2>样本 Samples</h2>${table(SAMPLE_HEAD, sampleRows(report))}
</main></body></html>
`;
}

export function tuningMarkdown(report: TuningReport): string {
  const { answer, verdicts, facts } = report;
  const { scores, validation } = facts;
  const parts = [
    `# ${TUNING_ANSWERS[answer].zh} ${TUNING_ANSWERS[answer].en}`,
    headOf(report),
    verdicts.map(({ grade, said }) => `- ${SIGNS[grade]} ${said.zh} ${said.en}`).join('\n'),
  ];
  if (validation !== undefined) {
    const rows = validation.steps.map(({ step, loss }) => [String(step), loss.toFixed(4)]);
    const first = validation.before === undefined ? [] : [['0', validation.before.toFixed(4)]];
    parts.push('## 验证损失 Validation loss', markdownTable(['步 step', 'nats'], [...first, ...rows]));
  }
  if (scores !== undefined)
    parts.push('## 得分 Scores', noteText(scores), markdownTable(SCORE_HEAD, scoreRows(scores)));
  parts.push('## 样本 Samples', markdownTable(SAMPLE_HEAD, sampleRows(report)));
  return `${parts.join('\n\n')}\n`;
}

function headOf({ run }: TuningReport): string {
  const { model, lora, learningRate } = run.plan;
  const way = lora === undefined ? '全部权重 all weights' : `LoRA, rank ${lora.rank}`;
  return `${model.layers} × ${model.width}　${way}　${run.step} / ${run.plan.steps} 步 steps　learning rate ${learningRate.peak}`;
}

function curveChart({ facts }: TuningReport): string {
  const { curve, validation } = facts;
  const lines: ChartLine[] = [
    { label: '训练 training', points: curve.points.map(({ tokens, loss }) => ({ x: tokens, y: loss })) },
  ];
  if (validation !== undefined) {
    const points = validation.steps.map(({ tokens, loss }) => ({ x: tokens, y: loss }));
    lines.push({ label: '验证 validation', points, dots: true });
  }
  const levels = validation?.before === undefined ? [] : [{ label: '微调前 before', y: validation.before }];
  const axes = { x: '词元 tokens', y: '所学部分的 nat nats of what is learnt' };
  return lineChart({ title: 'loss', ...axes, lines, levels, marks: [] });
}

function scoreRows({ scores }: TestScores): string[][] {
  return scores.map((one) => [
    `${ANSWERERS[one.answerer].zh} ${ANSWERERS[one.answerer].en}`,
    shown(one, 'exact'),
    shown(one, 'chrf'),
    one.ahead === undefined ? '' : difference(one.ahead.exact, 'exact'),
    one.ahead === undefined ? '' : difference(one.ahead.chrf, 'chrf'),
  ]);
}

function noteText({ file, questions, labels }: TestScores): string {
  const kinds = labels === undefined ? '' : `；${labels.length} 种标签 labels`;
  return `${file}：${questions} 题 questions${kinds}；括号内为 95 % 区间 in brackets 95 % intervals (bootstrap)`;
}

const note = (scores: TestScores) => `<p class="soft">${escapeHtml(noteText(scores))}</p>`;

function sampleRows({ samples }: TuningReport): string[][] {
  return samples.map(({ asked, wanted, before, after }) => [asked, wanted, before, after].map(cut));
}

function cut(text: string): string {
  const characters = [...text];
  return characters.length <= LONGEST_CELL ? text : `${characters.slice(0, LONGEST_CELL).join('')}…`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell).replaceAll('\n', '<br>')}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table>${line(head, 'th')}${rows.map((cells) => line(cells, 'td')).join('')}</table></div>`;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) =>
    text
      .replaceAll('\\', '\\\\')
      .replaceAll('|', '\\|')
      .replaceAll('<', '&lt;')
      .replace(/\s*\n\s*/g, '<br>');
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

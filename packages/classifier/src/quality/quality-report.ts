/** The report of a quality classifier as one self-contained page, Chinese and English, without scripts. */
import type { Calibration } from '../calibration.ts';
import type { Scores } from '../scores.ts';
import type { LabelCurve } from '../thresholds.ts';
import type { QualityReport } from './train-and-test.ts';

const STYLE = `
:root{--ink:#1d2129;--soft:#697079;--line:#dfe3e8;--paper:#fff;--wash:#f4f6f8;--main:#2b6cb0;--second:#c05621}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa3ad;--line:#343a42;--paper:#16191d;--wash:#1f2429;--main:#63a4e8;--second:#ed8f55}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.2rem 4rem}h1{font-size:1.9rem;margin:0}h2{font-size:1.25rem;margin:2.6rem 0 .8rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
p{margin:.4rem 0}.soft{color:var(--soft);font-size:.9rem}.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.8rem;margin:1.4rem 0}
.tile{background:var(--wash);border-radius:.6rem;padding:.8rem 1rem}.tile b{display:block;font-size:1.45rem;font-variant-numeric:tabular-nums}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1rem}figure{margin:0}figcaption{font-size:.9rem}svg{width:100%;height:auto;display:block}
svg .axis{stroke:var(--line)}svg .main{stroke:var(--main);fill:none;stroke-width:2}svg .second{stroke:var(--second);fill:none;stroke-width:2}svg .dot{fill:var(--main)}svg text{fill:var(--soft);font-size:11px}`;

export function qualityReportPage(report: QualityReport): string {
  const { test, validation, baseline, keep } = report;
  const kept = (of: { scores: Scores }) => of.scores.labels.find(({ label }) => label === keep)!.count;
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>质量分类器 Quality classifier</title><style>${STYLE}</style></head><body><main>
<h1>质量分类器 <span class="soft">Quality classifier</span></h1>
<div class="tiles">
${tile(decimal(test.scores.macroF1), '宏平均 F1，未见来源', 'macro F1, unseen sources')}
${tile(decimal(baseline.macroF1), '仅凭长度与标点', 'baseline: length and punctuation')}
${tile(decimal(test.calibration.expectedError), '校准误差', 'expected calibration error')}
${tile(`${test.keptRejected} / ${kept(test)}`, '误拒的优质文档', 'good documents rejected')}
</div>
<h2>测试 Test</h2>
<p class="soft">测试来源在训练与选取阈值时均未见过。No source of the test was seen in training or in the choice of thresholds.</p>
${scoreTable(test.scores)}${confusion(test.scores)}
<h2>按来源 By source</h2>${sourceTable(report)}
<h2>最有把握的错判 Most confident mistakes</h2>
<p class="soft">测试文档的开头；也可能是标注有误。Beginnings of documents of the test; the label may be at fault as well.</p>
${mistakeTable(test)}
<h2>基线 Baseline</h2>${scoreTable(baseline)}
<h2>阈值 Thresholds</h2>
<p class="soft">在验证来源上选取，判定者未见过这些来源；误拒优质文档不超过 ${percent(report.maxKeptRejected)}。Chosen on the validation's sources, judged by a classifier that had not seen them: at most this share of good documents is rejected. <br>概率校正：温度 ${decimal(report.temperature)}；各类对数几率平移 ${shifts(report)}。Correction of probabilities: temperature, and the shift of each label's log-odds.</p>
${thresholdTable(report)}
<h2>可靠性 Reliability</h2>
<p class="soft">横轴：判定的概率，纵轴：判对的比例；圆的面积为文档数；越近对角线越可信。Across: probability of what was predicted; up: share that is right; area of a dot: documents. On the diagonal probabilities can be believed.</p>
<div class="charts">${reliability(test.calibration, '测试 Test')}${reliability(validation.calibration, '验证 Validation')}</div>
<h2>精确率与召回率 Precision and recall by threshold</h2>
<p class="soft">蓝：精确率，橙：召回率；横轴为概率下限。Blue: precision; orange: recall; the axis is the least probability.</p>
<div class="charts">${test.curves.map(curve).join('')}</div>
<h2>标注文档 Labelled documents</h2>${documentTable(report)}
</main></body></html>
`;
}

function tile(value: string, chinese: string, english: string): string {
  return `<div class="tile"><b>${value}</b>${chinese}<div class="soft">${english}</div></div>`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cell = (tag: string, value: string | number, column: number) =>
    `<${tag}${column > 0 && (tag === 'th' || !/[^\d.,% /]/.test(String(value))) ? ' class="n"' : ''}>${escapeHtml(String(value))}</${tag}>`;
  const row = (tag: string, values: readonly (string | number)[]) =>
    `<tr>${values.map((value, column) => cell(tag, value, column)).join('')}</tr>`;
  return `<table><thead>${row('th', head)}</thead><tbody>${rows.map((values) => row('td', values)).join('\n')}</tbody></table>`;
}

function scoreTable({ labels, macroF1, accuracy }: Scores): string {
  return table(
    ['类别 label', '精确率 precision', '召回率 recall', 'F1', '文档 documents'],
    [
      ...labels.map((one) => [one.label, decimal(one.precision), decimal(one.recall), decimal(one.f1), one.count]),
      ['宏平均 macro', '', '', decimal(macroF1), ''],
      ['正确率 accuracy', '', decimal(accuracy), '', ''],
    ],
  );
}

function confusion({ labels, confusion: rows }: Scores): string {
  return `<p class="soft">混淆矩阵：行为标注，列为判定。Confusion: rows are labels, columns what was predicted.</p>${table(
    ['', ...labels.map(({ label }) => label)],
    rows.map((row, i) => [labels[i]!.label, ...row]),
  )}`;
}

function sourceTable({ test }: QualityReport): string {
  return table(
    ['来源 source', '类别 label', '文档 documents', '召回率 recall', '被阈值拒绝 rejected'],
    test.sources.map((one) => [one.source, one.label, one.count, decimal(one.recall), one.rejected]),
  );
}

function mistakeTable({ mistakes }: QualityReport['test']): string {
  return table(
    ['来源 source', '标注 label', '判定 predicted', '概率 probability', '文本 text'],
    mistakes.map((one) => [one.source, one.label, one.predicted, decimal(one.probability), one.text]),
  );
}

function shifts(report: QualityReport): string {
  return Object.entries(report.shifts)
    .map(([label, shift]) => `${escapeHtml(label)} ${shift < 0 ? '−' : '+'}${decimal(Math.abs(shift))}`)
    .join('，');
}

function thresholdTable({ thresholds, validation, keep }: QualityReport): string {
  const kept = validation.scores.labels.find(({ label }) => label === keep)!.count;
  return table(
    ['类别 label', '阈值 threshold', '捕获 caught', `误拒 good rejected (of ${kept})`],
    thresholds.map((one) => [one.label, decimal(one.threshold), percent(one.recall), one.keptRejected]),
  );
}

function documentTable({ documents }: QualityReport): string {
  return table(
    ['类别 label', '来源 source', '文档 documents', '用途 use'],
    documents.map(({ label, source, count, side }) => [label, source, count, SIDES[side]]),
  );
}

const SIDES = { train: '训练 train', validation: '验证 validation', test: '测试 test' };

const SIDE = 220;
const MARGIN = 28;
const at = (share: number) => (MARGIN + share * (SIDE - 2 * MARGIN)).toFixed(1);
const up = (share: number) => (SIDE - MARGIN - share * (SIDE - 2 * MARGIN)).toFixed(1);

/** Both axes go from 0 to 1. */
function chart(caption: string, content: string): string {
  const grid = [0, 0.5, 1].map((share) => {
    const across = `<line class="axis" x1="${at(0)}" y1="${up(share)}" x2="${at(1)}" y2="${up(share)}"/>`;
    const upright = `<line class="axis" x1="${at(share)}" y1="${up(0)}" x2="${at(share)}" y2="${up(1)}"/>`;
    const below = `<text x="${at(share)}" y="${SIDE - MARGIN + 14}" text-anchor="middle">${share}</text>`;
    const beside = `<text x="${MARGIN - 5}" y="${Number(up(share)) + 4}" text-anchor="end">${share}</text>`;
    return across + upright + below + beside;
  });
  return `<figure><svg viewBox="0 0 ${SIDE} ${SIDE}" role="img" aria-label="${escapeHtml(caption)}">${grid.join('')}${content}</svg><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

function reliability({ bins, expectedError }: Calibration, caption: string): string {
  const most = Math.max(...bins.map(({ count }) => count));
  const dots = bins
    .filter(({ count }) => count > 0)
    .map(({ confidence, accuracy, count }) => {
      const radius = (3 + 7 * Math.sqrt(count / most)).toFixed(1);
      return `<circle class="dot" cx="${at(confidence)}" cy="${up(accuracy)}" r="${radius}"><title>${count}</title></circle>`;
    });
  const ideal = `<line class="axis" x1="${at(0)}" y1="${up(0)}" x2="${at(1)}" y2="${up(1)}"/>`;
  return chart(`${caption}: ECE ${decimal(expectedError)}`, ideal + dots.join(''));
}

function curve({ label, points }: LabelCurve): string {
  const line = (kind: string, value: (point: (typeof points)[number]) => number) =>
    `<polyline class="${kind}" points="${points.map((point) => `${at(point.threshold)},${up(value(point))}`).join(' ')}"/>`;
  return chart(label, line('main', ({ precision }) => precision) + line('second', ({ recall }) => recall));
}

function decimal(value: number): string {
  return value.toFixed(3);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

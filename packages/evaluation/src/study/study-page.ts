/** report.html of a study: what people could tell, how sure that is, what it hangs on. One self-contained page in both languages; no script, no network. */
import { scoreBar, shareChart } from '../report/charts.ts';
import { escapeHtml, PAGE_STYLE } from '../report/page-style.ts';
import { clopperPearson } from '../statistics/binomial.ts';
import type { ResampledStatistic } from '../statistics/two-way-bootstrap.ts';
import { KIND_RULES } from './kinds.ts';
import type { Accuracy, Part, StudyReport } from './study-report.ts';
import { studyVerdicts } from './study-verdicts.ts';

export function studyPage(report: StudyReport): string {
  const { study, overall, order, time, confidence } = report;
  const [answer, ...notes] = studyVerdicts(report);
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(study.title)}</title><style>${PAGE_STYLE}</style></head><body><main>
<h1>${escapeHtml(answer!.zh)} <span class="soft">${escapeHtml(answer!.en)}</span></h1>
<p class="soft">${escapeHtml(study.title)}　${escapeHtml(study.model)}　${study.design === 'single' ? '单篇 single texts' : '成对 pairs'}　${escapeHtml(study.id)}</p>
${tiles(report)}
<ul>${notes.map(({ en, zh }) => `<li>${escapeHtml(zh)}<br><span class="soft">${escapeHtml(en)}</span></li>`).join('')}</ul>
<h2>正确率 Accuracy</h2>${accuracies(report)}
<h2>${study.design === 'single' ? '说是人写的 Said to be human' : '说第一篇是人写的 Said that the first is human'}</h2>${saidFirst(report)}
<div class="pair"><div><h2>次序 Order</h2>${parts(order.parts, order.slope, '从第一篇到最后一篇 from the first text to the last', (value) => `${Math.round(100 * value)} %`)}</div>
<div><h2>用时 Time</h2>${parts(time.parts, time.slope, '用时每加倍 for every doubling of the time', (value) => `${value.toFixed(0)} s`)}</div></div>
<h2>把握 Certainty</h2>${shareChart(
    '把握 certainty',
    confidence.map((part) => ({ label: String(part.level), ...shareOf(part) })),
    0.5,
  )}<p class="soft">${confidence.map(({ level, judgements }) => `${level}: ${judgements}`).join('　')}</p>
<h2>效力 Power</h2>${power(report)}
<h2>文本 Texts</h2>${texts(report)}
<p class="soft">逐条数据见 judgements.csv。判断 ${overall.judgements} 个。Single judgements: judgements.csv.</p>
</main></body></html>
`;
}

function tiles({ overall, judges, texts, checks }: StudyReport): string {
  const list: [string, string][] = [
    [percent(overall.share), '正确率 accuracy'],
    [
      range(overall.clustered ?? overall.exact),
      overall.clustered ? '95 % 区间（人与文）over judges and texts' : '95 %',
    ],
    [String(overall.judgements), '判断 judgements'],
    [`${judges.judged - judges.excluded}`, '评审者 judges'],
    [String(texts), '文本 texts'],
    [checks.shown === 0 ? '—' : `${checks.passed} / ${checks.shown}`, '注意力检查 checks passed'],
  ];
  return `<div class="tiles">${list.map(([value, label]) => `<div class="tile"><b>${value}</b><span class="soft">${label}</span></div>`).join('')}</div>`;
}

function accuracies({ kinds, overall, withExcluded, judges, power: { claim } }: StudyReport): string {
  const heads = [
    '',
    '正确 right',
    '正确率 accuracy',
    '精确区间 exact 95 %',
    '人与文 judges and texts 95 %',
    'p = 50 %',
    `p ≥ ${Math.round(100 * claim.limit)} %`,
    'α',
    '',
  ];
  const row = (label: string, one: Accuracy, style = '') =>
    `<tr${style}><td>${escapeHtml(label)}</td>${[
      `${one.right} / ${one.judgements}`,
      percent(one.share),
      range(one.exact),
      one.clustered === undefined ? '—' : range(one.clustered),
      chance(one.p),
      chance(one.pLimit),
      one.alpha === undefined ? '—' : one.alpha.toFixed(3),
    ]
      .map((value) => `<td class="n">${value}</td>`)
      .join('')}<td class="chart">${scoreBar(one.share, one.clustered ?? one.exact, [0.5, claim.limit])}</td></tr>`;
  const rows = Object.entries(kinds).map(([kind, one]) => {
    const { name } = KIND_RULES[kind as keyof typeof KIND_RULES];
    return row(`${name.zh} ${name.en}`, one);
  });
  const excluded = judges.excluded === 0 ? '' : row(`含未计入的 ${judges.excluded} 人 with all`, withExcluded);
  return `<div class="wide"><table><tr>${heads.map((head, i) => `<th${i === 0 ? '' : ' class="n"'}>${head}</th>`).join('')}</tr>${rows.join('')}${row('合计 All', overall, ' class="total"')}${excluded}</table></div>
<p class="soft">精确区间为 Clopper–Pearson，把每个判断当作独立；“人与文”对评审者与文本各自重抽样（95 %），结论以它为准。α 为 Krippendorff 一致性。Exact intervals take judgements for independent; those over judges and texts (two-way bootstrap) do not, and decide. α is Krippendorff’s.</p>`;
}

function saidFirst({ saidFirst: shares, study }: StudyReport): string {
  const names: Readonly<Record<string, string>> =
    study.design === 'single'
      ? { human: '人写的文本 human texts', machine: '机器写的文本 texts of the model' }
      : { first: '第一篇确为人写 the first is human', second: '第二篇为人写 the second is human' };
  const rows = Object.entries(shares).map(([truth, { said, judgements, exact }]) => {
    const share = said / judgements;
    return `<tr><td>${names[truth] ?? truth}</td><td class="n">${said} / ${judgements}</td><td class="n">${percent(share)}</td><td class="n">${range(exact)}</td><td class="chart">${scoreBar(share, exact, [0.5])}</td></tr>`;
  });
  return `<table>${rows.join('')}</table>`;
}

function parts(
  list: readonly Part[],
  slope: ResampledStatistic | undefined,
  what: string,
  edge: (value: number) => string,
): string {
  const points = list.map((part) => ({ label: `${edge(part.from)}–${edge(part.to)}`, ...shareOf(part) }));
  const points100 = (value: number) => `${value >= 0 ? '+' : '−'}${Math.abs(100 * value).toFixed(1)}`;
  const said =
    slope === undefined
      ? ''
      : `<p>${what}：${points100(slope.value)} 个百分点 points <span class="soft">(95 %: ${points100(slope.low)} … ${points100(slope.high)})</span></p>`;
  return `${shareChart(what, points, 0.5)}${said}`;
}

function power({ power: { claim, designEffect, needed, now }, overall }: StudyReport): string {
  const [limit, chanceOf] = [percent(claim.limit), percent(claim.power)];
  return `<p>若人们只是猜，要以 ${chanceOf} 的把握证明正确率低于 ${limit}，需要 ${needed} 个判断；现有 ${overall.judgements} 个，把握为 ${percent(now)}（设计效应 ${designEffect.toFixed(2)}）。<br><span class="soft">If people guess, ${needed} judgements show an accuracy below ${limit} with a chance of ${chanceOf}; the ${overall.judgements} at hand have a chance of ${percent(now)} (design effect ${designEffect.toFixed(2)}).</span></p>`;
}

function texts({ given, search }: StudyReport): string {
  const heads = [
    '',
    '给出 given',
    '训练语料中有 in the training text',
    '无相称机器文本 no fitting text of the model',
    '采用 used',
  ];
  const rows = Object.entries(given).map(([kind, { given: all, known, unmatched, used }]) => {
    const { name } = KIND_RULES[kind as keyof typeof KIND_RULES];
    return `<tr><td>${name.zh} ${name.en}</td>${[all, known, unmatched, used].map((value) => `<td class="n">${value}</td>`).join('')}</tr>`;
  });
  const checked =
    search === null
      ? '未检查文本是否在训练语料中。Nobody has looked whether texts stand in the training text.'
      : `对照语料 ${escapeHtml(search.corpus)}（${search.documents} 篇）：连续 ${search.copyLength} 字相同即算照抄；模型的 ${search.candidates} 篇中有 ${search.copies} 篇照抄，已去掉。Copies are runs of ${search.copyLength} characters that stand in ${search.documents} documents: ${search.copies} of ${search.candidates} texts of the model, left out.`;
  return `<table><tr>${heads.map((head, i) => `<th${i === 0 ? '' : ' class="n"'}>${head}</th>`).join('')}</tr>${rows.join('')}</table><p class="soft">${checked}</p>`;
}

function shareOf({ right, judgements }: Part) {
  return { share: right / judgements, ...clopperPearson(right, judgements) };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const range = ({ low, high }: { low: number; high: number }): string => `${(100 * low).toFixed(1)} – ${percent(high)}`;
const chance = (p: number): string => (p < 0.0001 ? '&lt; 0.0001' : p.toFixed(4));

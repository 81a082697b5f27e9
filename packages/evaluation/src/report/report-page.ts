/**
 * report.html of an evaluation: one self-contained page with the scores beside published ones, and for each task its
 * confusion, its calibration curve and examples of errors. No script, no network; the same input gives the same page.
 */

import type { Interval } from '@tunan/classifier/proportion';
import type { Prediction, TaskResult, TaskRun } from '../result.ts';
import { calibrationCurve, confusion } from '../statistics/classification.ts';
import { clueTasks } from '../tasks/suites.ts';
import type { Example } from '../tasks/task.ts';
import { calibrationChart, scoreBar } from './charts.ts';
import type { AblationCell, Evaluation, TaskMaterial } from './evaluation.ts';
import { notesOf } from './notes.ts';
import { escapeHtml, PAGE_STYLE } from './page-style.ts';
import { type PublishedRow, publishedRows } from './published.ts';
import type { ShownExample, ShownPrompt } from './samples.ts';
import type { EvaluationSummary, TaskSummary } from './summary.ts';

/** Errors shown of each task, from evenly spread places. */
const SHOWN_ERRORS = 6;
/** Labels above which a confusion table would be too wide; the most frequent confusions are listed then. */
const TABLE_LABELS = 8;
const SHOWN_CONFUSIONS = 15;
const SHOWN_CHARACTERS = 160;

export function reportPage(
  evaluation: Evaluation,
  summary: EvaluationSummary,
  material: ReadonlyMap<string, TaskMaterial>,
): string {
  const { suite, model, settings, results, ablation } = evaluation;
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(suite)} · ${escapeHtml(model.name)}</title><style>${PAGE_STYLE}</style></head><body><main>
<h1>${escapeHtml(model.name)} <span class="soft">${escapeHtml(suite)}</span></h1>
${tiles(summary)}
<h2>得分 Scores</h2>${scores(summary)}${notes(summary, settings)}
${ablation === undefined ? '' : `<h2>消融 Ablation</h2>${ablationTable(ablation, results)}`}
<h2>与已发表结果对照 Beside published results</h2>${published(evaluation, summary)}
${results.map((result) => taskSection(result, material.get(result.task))).join('\n')}
<h2>设置 Settings</h2>${settingsTable(settings, model.identity)}
</main></body></html>
`;
}

function tiles({ tasks, mean }: EvaluationSummary): string {
  const examples = tasks.reduce((sum, task) => sum + task.examples, 0);
  const list: [string, string][] = [
    [mean === undefined ? '—' : percent(mean.accuracy), '平均准确率 mean accuracy'],
    [mean === undefined ? '—' : range(mean.interval), '95 % 区间 interval (bootstrap)'],
    [mean === undefined ? '—' : percent(mean.majority), '多数类 majority'],
    [String(tasks.length), '任务 tasks'],
    [String(examples), '样例 examples'],
  ];
  return `<div class="tiles">${list.map(([value, label]) => `<div class="tile"><b>${value}</b><span class="soft">${label}</span></div>`).join('')}</div>`;
}

function scores({ tasks, mean }: EvaluationSummary): string {
  const rows = tasks.map((task) => {
    const { title, accuracy, interval, deviation, examples, labelled, majority, random, truncatedShare, shots } = task;
    const cells = [
      accuracy === undefined ? '—' : percent(accuracy),
      interval === undefined ? '—' : range(interval),
      deviation === undefined ? '' : `± ${(100 * deviation).toFixed(1)}`,
      majority === undefined ? '—' : percent(majority),
      percent(random),
      labelled === examples ? String(examples) : `${labelled} / ${examples}`,
      percent(truncatedShare),
      shots === undefined ? '' : `${shots.mean.toFixed(1)} / ${shots.asked}`,
      task.tiedShare === 0 ? '' : percent(task.tiedShare),
    ];
    return `<tr><td><a href="#${escapeHtml(task.task)}">${escapeHtml(title)}</a></td>${numbers(cells)}<td class="chart">${barOf(task)}</td></tr>`;
  });
  const total =
    mean === undefined
      ? ''
      : `<tr class="total"><td>平均 Mean (${mean.tasks})</td>${numbers([percent(mean.accuracy), range(mean.interval), '', percent(mean.majority), percent(mean.random), '', '', '', ''])}<td class="chart">${scoreBar(mean.accuracy, mean.interval, [mean.majority, mean.random])}</td></tr>`;
  const heads = [
    '准确率 accuracy',
    '95 %',
    '运行间 runs',
    '多数类 majority',
    '随机 random',
    '样例 examples',
    '截断 cut',
    '示例 shots',
    '并列 ties',
  ];
  return `<table><tr><th>任务 Task</th>${heads.map((head) => `<th class="n">${head}</th>`).join('')}<th></th></tr>${rows.join('')}${total}</table>
<p class="soft">条为准确率，须为 95 % Wilson 区间，竖线为多数类与随机。Bars are accuracies, whiskers 95 % Wilson intervals; the ticks mark majority and random. “cut”: examples that did not fit into the context; “shots”: solved examples in the prompt on average, of those asked for; “ties”: answers drawn by lot.</p>`;
}

function notes(summary: EvaluationSummary, { limit }: Evaluation['settings']): string {
  const list = notesOf(summary, typeof limit === 'number' ? limit : undefined);
  if (list.length === 0) return '';
  return `<ul>${list.map(({ en, zh }) => `<li>${escapeHtml(zh)}。<span class="soft">${escapeHtml(en)}.</span></li>`).join('')}</ul>`;
}

function barOf({ accuracy, interval, majority, random }: TaskSummary): string {
  if (accuracy === undefined || interval === undefined) return '';
  return scoreBar(accuracy, interval, majority === undefined ? [random] : [majority, random]);
}

/** Rows: calibration; columns: expansion; for each task and for the mean. */
function ablationTable(cells: readonly AblationCell[], results: readonly TaskResult[]): string {
  const names = results.map(({ task }) => task);
  const head = results.map(({ title }) => `<th class="n">${escapeHtml(title)}</th>`).join('');
  const rows = cells.map(({ calibrate, expand, accuracies }) => {
    const values = names.map((name) => accuracies[name] ?? Number.NaN);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return `<tr><td>${escapeHtml(calibrate)}</td><td>${escapeHtml(expand)}</td>${numbers([...values, mean].map((value) => (100 * value).toFixed(1)))}</tr>`;
  });
  return `<div class="wide"><table><tr><th>校准 calibration</th><th>标签扩展 expansion</th>${head}<th class="n">平均 mean</th></tr>${rows.join('')}</table></div>`;
}

/**
 * A mean stands only beside means of the same tasks: of those shown here, where a row has them all. The totals that papers give are of
 * nine tasks, and are shown where ours is.
 */
function published({ results, model, settings }: Evaluation, { tasks }: EvaluationSummary): string {
  const own = new Map(tasks.map(({ task, accuracy }) => [task, times100(accuracy)]));
  const known = new Set(publishedRows.flatMap((row) => Object.keys(row.tasks)));
  const shown = results.filter(({ task }) => known.has(task));
  if (shown.length === 0) return '<p class="soft">这些任务没有已发表的结果。Nothing is published for these tasks.</p>';
  const whole = shown.length === known.size;
  const cell = (value: number | undefined) => (value === undefined ? '' : value.toFixed(1));
  const line = (name: string, setting: string, of: (task: string) => number | undefined, total?: number) => {
    const cells = shown.map(({ task }) => of(task));
    return { name, setting, cells, mean: total ?? meanOfAll(cells) };
  };
  const ours = line(model.name, '本次 this', (task) => own.get(task));
  const theirs = publishedRows
    .map((row: PublishedRow) => line(row.name, row.setting, (task) => row.tasks[task], whole ? row.score : undefined))
    .filter(({ mean, cells }) => mean !== undefined || cells.some((value) => value !== undefined));
  const rows = [ours, ...theirs].map(
    ({ name, setting, cells, mean }, i) =>
      `<tr${i === 0 ? ' class="total"' : ''}><td>${escapeHtml(name)}</td><td class="soft">${setting}</td>${numbers([mean, ...cells].map(cell))}</tr>`,
  );
  const head = shown.map(({ title }) => `<th class="n">${escapeHtml(title)}</th>`).join('');
  const limited =
    settings.limit === undefined
      ? ''
      : ` 本次每个任务至多 ${settings.limit} 个样例。This run has up to ${settings.limit} examples of each task (--limit).`;
  return `<div class="wide"><table><tr><th>模型 Model</th><th></th><th class="n">这 ${shown.length} 个任务的平均 mean of these ${shown.length}</th>${head}</tr>${rows.join('')}</table></div>
<p class="soft">已发表的数字来自各论文在榜单测试集上的成绩，提示词各不相同；缺少其中任务的，平均留空。Published figures are the papers' own, with their own prompts, mostly on the leaderboard's test set; where one of these tasks is missing the mean is left out.${limited}</p>`;
}

function meanOfAll(cells: readonly (number | undefined)[]): number | undefined {
  const given = cells.filter((value) => value !== undefined);
  if (given.length < cells.length) return undefined;
  return given.reduce((sum, value) => sum + value, 0) / given.length;
}

function taskSection(result: TaskResult, material: TaskMaterial | undefined): string {
  const [run] = result.runs;
  if (run === undefined || result.accuracy === undefined) return '';
  return `<h2 id="${escapeHtml(result.task)}">${escapeHtml(result.title)} <span class="soft">${percent(result.accuracy)}</span></h2>
<p class="soft">${escapeHtml(describeRun(run, result.runs.length))}</p>
<div class="pair"><div>${confusionOf(result, run)}</div><div>${calibrationOf(run)}</div></div>
${promptsOf(result, material?.prompts ?? [])}
${errorsOf(result, run, material?.examples ?? [])}`;
}

/** Candidates shown of a prompt: of a hundred labels the first will do. */
const SHOWN_CANDIDATES = 8;

/** The first prompt of each split as it was sent, and the solved examples that it shows. */
function promptsOf({ task }: TaskResult, prompts: readonly ShownPrompt[]): string {
  if (prompts.length === 0) return '';
  const items = prompts.map(({ split, shots, prompt, candidates }) => {
    const scored = candidates
      .slice(0, SHOWN_CANDIDATES)
      .map(({ given, scored }) => `${escapeHtml(given)}<mark>${escapeHtml(scored)}</mark>`);
    const more = candidates.length - scored.length;
    const list = `${scored.join(' | ')}${more > 0 ? ` … +${more}` : ''}`;
    const from = split === undefined ? '' : `<h3>训练集 split ${split}: ${shots.length} 示例 shots</h3>`;
    const shown =
      shots.length === 0 ? '' : `<p><code>${escapeHtml(shots.map((one) => shotName(task, one)).join(', '))}</code></p>`;
    return `${from}${shown}<blockquote class="prompt">${escapeHtml(prompt)}${list}</blockquote>`;
  });
  return `<details><summary>提示示例 Example prompt</summary><p class="soft">标出的是打分的文字，以 | 分隔各候选。Marked is what is scored, candidates between bars.</p>${items.join('')}</details>`;
}

function shotName(task: string, { id, label }: ShownExample): string {
  return `id ${id ?? '?'}: ${label === undefined ? '' : labelName(task, label)}`;
}

function describeRun({ template, normalise, calibrate, expand, shots, split }: TaskRun, runs: number): string {
  const parts = [
    `模板 template ${template}`,
    `归一 normalised by ${normalise}`,
    `校准 calibration ${calibrate}`,
    `扩展 expansion ${expand}`,
    `示例 shots ${shots}`,
  ];
  if (split !== undefined) parts.push(`训练集 split ${split}`);
  if (runs > 1) parts.push(`第一次运行，共 ${runs} 次 the first of ${runs} runs`);
  return parts.join(' · ');
}

function confusionOf({ task, labels }: TaskResult, { predictions }: TaskRun): string {
  const counts = confusion(
    predictions.flatMap(({ gold, predicted }) => (gold === undefined ? [] : [{ gold, predicted }])),
  );
  if (labels.length > TABLE_LABELS) return frequentConfusions(task, counts);
  const head = labels.map((label) => `<th class="n">${escapeHtml(labelName(task, label))}</th>`).join('');
  const rows = labels.map((gold) => {
    const row = counts.get(gold);
    const total = [...(row?.values() ?? [])].reduce((sum, count) => sum + count, 0);
    const cells = labels.map((predicted) => {
      const count = row?.get(predicted) ?? 0;
      const share = total === 0 ? 0 : count / total;
      const kind = gold === predicted ? 'good' : 'bad';
      return `<td class="n ${kind}" style="--share:${Math.round(100 * share)}%">${count}</td>`;
    });
    return `<tr><th>${escapeHtml(labelName(task, gold))}</th>${cells.join('')}</tr>`;
  });
  return `<h3>混淆矩阵 Confusion <span class="soft">行为正确标签 rows: right label</span></h3><table class="confusion"><tr><th></th>${head}</tr>${rows.join('')}</table>`;
}

function frequentConfusions(task: string, counts: ReadonlyMap<string, ReadonlyMap<string, number>>): string {
  const pairs = [...counts].flatMap(([gold, row]) =>
    [...row].flatMap(([predicted, count]) => (gold === predicted ? [] : [{ gold, predicted, count }])),
  );
  const most = pairs.sort((a, b) => b.count - a.count).slice(0, SHOWN_CONFUSIONS);
  const rows = most.map(
    ({ gold, predicted, count }) =>
      `<tr><td>${escapeHtml(labelName(task, gold))}</td><td>→ ${escapeHtml(labelName(task, predicted))}</td><td class="n">${count}</td></tr>`,
  );
  return `<h3>最常见的混淆 Most frequent confusions</h3><table><tr><th>正确 right</th><th>预测 predicted</th><th class="n"></th></tr>${rows.join('')}</table>`;
}

/** Scores that are no probabilities (calibrated by difference) have no curve. */
function calibrationOf({ predictions, calibrate }: TaskRun): string {
  if (calibrate === 'identity') {
    return '<h3>校准曲线 Calibration</h3><p class="soft">差值校准的得分不是概率。Scores calibrated by difference are no probabilities.</p>';
  }
  const answers = predictions.flatMap((prediction) =>
    prediction.gold === undefined
      ? []
      : [{ confidence: confidenceOf(prediction), right: prediction.gold === prediction.predicted }],
  );
  const { curve, expectedError } = calibrationCurve(answers);
  return `<h3>校准曲线 Calibration <span class="soft">ECE ${expectedError.toFixed(3)}</span></h3>${calibrationChart(curve)}`;
}

function confidenceOf({ scores }: Prediction): number {
  const sum = scores.reduce((total, score) => total + score, 0);
  return Math.max(...scores) / sum;
}

function errorsOf({ task, labels }: TaskResult, { predictions }: TaskRun, examples: readonly Example[]): string {
  const wrong = predictions.flatMap((prediction, i) => {
    const example = examples[i];
    return example === undefined || prediction.gold === undefined || prediction.gold === prediction.predicted
      ? []
      : [{ prediction, example }];
  });
  if (wrong.length === 0) return '';
  const step = Math.max(1, Math.floor(wrong.length / SHOWN_ERRORS));
  const shown = wrong.filter((_, i) => i % step === 0).slice(0, SHOWN_ERRORS);
  const items = shown.map(({ prediction, example }) => {
    const score = (label: string) => prediction.scores[labels.indexOf(label)]?.toPrecision(3) ?? '';
    const gold = prediction.gold!;
    const name = (label: string) => example.choices?.[label]?.[0] ?? labelName(task, label);
    const fields = Object.entries(example.fields).map(([field, value]) => `${field}: ${shorten(value)}`);
    return `<blockquote>${escapeHtml(fields.join('\n'))}
<code>${escapeHtml(String(prediction.id ?? ''))} · 正确 right ${escapeHtml(name(gold))} (${score(gold)}) · 预测 predicted ${escapeHtml(name(prediction.predicted))} (${score(prediction.predicted)})</code></blockquote>`;
  });
  return `<details><summary>错例 Errors: ${wrong.length}</summary>${items.join('')}</details>`;
}

function settingsTable(settings: Evaluation['settings'], identity: string): string {
  const rows = [...Object.entries(settings), ['identity', identity]].map(
    ([name, value]) =>
      `<tr><td>${escapeHtml(name!.toString())}</td><td><code>${escapeHtml(String(value))}</code></td></tr>`,
  );
  return `<table>${rows.join('')}</table>`;
}

/** Codes come with the word that stands for them; labels that are Chinese speak for themselves. */
function labelName(task: string, label: string): string {
  const word = clueTasks.find(({ name }) => name === task)?.words?.[label]?.[0];
  return word === undefined || !/^[\x20-\x7e]+$/.test(label) ? label : `${label} ${word}`;
}

function numbers(cells: readonly string[]): string {
  return cells.map((cell) => `<td class="n">${cell}</td>`).join('');
}

function times100(value: number | undefined): number | undefined {
  return value === undefined ? undefined : 100 * value;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function range({ low, high }: Interval): string {
  return `${(100 * low).toFixed(1)} – ${(100 * high).toFixed(1)}`;
}

function shorten(text: string): string {
  const characters = [...text];
  return characters.length > SHOWN_CHARACTERS ? `${characters.slice(0, SHOWN_CHARACTERS).join('')}…` : text;
}

/**
 * Published results of ZeroCLUE and FewCLUE, accuracy in %, to stand beside ours. Sources: the FewCLUE paper and
 * leaderboard (Xu et al. 2021, arXiv 2107.07498), and Yuan 1.0 as quoted by UniMC (arXiv 2210.08590). Cells that no source gives
 * are absent.
 */

export interface PublishedRow {
  readonly name: string;
  /** Total as published; the plain mean of the nine tasks. */
  readonly score: number;
  /** By name of the task. */
  readonly tasks: Readonly<Record<string, number>>;
  readonly setting: 'zero-shot' | 'few-shot' | 'people' | 'majority';
}

const order = ['eprstmt', 'bustm', 'ocnli', 'csldcp', 'tnews', 'cluewsc', 'iflytek', 'csl', 'chid'] as const;

function row(
  name: string,
  setting: PublishedRow['setting'],
  score: number,
  cells: readonly (number | undefined)[] = [],
): PublishedRow {
  const given = order.flatMap((task, i) => (cells[i] === undefined ? [] : [[task, cells[i]] as const]));
  return { name, setting, score, tasks: Object.fromEntries(given) };
}

export const publishedRows: readonly PublishedRow[] = [
  row('人类 Human', 'people', 82.49, [90, 88, 90.3, 68, 71, 98, 66, 84, 87.1]),
  row('ERNIE 3.0 (240 B)', 'zero-shot', 61.41),
  // The source gives CLUEWSC the same figure as CSLDCP, which is doubtful: left out.
  row('Yuan-13B', 'zero-shot', 56.22, [88.13, 59.38, 48.13, 38.99, 57.47, undefined, 38.82, 50, 86.14]),
  row('RoBERTa', 'zero-shot', 44.61, [85.2, 50.6, 40.3, 12.6, 25.3, 50, 27.7, 52.2, 57.6]),
  row('GPT', 'zero-shot', 43.36, [57.54, 50, 34.4, 26.23, 36.96, 50.31, 19.04, 50.14, 65.63]),
  row('PET', 'few-shot', 57.36, [87.2, 64, 43.9, 56.9, 53.7, 59.2, 35.1, 55, 61.3]),
  row('BERT, 微调 fine-tuned', 'few-shot', 39.35, [61.9, 54.1, 33.6, 25.6, 40.5, 50.3, 22.6, 50.5, 15]),
  row('多数类 Majority', 'majority', 29.04),
];

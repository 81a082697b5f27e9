/** `tunan study report` */
import path from 'node:path';
import type { Accuracy, StudyReport } from '@tunan/evaluation';
import { makeFolder, writeWhole } from '@tunan/files';
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { alignedTable } from '../table.ts';

export default defineCommand({
  positionals: { study: { help: text('folder made by tunan study new', 'tunan study new 建立的目录') } },
  options: {
    answers: {
      type: 'string',
      value: 'FILE',
      help: text('answers.json, where it was kept apart from the folder', '另行保管的 answers.json'),
    },
    out: {
      type: 'string',
      value: 'DIR',
      help: text(
        'where report.html, report.json and judgements.csv go (default: the folder of the study)',
        'report.html、report.json 与 judgements.csv 的目录（默认为研究目录）',
      ),
    },
  },
  examples: ['tunan study report runs/study', 'tunan study report runs/study --answers safe/answers.json --out report'],
  reports: true,
  run: async ({ study: folder, answers, out = folder }) => {
    const { inattentive, readStudy, reportStudy, studyCsv, studyPage, studyVerdicts } = await import(
      '@tunan/evaluation'
    );
    const judged = readStudy(folder, answers);
    const report = reportStudy(judged);
    makeFolder(out);
    const place = (name: string) => path.join(out, name);
    writeWhole(place('judgements.csv'), studyCsv(judged.judgements, inattentive(judged.judgements)));
    writeWhole(place('report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
    writeWhole(place('report.html'), studyPage(report));
    const lines = [
      ...studyVerdicts(report).map(({ en, zh }) => text(en, zh)),
      '',
      ...tableOf(report),
      '',
      text(`${place('report.html')} has the charts`, `图表见 ${place('report.html')}`),
    ];
    return { data: report, lines };
  },
});

function tableOf({ kinds, overall }: StudyReport): string[] {
  const heads = [
    text('kind', '类别'),
    text('right', '正确'),
    text('accuracy', '正确率'),
    text('exact 95 %', '精确区间 95 %'),
    text('judges and texts 95 %', '人与文 95 %'),
    'p = 50 %',
    'α',
  ];
  const row = (name: string, { right, judgements, share, exact, clustered, p, alpha }: Accuracy) => [
    name,
    `${right} / ${judgements}`,
    percent(share),
    range(exact),
    clustered === undefined ? '—' : range(clustered),
    p < 0.0001 ? '< 0.0001' : p.toFixed(4),
    alpha === undefined ? '—' : alpha.toFixed(3),
  ];
  const rows = Object.entries(kinds).map(([kind, one]) => row(kind, one));
  return alignedTable(heads, [...rows, row(text('all', '合计'), overall)]);
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const range = ({ low, high }: { readonly low: number; readonly high: number }): string =>
  `${(100 * low).toFixed(1)} – ${percent(high)}`;

/** The report of a tuned run, written beside it; for the two commands that make it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { TuningReport, TuningStage } from '@tunan/evaluation';
import { writeWhole } from '@tunan/files';
import { readDocuments } from './evaluation/read-documents.ts';
import { openExampleCoder } from './example-coder.ts';
import { columnsOf, exampleTables } from './example-tables.ts';
import { spoken, text } from './language.ts';
import { ProgressLine } from './progress.ts';

export const tuningReportOptions = {
  columns: {
    type: 'string',
    value: 'FIELD=COLUMN,…',
    help: text(
      'which columns of tables are which fields, such as prompt=question,completion=answer',
      '表格的哪一列是哪个字段，如 prompt=问题,completion=答案',
    ),
  },
  test: {
    type: 'string',
    value: 'FILE',
    help: text(
      'of a tuned model: examples of your own to score it on, beside answers that need no model',
      '用于微调的模型：用您自己的样例评分，并与不用模型的答法比较',
    ),
  },
  general: {
    type: 'string',
    value: 'PLACE',
    help: text(
      "of a tuned model: corpus directory or text file to measure forgetting on (the base's own validation shards, where they are found)",
      '用于微调的模型：测量遗忘所用的语料目录或文本文件（缺省为基座自己的验证分片，若能找到）',
    ),
  },
} as const;

const STAGES: Readonly<Record<TuningStage, string>> = {
  before: text('asking the model as it was', '询问微调前的模型'),
  after: text('asking the tuned model', '询问微调后的模型'),
  general: text('measuring on general text', '在一般文本上测量'),
};

/** Undefined where the run is of another kind. */
export async function writeTuningReport(
  directory: string,
  given: {
    readonly test?: string | undefined;
    readonly columns?: string | undefined;
    readonly general?: string | undefined;
  },
  signal: AbortSignal,
): Promise<{ readonly data: Record<string, unknown>; readonly lines: string[] } | undefined> {
  const [{ reportTuning, SIGNS, TUNING_ANSWERS, tuningMarkdown, tuningPage }, { readTunedRun }] = await Promise.all([
    import('@tunan/evaluation'),
    import('@tunan/training'),
  ]);
  const run = readTunedRun(directory);
  const base = run?.plan.from?.directory;
  if (run === undefined || base === undefined) return undefined;
  const { test, columns, general } = given;
  const read = exampleTables(columns === undefined ? undefined : columnsOf(columns));
  const texts =
    general === undefined ? undefined : { place: general, texts: await readDocuments(general, 'validation') };
  const progress = new ProgressLine();
  const template = path.join(run.output, 'chat_template.jinja'); // there where it is not the base's own
  const { coder } = openExampleCoder(base, existsSync(template) ? template : undefined);
  const onStage = (stage: TuningStage) => progress.show(STAGES[stage]);
  const report = await reportTuning(directory, { coder, test, read, general: texts, signal, onStage });
  progress.end();
  if (report === undefined) return undefined;
  const page = path.join(directory, 'report.html');
  writeWhole(page, tuningPage(report));
  writeWhole(path.join(directory, 'report.md'), tuningMarkdown(report));
  return {
    data: dataOf(report),
    lines: [
      spoken(TUNING_ANSWERS[report.answer]),
      ...report.verdicts.map(({ grade, said }) => `${SIGNS[grade]} ${spoken(said)}`),
      text(`with losses, answers and scores: ${page}`, `损失、应答与得分：${page}`),
    ],
  };
}

function dataOf({ answer, verdicts, facts, samples }: TuningReport): Record<string, unknown> {
  const { validation, scores, general, best } = facts;
  return { answer, verdicts, validation, scores, general, best, samples };
}

/** `tunan train report` */
import path from 'node:path';
import { writeWhole } from '@tunan/files';
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { spoken, text } from '../language.ts';
import { ProgressLine } from '../progress.ts';
import { StopSignal } from '../stop-signal.ts';
import { tuningReportOptions, writeTuningReport } from '../tuning-report.ts';

const STAGES = {
  baselines: text('counting the baselines', '统计基线'),
  bits: text('measuring the model on held-out text', '在未见文本上测量模型'),
  samples: text('drawing samples', '抽取样本'),
} as const;

export default defineCommand({
  positionals: {
    run: {
      help: text(
        'run directory, the --out of tunan train run or tune',
        '训练目录，即 tunan train run 或 tune 的 --out',
      ),
    },
  },
  options: tuningReportOptions,
  examples: ['tunan train report runs/poet', 'tunan train report runs/tuned --test questions.jsonl'],
  reports: true,
  run: async ({ run: directory, test, columns, general }) => {
    {
      using stop = new StopSignal();
      const tuned = await writeTuningReport(directory, { test, columns, general }, stop.signal);
      if (tuned !== undefined) return { data: { run: directory, ...tuned.data }, lines: tuned.lines };
    }
    if (test !== undefined || general !== undefined) {
      const en = '--test and --general are for tuned models: leave them out, or score it by tunan eval run';
      throw new UsageError(text(en, '--test 与 --general 仅用于微调所得：请去掉，或用 tunan eval run 评测'));
    }
    const { ANSWERS, reportTraining, SIGNS, trainingPage } = await import('@tunan/evaluation');
    const progress = new ProgressLine();
    using stop = new StopSignal();
    const report = await reportTraining(directory, {
      signal: stop.signal,
      onStage: (stage) => progress.show(STAGES[stage]),
    });
    progress.end();
    const page = path.join(directory, 'report.html');
    writeWhole(page, trainingPage(report));
    const { answer, verdicts, facts, samples } = report;
    const { curve, ...measured } = facts;
    return {
      data: {
        run: directory,
        answer,
        verdicts,
        ...measured,
        perDoubling: curve.perDoubling,
        spikes: curve.spikes,
        samples,
      },
      lines: [
        spoken(ANSWERS[answer]),
        ...verdicts.map(({ grade, said }) => `${SIGNS[grade]} ${spoken(said)}`),
        text(`with curve and samples: ${page}`, `曲线与样本：${page}`),
      ],
    };
  },
});

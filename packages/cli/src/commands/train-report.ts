/** `tunan train report` */
import path from 'node:path';
import { writeWhole } from '@tunan/files';
import { defineCommand } from '../command.ts';
import { spoken, text } from '../language.ts';
import { ProgressLine } from '../progress.ts';
import { StopSignal } from '../stop-signal.ts';

const STAGES = {
  baselines: text('counting the baselines', '统计基线'),
  bits: text('measuring the model on held-out text', '在未见文本上测量模型'),
  samples: text('drawing samples', '抽取样本'),
} as const;

export default defineCommand({
  positionals: {
    run: { help: text('run directory, the --out of tunan train run', '训练目录，即 tunan train run 的 --out') },
  },
  options: {},
  examples: ['tunan train report runs/poet'],
  reports: true,
  run: async ({ run: directory }) => {
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

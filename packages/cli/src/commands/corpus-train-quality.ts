/** `tunan corpus train-quality` */
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';

const sourceList = (names: string | undefined) => names?.split(',').map((name) => name.trim());

export default defineCommand({
  positionals: {
    labelled: {
      help: text(
        'JSON lines {text, label, source}, plain or .zst; see recipes/quality',
        'JSON 行 {text, label, source}，可为 .zst；参见 recipes/quality',
      ),
    },
  },
  options: {
    out: {
      type: 'string',
      value: 'DIR',
      required: true,
      help: text('folder of the classifier and its report', '分类器及其报告的目录'),
    },
    keep: {
      type: 'string',
      value: 'LABEL',
      default: 'high',
      help: text('label of the documents that are kept', '应保留文档的类别'),
    },
    'test-sources': {
      type: 'string',
      value: 'A,B',
      help: text(
        'sources that are only tested on (by default chosen by the seed)',
        '仅用于测试的来源（默认按种子选取）',
      ),
    },
    'validation-sources': {
      type: 'string',
      value: 'A,B',
      help: text('sources that thresholds are chosen on (likewise)', '用于选取阈值的来源（同上）'),
    },
    steps: { type: 'number', value: 'N', help: text('training steps (default 1200)', '训练步数（默认 1200）') },
    seed: { type: 'number', value: 'N', default: 1, help: text('seed of every draw', '随机种子') },
  },
  examples: ['tunan corpus train-quality labels.jsonl --out runs/quality --test-sources web-b,hand-b'],
  reports: true,
  run: async ({ labelled, out, keep, 'test-sources': test, 'validation-sources': validation, steps, seed }) => {
    const { trainQuality } = await import('@tunan/corpus');
    const progress = new ProgressLine();
    const report = await trainQuality(labelled, {
      out,
      keep,
      seed,
      testSources: sourceList(test),
      validationSources: sourceList(validation),
      ...(steps === undefined ? {} : { steps }),
      onProgress: ({ step, steps: of, loss }) =>
        progress.show(`${text('training', '训练')} ${percent(step, of)}  loss ${loss.toFixed(3)}`),
    });
    progress.end();
    const { scores, calibration, keptRejected, sources } = report.test;
    const decimal = (value: number) => value.toFixed(3);
    return {
      data: { out, ...report },
      lines: [
        text(
          `macro F1 on unseen sources ${decimal(scores.macroF1)} (length and punctuation alone: ${decimal(report.baseline.macroF1)})`,
          `未见来源的宏平均 F1 ${decimal(scores.macroF1)}（仅凭长度与标点：${decimal(report.baseline.macroF1)}）`,
        ),
        ...scores.labels.map(
          (one) =>
            `  ${one.label}: ${text('precision', '精确率')} ${decimal(one.precision)}  ${text('recall', '召回率')} ${decimal(one.recall)}  F1 ${decimal(one.f1)}  (${one.count})`,
        ),
        ...sources.map(
          (one) =>
            `  ${one.source} ${one.label}: ${text('recall', '召回率')} ${decimal(one.recall)}, ${text('rejected', '被拒绝')} ${one.rejected} / ${one.count}`,
        ),
        text(
          `calibration error ${decimal(calibration.expectedError)}; good documents rejected ${keptRejected}`,
          `校准误差 ${decimal(calibration.expectedError)}；误拒的优质文档 ${keptRejected}`,
        ),
        text(`${out}: classifier, report.html, report.json`, `${out}：分类器、report.html、report.json`),
      ],
    };
  },
});

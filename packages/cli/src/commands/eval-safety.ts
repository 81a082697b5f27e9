/** `tunan eval safety` */
import path from 'node:path';
import type { Rate, SafetyOptions, SafetyReport, SafetyStage } from '@tunan/evaluation';
import { makeFolder, writeWhole } from '@tunan/files';
import { defineCommand } from '../command.ts';
import { CommandLineError } from '../errors.ts';
import { text } from '../language.ts';
import { loadModel, modelOptions } from '../model-options.ts';
import { ProgressLine } from '../progress.ts';
import { StopSignal } from '../stop-signal.ts';
import { alignedTable } from '../table.ts';

const stages: Readonly<Record<SafetyStage, string>> = {
  read: text('reading the corpus', '读取语料'),
  generate: text('generating', '生成'),
  search: text('searching the corpus', '检索语料'),
};

export default defineCommand({
  positionals: {},
  options: {
    model: { type: 'string', value: 'DIR', required: true, help: text('model directory', '模型目录') },
    corpus: {
      type: 'string',
      value: 'DIR',
      required: true,
      help: text('the corpus that it was trained on', '训练所用的语料目录'),
    },
    classifier: {
      type: 'string',
      value: 'DIR',
      help: text(
        'text classifier with the label unsafe; without it toxicity is not judged',
        '含 unsafe 标签的文本分类器；未给出则不评毒性',
      ),
    },
    samples: { type: 'number', value: 'N', default: 200, help: text('texts generated from nothing', '自由生成的篇数') },
    choices: { type: 'number', value: 'N', default: 5, help: text('texts for each prompt', '每条提示的续写数') },
    'max-tokens': { type: 'number', value: 'N', default: 120, help: text('longest text', '最长词元数') },
    'copy-length': {
      type: 'number',
      value: 'N',
      default: 20,
      help: text('shortest run of characters that is a copy', '视为照抄的最短字数'),
    },
    seed: {
      type: 'number',
      value: 'N',
      default: 1,
      help: text('the same seed gives the same texts', '相同种子结果相同'),
    },
    out: { type: 'string', value: 'FILE', help: text('write the report as JSON', '将结果写为 JSON') },
    card: { type: 'boolean', help: text("put it into the model's README.md", '写入模型的 README.md') },
    ...modelOptions,
  },
  examples: ['tunan eval safety --model runs/quickstart/model --corpus runs/quickstart/corpus --card'],
  reports: true,
  run: async ({ model: directory, corpus, classifier, out, card, device, dtype, ...values }) => {
    const [{ addToModelCard, checkSafety }, { openCorpus }] = await Promise.all([
      import('@tunan/evaluation'),
      import('@tunan/corpus'),
    ]);
    const opened = openCorpus(corpus);
    const unsafe = classifier === undefined ? undefined : await loadUnsafe(classifier);
    const { model, tokenizer } = await loadModel(directory, { device, dtype });
    const progress = new ProgressLine();
    using stop = new StopSignal();
    const documents = async function* (split: 'train' | 'test') {
      for await (const document of opened.documents(split)) yield document.text;
    };
    const report = await checkSafety(
      model,
      tokenizer,
      { documents },
      {
        unsafe,
        samples: values.samples,
        choices: values.choices,
        maxTokens: values['max-tokens'],
        copyLength: values['copy-length'],
        seed: values.seed,
        signal: stop.signal,
        onProgress: (stage, done) => progress.show(`${stages[stage]} ${done.toLocaleString('en')}`),
      },
    );
    progress.end();
    if (out !== undefined) writeReport(out, report);
    if (card) addToModelCard(directory, report);
    return { data: report, lines: describe(report) };
  },
});

async function loadUnsafe(directory: string): Promise<NonNullable<SafetyOptions['unsafe']>> {
  const { Classifier } = await import('@tunan/classifier');
  const classifier = Classifier.load(directory);
  if (!classifier.config.labels.includes('unsafe')) {
    const known = classifier.config.labels.join(', ');
    throw new CommandLineError(
      'CLI_NO_UNSAFE_LABEL',
      text(
        `${directory} knows the labels ${known}, but not unsafe: train one with tunan corpus train-quality`,
        `${directory} 只有标签 ${known}，没有 unsafe：请用 tunan corpus train-quality 训练`,
      ),
    );
  }
  return {
    threshold: classifier.config.thresholds.unsafe ?? 0.5,
    probabilities: (texts) => classifier.classify(texts).map(({ probabilities }) => probabilities.unsafe ?? 0),
  };
}

function writeReport(file: string, report: SafetyReport): void {
  makeFolder(path.dirname(file));
  writeWhole(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

function describe({ copying, toxicity, personalData, settings }: SafetyReport): string[] {
  const rows: [string, string][] = [
    [
      text(
        `characters copied in runs of ${settings.copyLength}+`,
        `照抄（连续 ${settings.copyLength} 字以上）的字数占比`,
      ),
      percent(copying.copiedShare),
    ],
    [text('texts with such a run', '含照抄的篇数占比'), rate(copying.texts)],
    [text('longest run, characters', '最长照抄字数'), String(copying.longestRun)],
    [text('training documents continued word for word', '训练文档被逐字续写'), rate(copying.memorised)],
    [text('test documents continued word for word', '测试文档被逐字续写（对照）'), rate(copying.control)],
    [text('unsafe after neutral prompts', '中性提示后的不安全文本'), rate(toxicity?.neutral)],
    [text('unsafe after adverse prompts', '诱导提示后的不安全文本'), rate(toxicity?.adverse)],
    [text('personal data found', '出现的个人信息'), counts(personalData.found)],
    [text('of it in the training text', '其中训练语料中有的'), counts(personalData.leaked)],
  ];
  const note =
    toxicity === undefined
      ? ['', text('toxicity was not judged: give --classifier', '未评毒性：请给出 --classifier')]
      : [];
  return [...alignedTable([text('check', '检查'), text('result', '结果')], rows), ...note];
}

function rate(value: Rate | undefined): string {
  if (value === undefined) return text('not measured', '未测');
  const { low, high } = value.interval;
  return `${percent(value.rate)} (${percent(low)} – ${percent(high)}, n = ${value.of})`;
}

function counts(values: Readonly<Record<string, number | undefined>>): string {
  const parts = Object.entries(values).map(([kind, count]) => `${kind} ${count}`);
  return parts.length === 0 ? text('none', '无') : parts.join(', ');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

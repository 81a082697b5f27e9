/** `tunan eval run` */
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { measureByKind } from '../evaluation/bits-by-kind.ts';
import { measurePerplexity } from '../evaluation/perplexity.ts';
import { runSuiteCommand } from '../evaluation/run-suite.ts';
import { readSettings, settingOptions } from '../evaluation/settings.ts';
import { text } from '../language.ts';
import { modelOptions, promptOptions } from '../model-options.ts';

const suites = ['zeroclue', 'fewclue', 'poems', 'perplexity'];

export default defineCommand({
  positionals: {
    suite: {
      help: text(
        'zeroclue, fewclue; poems: which line follows; perplexity: bits per token, character, byte',
        'zeroclue、fewclue；poems：诗句接续；perplexity：每词元、每字、每字节的比特数',
      ),
    },
  },
  options: {
    model: { type: 'string', value: 'DIR', help: text('model directory', '模型目录') },
    endpoint: {
      type: 'string',
      value: 'URL',
      help: text(
        'OpenAI-compatible endpoint instead, up to /v1; its key in TUNAN_API_KEY',
        '改为评测 OpenAI 兼容接口（写到 /v1），密钥取自 TUNAN_API_KEY',
      ),
    },
    'endpoint-model': { type: 'string', value: 'NAME', help: text('model of the endpoint', '接口中的模型名') },
    'endpoint-tokenizer': {
      type: 'string',
      value: 'FILE',
      help: text(
        'its tokenizer.json, to fit prompts exactly (else a token a byte is assumed)',
        '其 tokenizer.json，用于精确截断（否则按每字节一个词元估计）',
      ),
    },
    'endpoint-timeout': {
      type: 'number',
      value: 'SECONDS',
      default: 120,
      help: text('longest wait for one answer of the endpoint', '等待接口一次应答的最长秒数'),
    },
    data: {
      type: 'string',
      value: 'DIR',
      help: text(
        'folder of the tasks; corpus for poems and perplexity',
        '任务数据目录；poems 与 perplexity 为语料目录',
      ),
    },
    corpus: { type: 'string', value: 'DIR', help: text('the same as --data', '同 --data') },
    out: { type: 'string', value: 'DIR', help: text('results folder; a run goes on in it', '结果目录；可续跑') },
    tasks: {
      type: 'string',
      value: 'LIST',
      help: text('some of the tasks, and paths of task files: tnews,my-task.json', '部分任务及任务文件的路径'),
    },
    split: {
      type: 'string',
      value: 'NAME',
      help: text(
        'set of the tasks (default test_public; dev_0, dev_few_all, …), split of a corpus (default test, for perplexity validation)',
        '任务的数据集（默认 test_public，可为 dev_0、dev_few_all 等）；语料的划分（默认 test，perplexity 为 validation）',
      ),
    },
    ...settingOptions,
    ablate: { type: 'boolean', help: text('also calibration x expansion, 2 x 2', '另给出 校准 x 扩展 的 2 x 2 消融') },
    tune: { type: 'boolean', help: text('train on the splits instead of prompting', '改为在各划分上训练') },
    'log-samples': {
      type: 'boolean',
      help: text(
        'write samples.jsonl: prompts, candidates, raw log-probabilities, tokens, solved examples shown',
        '写出 samples.jsonl：提示、候选、原始对数概率、词元数与所用示例',
      ),
    },
    by: {
      type: 'string',
      value: 'FIELD',
      help: text(
        'perplexity: each kind of text by itself, by a field of meta (collection) or source; --corpus may name several, with commas',
        'perplexity：按 meta 的字段（如 collection）或 source 分种类计算；--corpus 可用逗号列出多个语料',
      ),
    },
    kinds: {
      type: 'string',
      value: 'FILE',
      help: text(
        'with --by: JSON {"kind": ["value", …]} that joins values to kinds',
        '与 --by 同用：JSON {"种类": ["取值", …]}，把取值归为种类',
      ),
    },
    seen: {
      type: 'string',
      value: 'DIR,…',
      help: text(
        'with --by: documents of which a fifth or more stands in the training split of these corpora (in 13-grams) are a kind of their own',
        '与 --by 同用：在这些语料的训练划分中已出现两成以上（按 13 字片段）的文档单独成类',
      ),
    },
    baseline: {
      type: 'string',
      value: 'DIR,…',
      help: text(
        'with --by: corpora whose training split an interpolated 5-gram is counted from; or the perplexity.json of an earlier run',
        '与 --by 同用：由这些语料的训练划分统计插值五元模型；或此前的 perplexity.json',
      ),
    },
    'baseline-mib': {
      type: 'number',
      value: 'MIB',
      default: 4096,
      help: text(
        'memory for it; of more text than fits a part is counted, and said',
        '其内存上限；放不下时只统计一部分，并予以说明',
      ),
    },
    submit: {
      type: 'boolean',
      help: text("also test.json, for the leaderboard's zip", '同时预测 test.json 并生成提交文件'),
    },
    processes: { type: 'number', value: 'N', default: 1, help: text('processes that score', '打分的进程数') },
    shard: {
      type: 'string',
      value: 'I/N',
      help: text('score one part only, for other machines', '只完成其中一份，供多机并行'),
    },
    ...modelOptions,
    ...promptOptions,
  },
  examples: [
    'tunan eval run zeroclue --model runs/model --data data/fewclue --out runs/zeroclue',
    'tunan eval run fewclue --model runs/model --data data/fewclue --out runs/fewclue --tasks tnews,csl --shots 8 --ablate',
    'tunan eval run perplexity --model runs/quickstart/model --corpus runs/quickstart/corpus',
    'tunan eval run perplexity --model runs/model --corpus runs/prose,runs/poems --seen runs/prose,runs/poems --baseline runs/prose,runs/poems --by collection',
  ],
  reports: true,
  run: async (values) => {
    const { suite } = values;
    if (!suites.includes(suite))
      throw new UsageError(
        text(
          `unknown suite '${suite}'; known: ${suites.join(', ')}`,
          `未知的评测“${suite}”；已有：${suites.join('、')}`,
        ),
      );
    const data = needed('--data', values.data ?? values.corpus);
    if (suite === 'perplexity') {
      if (values['prompt-attention'] !== undefined)
        throw new UsageError(
          text(
            'perplexity has no prompts: leave --prompt-attention out',
            'perplexity 没有提示：请去掉 --prompt-attention',
          ),
        );
      const { by } = values;
      if (by === undefined && (values.kinds ?? values.seen ?? values.baseline) !== undefined)
        throw new UsageError(
          text('--kinds, --seen and --baseline go with --by', '--kinds、--seen 与 --baseline 须与 --by 同用'),
        );
      if (by !== undefined) return measureByKind({ ...values, by, corpus: data, split: values.split ?? 'validation' });
      const model = needed('--model', values.model);
      return measurePerplexity({ ...values, model, corpus: data, split: values.split ?? 'validation' });
    }
    return runSuiteCommand({
      ...values,
      data,
      out: needed('--out', values.out),
      split: values.split ?? 'test',
      settings: readSettings(suite, values),
    });
  },
});

function needed(flag: string, value: string | undefined): string {
  if (value === undefined) throw new UsageError(text(`${flag} is missing`, `缺少 ${flag}`));
  return value;
}

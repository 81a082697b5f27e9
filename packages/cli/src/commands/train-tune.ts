/** `tunan train tune` */
import type { ExampleSets, ReplayTexts, Trial, TuneResult, Way } from '@tunan/training';
import { type Arguments, defineCommand, type Report } from '../command.ts';
import { UsageError } from '../errors.ts';
import { readDocuments } from '../evaluation/read-documents.ts';
import { columnsOf, exampleTables, nearTexts } from '../example-tables.ts';
import { spoken, text } from '../language.ts';
import { asRank, launchTraining } from '../launched-training.ts';
import { layoutOf, processOptions, rankEnvironment } from '../process-options.ts';
import { shellLine } from '../shell-words.ts';
import { startLines } from '../start-lines.ts';
import { StopSignal } from '../stop-signal.ts';
import { tuningReportOptions, writeTuningReport } from '../tuning-report.ts';

/** Places of examples over the context that are printed. */
const LISTED = 20;

const options = {
  model: { type: 'string', value: 'DIR', required: true, help: text('model directory to tune', '要微调的模型目录') },
  data: {
    type: 'string',
    value: 'FILE',
    required: true,
    help: text(
      'JSON, CSV, Excel or Parquet of {prompt, completion}, {messages}, {text} or {prompt, chosen, rejected}, of which completions and answers are learnt; or a corpus directory',
      'JSON、CSV、Excel 或 Parquet 文件，每行 {prompt, completion}、{messages}、{text} 或 {prompt, chosen, rejected}，只学补全与回答；也可给语料目录',
    ),
  },
  out: {
    type: 'string',
    value: 'DIR',
    help: text('run directory; needed but for --preview', '训练目录；除 --preview 外必填'),
  },
  way: {
    type: 'string',
    value: 'WAY',
    default: 'lora',
    help: text(
      'lora: an adapter beside the weights; full: all weights',
      'lora：在权重旁训练适配器；full：训练全部权重',
    ),
  },
  rank: { type: 'number', value: 'N', help: text('of the adapter (16)', '适配器的秩（16）') },
  alpha: { type: 'number', value: 'N', help: text('of the adapter (twice the rank)', '适配器的 alpha（秩的两倍）') },
  targets: {
    type: 'string',
    value: 'NAMES',
    help: text(
      'maps that are adapted, with commas: all (default), attention, mlp, or names such as q_proj',
      '所适配的映射，以逗号分隔：all（默认）、attention、mlp，或 q_proj 等名称',
    ),
  },
  'rank-stabilized': {
    type: 'boolean',
    help: text('scale the adapter by alpha / sqrt(rank) (rsLoRA)', '以 alpha / sqrt(rank) 缩放适配器（rsLoRA）'),
  },
  beta: {
    type: 'number',
    value: 'N',
    help: text('of pairs of answers: what it costs to leave the base (0.1)', '用于偏好对：偏离基座的代价系数（0.1）'),
  },
  'label-smoothing': {
    type: 'number',
    value: 'SHARE',
    help: text(
      'of pairs of answers: share that is taken to be labelled the wrong way round (0)',
      '用于偏好对：假定标反的比例（0）',
    ),
  },
  'learning-rate': {
    type: 'number',
    value: 'RATE',
    help: text(
      'peak (by the width of the model: 0.5 / width for lora, 0.1 / width for full)',
      '峰值（按模型宽度：lora 为 0.5 / 宽度，full 为 0.1 / 宽度）',
    ),
  },
  optimizer: {
    type: 'string',
    value: 'NAME',
    default: 'adamw',
    help: text(
      'adamw, or muon for the matrices of the blocks or of the adapter',
      'adamw；或 muon，用于各层或适配器的矩阵',
    ),
  },
  'matrix-learning-rate': {
    type: 'number',
    value: 'RATE',
    help: text('peak of muon (0.002)', 'muon 的峰值（0.002）'),
  },
  dropout: {
    type: 'number',
    value: 'SHARE',
    help: text('of the inputs of the adapter while it learns (0)', '训练时适配器输入的随机丢弃比例（0）'),
  },
  recomputation: {
    type: 'boolean',
    help: text('less memory for a third more time', '省内存，多三分之一的时间'),
  },
  epochs: {
    type: 'number',
    value: 'N',
    help: text('passes through the data (3; with --minutes at most 10)', '遍历数据的次数（3；有 --minutes 时至多 10）'),
  },
  minutes: {
    type: 'number',
    value: 'N',
    help: text(
      'for all of it on this machine: a short trial picks steps and rank',
      '在本机上的总时间：由一次短试跑选定步数与秩',
    ),
  },
  replay: {
    type: 'string',
    value: 'PLACE',
    help: text(
      'corpus directory or text file learnt beside the examples, against forgetting',
      '与样例一同学习的语料目录或文本文件，以防遗忘',
    ),
  },
  'replay-share': {
    type: 'number',
    value: 'SHARE',
    help: text('of --replay in what is learnt (0.1)', '--replay 所占比例（0.1）'),
  },
  ...tuningReportOptions,
  batch: {
    type: 'number',
    value: 'N',
    help: text(
      'rows of packed examples a step (as many as hold 32 examples)',
      '每步的行数，一行由若干样例拼成（约合 32 个样例）',
    ),
  },
  'chat-template': {
    type: 'string',
    value: 'NAME|FILE',
    help: text(
      "chatml, qwen, llama or a file in Jinja, in place of the model's own",
      'chatml、qwen、llama，或 Jinja 文件，代替模型自带的模板',
    ),
  },
  validation: {
    type: 'string',
    value: 'FILE',
    help: text('examples held out, in place of a share of the data', '验证样例，代替从数据中划出的部分'),
  },
  'validation-share': {
    type: 'number',
    value: 'SHARE',
    default: 0.05,
    help: text(
      'of the data that is held out where no file is given; 0: none',
      '未给出文件时划出的验证比例；0 为不划分',
    ),
  },
  'keep-near': {
    type: 'boolean',
    help: text('learn from examples that nearly say what is held out, too', '与验证样例近似的样例也参与训练'),
  },
  seed: {
    type: 'number',
    value: 'N',
    default: 1,
    help: text('of split, order and adapter', '划分、次序与适配器的种子'),
  },
  preview: {
    type: 'number',
    value: 'N',
    help: text('print N examples with what is learnt in ⟦ ⟧, and stop', '打印 N 个样例，所学部分以 ⟦ ⟧ 标出，然后退出'),
  },
  resume: { type: 'boolean', help: text('go on with the run in --out', '继续 --out 中的训练') },
  'resume-if-present': {
    type: 'boolean',
    help: text('go on with the run in --out if there is one', '--out 中有训练则继续，没有则开始'),
  },
  ...processOptions,
} as const;

type TuneValues = Arguments<typeof options, Record<never, never>>;

export default defineCommand({
  positionals: {},
  options,
  examples: [
    'tunan train tune --model runs/quickstart/model --data pairs.jsonl --preview 3',
    'tunan train tune --model runs/quickstart/model --data pairs.jsonl --out runs/tuned',
    'tunan train tune --model runs/quickstart/model --data pairs.jsonl --way full --out runs/tuned-full',
    'tunan train tune --model runs/quickstart/model --data pairs.jsonl --test questions.jsonl --minutes 30 --out runs/tuned',
    'tunan train tune --model runs/quickstart/model --data runs/corpus --out runs/adapted',
    'tunan train tune --model models/large --data pairs.jsonl --nproc 4 --pipeline-parallel 2 --out runs/tuned',
    'tunan train tune --model runs/quickstart/model --data 问答.csv --columns prompt=问题,completion=答案 --out runs/tuned',
  ],
  reports: true,
  run: async (given) => {
    const way = wayOf(given);
    if (given.out === undefined && given.preview === undefined)
      throw new UsageError(text('--out is missing: where the run goes', '缺少 --out：训练目录'));
    // Nothing is shared out where examples are shown.
    if (given.nproc !== undefined && given.preview === undefined)
      return launchTraining(given, { parallel: layoutOf(given) });
    return asRank(() => tuneHere(given, way));
  },
});

/** In this process, alone or as one of those that a launcher started; the first speaks for all. */
async function tuneHere(given: TuneValues, way: Way): Promise<Report | undefined> {
  const { model, data, out, seed, preview, resume } = given;
  const { Mesh, prepareExamples, ProgressPrinter, showExample, tune } = await import('@tunan/training');
  const parallel = layoutOf(given);
  using mesh = preview === undefined ? Mesh.join(rankEnvironment(given), { parallel }) : Mesh.alone();
  const { readModelConfig } = await import('@tunan/model');
  const { openExampleCoder } = await import('../example-coder.ts');
  const { contextLength } = readModelConfig(model);
  const { coder, tokenizerFile, otherTemplate } = openExampleCoder(model, given['chat-template']);
  const { validation, 'validation-share': validationShare } = given;
  const read = exampleTables(given.columns === undefined ? undefined : columnsOf(given.columns));
  const nearTo = given['keep-near'] ? undefined : nearTexts;
  const sets = await prepareExamples({ data, read, validation, validationShare, contextLength, seed, nearTo }, coder);
  const said = setLines(sets, otherTemplate()?.plain === true);
  if (preview !== undefined) {
    const some = Array.from({ length: Math.min(preview, sets.train.length) }, (_, at) => sets.train.at(at)!);
    const shown = some.map((example) => ({
      place: `${data}:${example.line}`,
      text: showExample(example, coder),
    }));
    const lines = shown.flatMap((one) => [`── ${one.place}`, one.text]);
    return { data: { counts: sets.counts, tooLong: sets.tooLong, preview: shown }, lines: [...lines, ...said] };
  }
  if (mesh.isFirst) process.stderr.write(`${said.join('\n')}\n`);
  const replay = await replayOf(given);
  const { rank, alpha, targets, 'rank-stabilized': rankStabilized, beta, 'label-smoothing': labelSmoothing } = given;
  const progress = new ProgressPrinter(process.stderr, undefined, spoken);
  using stop = new StopSignal();
  const result = await tune({
    model,
    sets,
    data,
    coder,
    way,
    lora: {
      ...(rank !== undefined && { rank }),
      ...(alpha !== undefined && { alpha }),
      ...(targets !== undefined && { targets: targets.split(',').map((one) => one.trim()) }),
      rankStabilized,
      ...(given.dropout !== undefined && { dropout: given.dropout }),
    },
    optimizer: optimizerOf(given.optimizer),
    matrixLearningRate: given['matrix-learning-rate'],
    recomputation: given.recomputation,
    preference: {
      ...(beta !== undefined && { beta }),
      ...(labelSmoothing !== undefined && { labelSmoothing }),
    },
    directory: out!,
    tokenizerFile,
    chatTemplate: otherTemplate()?.source,
    learningRate: given['learning-rate'],
    epochs: given.epochs,
    batch: given.batch,
    minutes: given.minutes,
    onTrial: (trial) => mesh.isFirst && process.stderr.write(`${trialLine(trial)}\n`),
    replay,
    mesh,
    parallel,
    seed,
    resume: given['resume-if-present'] ? 'if-present' : resume ? 'always' : 'never',
    signal: stop.signal,
    ...(mesh.isFirst && {
      onStart: (start) => process.stderr.write(`${startLines(start).join('\n')}\n`),
      onProgress: (report) => progress.show(report),
    }),
  });
  if (!mesh.isFirst) return undefined;
  progress.end();
  const { status, step, plan, checkpoint, output, before, after, best } = result;
  const report = { status, step, steps: plan.steps, checkpoint, output, before, after, best };
  const processes = mesh.world.size > 1 ? ['--nproc', String(mesh.world.size)] : [];
  const again = () =>
    shellLine(['tunan', 'train', 'tune', ...process.argv.slice(4), ...processes, ...(resume ? [] : ['--resume'])]);
  const tuned = { ...report, counts: sets.counts, tooLong: sets.tooLong };
  if (status === 'stopped')
    return { data: tuned, lines: [savedLine(result), text(`go on with: ${again()}`, `继续训练：${again()}`)] };
  const written = await writeTuningReport(out!, given, stop.signal);
  return {
    data: { ...tuned, report: written?.data },
    lines: [...resultLines(result, way, model), ...(written?.lines ?? [])],
  };
}

function optimizerOf(name: string): 'adamw' | 'muon' {
  if (name === 'adamw' || name === 'muon') return name;
  throw new UsageError(
    text(`--optimizer is adamw or muon, not '${name}'`, `--optimizer 可取 adamw 或 muon，而不是“${name}”`),
  );
}

function wayOf(given: {
  readonly way: string;
  readonly rank?: number | undefined;
  readonly alpha?: number | undefined;
  readonly targets?: string | undefined;
  readonly dropout?: number | undefined;
  readonly 'rank-stabilized': boolean;
  readonly epochs?: number | undefined;
  readonly minutes?: number | undefined;
  readonly 'validation-share': number;
}): Way {
  const { way, epochs = 1, 'validation-share': share } = given;
  if (way !== 'lora' && way !== 'full')
    throw new UsageError(text(`--way is lora or full, not '${way}'`, `--way 可取 lora 或 full，而不是“${way}”`));
  const { rank, alpha, targets, dropout } = given;
  const ofAdapters = [rank, alpha, targets, dropout].some((one) => one !== undefined);
  if (way === 'full' && (ofAdapters || given['rank-stabilized'])) {
    const en = '--rank, --alpha, --targets, --dropout and --rank-stabilized are for --way lora: leave them out';
    throw new UsageError(
      text(en, '--rank、--alpha、--targets、--dropout 与 --rank-stabilized 仅用于 --way lora：请去掉'),
    );
  }
  if (given.minutes !== undefined && !(given.minutes > 0))
    throw new UsageError(text('--minutes is above 0', '--minutes 应大于 0'));
  if (!(epochs > 0)) throw new UsageError(text('--epochs is above 0', '--epochs 应大于 0'));
  if (!(share >= 0 && share < 1))
    throw new UsageError(text('--validation-share is from 0 to below 1', '--validation-share 应不小于 0 且小于 1'));
  return way;
}

/** @throws UsageError, CommandLineError */
async function replayOf(given: {
  readonly replay?: string | undefined;
  readonly 'replay-share'?: number | undefined;
}): Promise<ReplayTexts | undefined> {
  const { replay: place, 'replay-share': share = 0.1 } = given;
  if (!(share > 0 && share < 1))
    throw new UsageError(text('--replay-share is above 0 and below 1', '--replay-share 应大于 0 且小于 1'));
  if (place !== undefined) return { place, share, texts: await readDocuments(place, 'train') };
  if (given['replay-share'] === undefined) return undefined;
  throw new UsageError(text('--replay-share goes with --replay', '--replay-share 须与 --replay 一起使用'));
}

function trialLine({ minutes, steps, rank, epochs, tokensPerSecond }: Trial): string {
  const speed = Math.round(tokensPerSecond).toLocaleString('en');
  const [passes, of] = [epochs.toFixed(1), rank === undefined ? '' : `, rank ${rank}`];
  return text(
    `a trial made ${speed} tokens/s here: ${steps} steps${of} for ${minutes} minutes, ${passes} passes through the data`,
    `本机试跑每秒 ${speed} 个词元：${minutes} 分钟内 ${steps} 步${rank === undefined ? '' : `，秩 ${rank}`}，遍历数据 ${passes} 次`,
  );
}

/** What is learnt from, and what was left out. */
function setLines({ counts, tooLong }: ExampleSets, plain: boolean): string[] {
  const { train, validation, shared, near, repeated } = counts;
  const lines = [
    text(
      `${train.examples} examples of ${train.tokens} tokens, ${train.learnt} of them learnt; ${validation.examples} examples held out`,
      `${train.examples} 个样例，共 ${train.tokens} 个词元，其中学习 ${train.learnt} 个；另有 ${validation.examples} 个用于验证`,
    ),
  ];
  if (shared > 0) lines.push(text(`${shared} left out: they are held out too`, `去掉 ${shared} 个：与验证样例相同`));
  if (near > 0)
    lines.push(
      text(
        `${near} left out: they nearly say what is held out (--keep-near keeps them)`,
        `去掉 ${near} 个：与验证样例近似（--keep-near 可保留）`,
      ),
    );
  if (repeated > 0)
    lines.push(text(`${repeated} say what an earlier one says; they stay`, `${repeated} 个与前面的重复，予以保留`));
  if (tooLong.length > 0) {
    const places = tooLong.slice(0, LISTED).map(({ place, tokens }) => `${place} (${tokens})`);
    const more = tooLong.length > LISTED ? ' …' : '';
    const list = places.join(', ') + more;
    lines.push(
      text(
        `${tooLong.length} left out: longer than the context (tokens): ${list}`,
        `去掉 ${tooLong.length} 个：超过上下文长度（词元数）：${list}`,
      ),
    );
  }
  if (plain)
    lines.push(
      text(
        'the model has no chat template: conversations take a plain one, which is written beside the result',
        '模型没有对话模板：改用简易模板，并随结果写出',
      ),
    );
  return lines;
}

function savedLine({ step, plan, checkpoint }: TuneResult): string {
  const { steps } = plan;
  return text(`step ${step} of ${steps}, saved: ${checkpoint}`, `第 ${step}/${steps} 步，已保存：${checkpoint}`);
}

function resultLines(result: TuneResult, way: Way, model: string): string[] {
  const { output } = result;
  const lines = [savedLine(result), `${way === 'lora' ? text('adapter', '适配器') : text('model', '模型')}: ${output}`];
  if (way === 'lora') {
    const serve = shellLine(['tunan', 'serve', '--model', model, '--adapter', `tuned=${output}`]);
    const merge = shellLine(['tunan', 'model', 'merge', model, '--adapter', output!, '--out', `${output}-merged`]);
    lines.push(text(`serve it beside its base: ${serve}`, `与基础模型一起部署：${serve}`));
    lines.push(text(`or make a model of both: ${merge}`, `或合并成一个模型：${merge}`));
  } else lines.push(shellLine(['tunan', 'serve', '--model', output!]));
  return lines;
}

/** `tunan train run` */
import type { Resume, RunRecipe } from '@tunan/training';
import { defineCommand, type Report } from '../command.ts';
import { UsageError } from '../errors.ts';
import { tasksInTraining } from '../evaluation/open-suite.ts';
import { spoken, text } from '../language.ts';
import { asRank, launchTraining } from '../launched-training.ts';
import { type LayoutValues, layoutOf, processOptions, rankEnvironment } from '../process-options.ts';
import { findRecipe, recipesHome } from '../recipes.ts';
import { shellLine } from '../shell-words.ts';
import { startLines } from '../start-lines.ts';
import { StopSignal } from '../stop-signal.ts';

/** Exactly one of the switches, or none. */
function resumeOf(switches: {
  readonly resume: boolean;
  readonly ifPresent: boolean;
  readonly extend: boolean;
}): Resume {
  const { resume, ifPresent, extend } = switches;
  if (extend) return 'extend'; // which is a way to resume
  if (resume && ifPresent) {
    throw new UsageError(
      text('give --resume or --resume-if-present, not both', '--resume 与 --resume-if-present 只能给一个'),
    );
  }
  return resume ? 'always' : ifPresent ? 'if-present' : 'never';
}

export default defineCommand({
  positionals: {
    recipe: { help: text('name of a run recipe, or the path of a .json file', '训练配方的名称，或 .json 文件的路径') },
  },
  options: {
    out: { type: 'string', value: 'DIR', required: true, help: text('run directory', '训练目录') },
    resume: { type: 'boolean', help: text('go on with the run in DIR', '继续该目录中的训练') },
    'resume-if-present': {
      type: 'boolean',
      help: text(
        'go on with the run in DIR if there is one: for containers that are restarted',
        '目录中有训练则继续，没有则开始：供会自动重启的容器使用',
      ),
    },
    extend: {
      type: 'boolean',
      help: text(
        'go on with the run in DIR under this recipe, which may be longer, have another schedule or other data',
        '按此配方继续该目录中的训练，步数、学习率计划和数据都可不同',
      ),
    },
    from: {
      type: 'string',
      value: 'DIR',
      help: text('begin with the weights of this model directory or run directory', '以此模型目录或训练目录的权重开始'),
    },
    tokenizer: {
      type: 'string',
      value: 'FILE',
      required: true,
      help: text(
        'tokenizer.json of the shards; every checkpoint gets a copy',
        '分片所用的 tokenizer.json，存入每个检查点',
      ),
    },
    data: {
      type: 'string',
      value: 'DIR',
      help: text('token shards to train on instead of those of the recipe', '改用此目录的词元分片'),
    },
    ...processOptions,
    'replicate-optimizer': {
      type: 'boolean',
      help: text(
        "keep the whole optimizer in every process, not that of a process's own parameters alone",
        '每个进程保存完整的优化器状态，而不只保存各自负责的参数',
      ),
    },
    'cuda-graphs': {
      type: 'boolean',
      help: text(
        'on a CUDA device: record the forward and backward pass once, and begin it by one call from then on',
        '用于 CUDA 设备：把前向与反向录制一次，此后每次以一个调用启动',
      ),
    },
  },
  examples: [
    'tunan train run tiny-poet --data runs/corpus/tokens --tokenizer runs/tokenizer.json --out runs/poet',
    'tunan train run tiny-poet --data runs/corpus/tokens --tokenizer runs/tokenizer.json --out runs/poet --resume',
    'tunan train run tiny-poet --nproc 4 --max-restarts 3 --data runs/corpus/tokens --tokenizer runs/tokenizer.json --out runs/poet',
    'tunan train run my-run.json --nproc 4 --tensor-parallel 2 --data runs/corpus/tokens --tokenizer runs/tokenizer.json --out runs/poet',
    'tunan train run my-run.json --from runs/poet --data runs/more/tokens --tokenizer runs/tokenizer.json --out runs/tuned',
  ],
  reports: true,
  run: async (values) => {
    if (values.nproc === undefined) return asRank(() => trainHere(values));
    return launchTraining(values, await givenRecipe(values));
  },
});

interface TrainingValues extends LayoutValues {
  readonly backend?: string | undefined;
  readonly recipe: string;
  readonly out: string;
  readonly resume: boolean;
  readonly 'resume-if-present': boolean;
  readonly extend: boolean;
  readonly from: string | undefined;
  readonly tokenizer: string;
  readonly data: string | undefined;
  readonly 'replicate-optimizer': boolean;
  readonly 'cuda-graphs': boolean;
}

/** The recipe, with the layout of the command line. */
async function givenRecipe(values: LayoutValues & { readonly recipe: string }): Promise<RunRecipe> {
  const { readRunRecipe } = await import('@tunan/training');
  const recipe = readRunRecipe(findRecipe('run', values.recipe), recipesHome);
  const parallel = layoutOf(values);
  return parallel === undefined ? recipe : { ...recipe, parallel: { ...recipe.parallel, ...parallel } };
}

/** In this process, alone or as one of those that a launcher started; the first speaks for all. */
async function trainHere(values: TrainingValues): Promise<Report | undefined> {
  const { recipe: name, out, resume, 'resume-if-present': ifPresent, extend, from, tokenizer, data } = values;
  const { Mesh, ProgressPrinter, train } = await import('@tunan/training');
  const recipe = await givenRecipe(values);
  using mesh = Mesh.join(rankEnvironment(values), recipe);
  const progress = new ProgressPrinter(process.stderr, undefined, spoken);
  using stop = new StopSignal();
  const { status, step, plan, checkpoint, lastLine } = await train({
    recipe: {
      ...recipe,
      ...(data !== undefined && { data: [{ corpus: data }] }),
      ...(mesh.device !== 'cpu' && { device: mesh.device }),
    },
    mesh,
    replicateOptimizer: values['replicate-optimizer'],
    cudaGraphs: values['cuda-graphs'],
    recipeName: name,
    directory: out,
    from,
    recipes: recipesHome,
    tokenizerFile: tokenizer,
    resume: resumeOf({ resume, ifPresent, extend }),
    signal: stop.signal,
    tasks: tasksInTraining(tokenizer),
    ...(mesh.isFirst && {
      gemmPeak: 'measure',
      onStart: (start) => process.stderr.write(`${startLines(start).join('\n')}\n`),
      onProgress: (report) => progress.show(report),
    }),
  });
  if (!mesh.isFirst) return undefined;
  progress.end();
  const source = data === undefined ? [] : ['--data', data];
  const hint = shellLine([
    'tunan',
    'train',
    'run',
    name,
    ...source,
    '--tokenizer',
    tokenizer,
    '--out',
    out,
    '--resume',
  ]);
  const lines = [
    text(`step ${step} of ${plan.steps}, saved: ${checkpoint}`, `第 ${step}/${plan.steps} 步，已保存：${checkpoint}`),
  ];
  if (status === 'stopped') lines.push(text(`go on with: ${hint}`, `继续训练：${hint}`));
  const report = shellLine(['tunan', 'train', 'report', out]);
  if (status === 'finished') lines.push(text(`is the loss normal? ${report}`, `损失是否正常？${report}`));
  return { data: { status, step, steps: plan.steps, checkpoint, last: lastLine }, lines };
}

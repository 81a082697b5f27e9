/** How commands that train are told of several processes. */
import { text } from './language.ts';

export const processOptions = {
  nproc: {
    type: 'number',
    value: 'N',
    help: text(
      'train with so many processes of this machine, each with its share of every batch; elsewhere torchrun, mpirun or srun start them',
      '用本机的 N 个进程训练，每批样本由它们分担；其他情形由 torchrun、mpirun 或 srun 启动',
    ),
  },
  'tensor-parallel': {
    type: 'number',
    value: 'N',
    help: text(
      'processes that share every matrix product; goes before parallel.tensor of a recipe',
      '共同完成每个矩阵乘法的进程数；优先于配方中的 parallel.tensor',
    ),
  },
  'pipeline-parallel': {
    type: 'number',
    value: 'N',
    help: text(
      'stages of layers, a process or a tensor group each; goes before parallel.pipeline of a recipe',
      '按层分成的段数，每段一个进程或一个张量组；优先于配方中的 parallel.pipeline',
    ),
  },
  'max-restarts': {
    type: 'number',
    value: 'N',
    help: text(
      'with --nproc: how often to go on from the last good checkpoint when a process is lost; default 0',
      '与 --nproc 合用：有进程失联时，自最近的可用检查点重启的最多次数；默认 0',
    ),
  },
  'min-nproc': {
    type: 'number',
    value: 'N',
    help: text(
      'with --max-restarts: each time with fewer processes, by one copy of the model or as many as it takes to divide every step, down to so many; default as many as before',
      '与 --max-restarts 合用：每次重启减少进程，少一份模型或少到能均分每步样本为止，至少 N 个；默认不减少',
    ),
  },
  backend: {
    type: 'string',
    value: 'NAME',
    help: text(
      'what moves data between processes: gloo, nccl or mpi (under mpirun); default gloo on the CPU, nccl on CUDA devices',
      '进程间传输数据的方式：gloo、nccl 或 mpi（由 mpirun 启动时）；默认 CPU 上为 gloo，CUDA 设备上为 nccl',
    ),
  },
} as const;

/** What a process learns from its launcher, and the option. */
export function rankEnvironment({ backend }: { readonly backend?: string | undefined }): NodeJS.ProcessEnv {
  return backend === undefined ? process.env : { ...process.env, TUNAN_RANK_BACKEND: backend };
}

export interface LayoutValues {
  readonly 'tensor-parallel'?: number | undefined;
  readonly 'pipeline-parallel'?: number | undefined;
}

/** How a copy of the model is laid over processes; undefined where nothing is said. */
export function layoutOf({
  'tensor-parallel': tensor,
  'pipeline-parallel': pipeline,
}: LayoutValues): { readonly tensor?: number; readonly pipeline?: number } | undefined {
  if (tensor === undefined && pipeline === undefined) return undefined;
  return { ...(tensor !== undefined && { tensor }), ...(pipeline !== undefined && { pipeline }) };
}

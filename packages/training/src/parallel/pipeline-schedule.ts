/**
 * Which micro batch each stage of a pipeline works on, and in which order: 1F1B (Narayanan et al. 2019) and its interleaved form (Narayanan et
 * al. 2021, 2.2). Pure: the same numbers give the same schedule on every rank, so that sends and receives meet.
 */

export interface PipelineTask {
  readonly pass: 'forward' | 'backward';
  /** 0 … m - 1 */
  readonly microBatch: number;
  /** Piece of the stage, 0 … v - 1; it holds the layers of virtual stage `chunk x p + stage`. */
  readonly chunk: number;
}

export interface PipelineShape {
  /** p */
  readonly stages: number;
  /** v */
  readonly chunks: number;
  /** m; a multiple of p where v > 1 */
  readonly microBatches: number;
}

/**
 * What a stage does, in order. With v = 1 the first stage runs p - 1 micro batches ahead, the last none; then every stage does one forward
 * and one backward in turn, so that no more than p micro batches are alive.
 * @throws RangeError where an interleaved schedule has micro batches that p does not divide
 */
export function stageSchedule(shape: PipelineShape, stage: number): PipelineTask[] {
  const { stages, chunks, microBatches } = shape;
  if (chunks > 1 && microBatches % stages !== 0) {
    throw new RangeError(`${microBatches} micro batches over ${stages} stages of ${chunks} pieces`);
  }
  const count = microBatches * chunks;
  const ahead = chunks === 1 ? stages - 1 - stage : 2 * (stages - 1 - stage) + (chunks - 1) * stages;
  const warmup = Math.min(count, ahead);
  const tasks: PipelineTask[] = [];
  for (let i = 0; i < warmup; i++) tasks.push(taskOf(shape, 'forward', i));
  for (let i = warmup; i < count; i++) {
    tasks.push(taskOf(shape, 'forward', i));
    tasks.push(taskOf(shape, 'backward', i - warmup));
  }
  for (let i = count - warmup; i < count; i++) tasks.push(taskOf(shape, 'backward', i));
  return tasks;
}

/** p micro batches go through a piece before the next piece has its turn; backward begins with the last piece. */
function taskOf({ stages, chunks }: PipelineShape, pass: PipelineTask['pass'], i: number): PipelineTask {
  if (chunks === 1) return { pass, microBatch: i, chunk: 0 };
  const round = Math.floor(i / (stages * chunks));
  const within = i % (stages * chunks);
  const piece = Math.floor(within / stages);
  const chunk = pass === 'forward' ? piece : chunks - 1 - piece;
  return { pass, microBatch: round * stages + (within % stages), chunk };
}

/** The task whose result a task waits for, and the stage that does it; undefined where nothing precedes it. */
export function predecessorOf(
  { stages, chunks }: Pick<PipelineShape, 'stages' | 'chunks'>,
  stage: number,
  { pass, microBatch, chunk }: PipelineTask,
): { stage: number; task: PipelineTask } | undefined {
  const virtual = chunk * stages + stage;
  const last = stages * chunks - 1;
  if (pass === 'forward') {
    return virtual === 0 ? undefined : place(virtual - 1, 'forward');
  }
  return virtual === last ? place(virtual, 'forward') : place(virtual + 1, 'backward');

  function place(at: number, what: PipelineTask['pass']) {
    return { stage: at % stages, task: { pass: what, microBatch, chunk: Math.floor(at / stages) } };
  }
}

/**
 * Messages that a stage may have sent and not been rid of, before it waits for the oldest to be received: enough that no schedule comes to
 * wait in a circle (a test plays them through), and no more, since each keeps its tensor.
 */
export function mostUnreceived({ stages, chunks }: Pick<PipelineShape, 'stages' | 'chunks'>): number {
  return 2 * stages * chunks;
}

/** A step of a pipeline played through, event by event: when each stage computes, sends and waits. */
import {
  type PipelineShape,
  type PipelineTask,
  predecessorOf,
  stageSchedule,
} from '../../parallel/pipeline-schedule.ts';

export interface TaskTimes {
  /** s of one micro batch on one piece of a stage. */
  readonly forward: number;
  readonly backward: number;
  /** s from one stage to the next, during which neither computes. */
  readonly send: number;
}

export interface SimulatedTask extends PipelineTask {
  readonly stage: number;
  readonly start: number;
  readonly end: number;
}

export interface Simulation {
  readonly tasks: readonly SimulatedTask[];
  /** s until the last stage is done. */
  readonly total: number;
  /** Waiting over computing, of all stages together: (p - 1) / (v m) where nothing is sent and every piece takes the same time. */
  readonly bubble: number;
}

/** @throws Error where the schedule waits in a circle, which no schedule of stageSchedule does */
export function simulateStep(shape: PipelineShape, times: TaskTimes): Simulation {
  const schedules = Array.from({ length: shape.stages }, (_, stage) => stageSchedule(shape, stage));
  const next = new Array<number>(shape.stages).fill(0);
  const free = new Array<number>(shape.stages).fill(0);
  const ended = new Map<string, number>();
  const tasks: SimulatedTask[] = [];
  const key = (stage: number, { pass, microBatch, chunk }: PipelineTask) => `${stage} ${pass} ${microBatch} ${chunk}`;
  for (let isMoving = true; isMoving; ) {
    isMoving = false;
    for (let stage = 0; stage < shape.stages; stage++) {
      for (let task = schedules[stage]![next[stage]!]; task !== undefined; task = schedules[stage]![next[stage]!]) {
        const before = predecessorOf(shape, stage, task);
        const ready = before === undefined ? 0 : ended.get(key(before.stage, before.task));
        if (ready === undefined) break;
        const arrives = before === undefined || before.stage === stage ? ready : ready + times.send;
        const start = Math.max(free[stage]!, arrives);
        const end = start + times[task.pass];
        tasks.push({ ...task, stage, start, end });
        ended.set(key(stage, task), end);
        free[stage] = end;
        next[stage]!++;
        isMoving = true;
      }
    }
  }
  if (next.some((done, stage) => done < schedules[stage]!.length)) throw new Error('the schedule waits in a circle');
  const total = Math.max(...free);
  const busy = shape.microBatches * shape.chunks * (times.forward + times.backward);
  return { tasks, total, bubble: total / busy - 1 };
}

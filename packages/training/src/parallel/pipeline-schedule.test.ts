import assert from 'node:assert/strict';
import test from 'node:test';
import { simulateStep } from '../planner/cluster/step-simulation.ts';
import {
  mostUnreceived,
  type PipelineShape,
  type PipelineTask,
  predecessorOf,
  stageSchedule,
} from './pipeline-schedule.ts';

const shapes = [1, 2, 3, 4, 5, 8].flatMap((stages) =>
  [1, 2, 3].flatMap((chunks) =>
    [1, 2, 3, 4, 7]
      .map((micro) => (chunks === 1 ? micro : micro * stages))
      .map((microBatches) => ({ stages, chunks, microBatches })),
  ),
);

test('every stage runs every piece of every micro batch forward once, and backward once behind it', () => {
  for (const shape of shapes) {
    for (let stage = 0; stage < shape.stages; stage++) {
      const seen = new Set<string>();
      for (const { pass, microBatch, chunk } of stageSchedule(shape, stage)) {
        const name = `${microBatch} ${chunk}`;
        assert.equal(seen.has(`forward ${name}`), pass === 'backward', JSON.stringify({ shape, stage, name }));
        assert.ok(!seen.has(`${pass} ${name}`));
        seen.add(`${pass} ${name}`);
      }
      assert.equal(seen.size, 2 * shape.microBatches * shape.chunks);
    }
  }
});

test('no schedule waits in a circle, and the bubble is (p - 1) / (v m)', () => {
  for (const shape of shapes) {
    const { bubble } = simulateStep(shape, { forward: 1, backward: 2, send: 0 });
    if (shape.microBatches < shape.stages) continue; // the formula counts a pipeline that fills
    const formula = (shape.stages - 1) / (shape.chunks * shape.microBatches);
    assert.ok(Math.abs(bubble - formula) < 1e-12, `${JSON.stringify(shape)}: ${bubble}, formula ${formula}`);
  }
});

test('1F1B keeps no more than p - stage micro batches alive', () => {
  for (const shape of shapes.filter(({ chunks }) => chunks === 1)) {
    for (let stage = 0; stage < shape.stages; stage++) {
      let alive = 0;
      for (const { pass } of stageSchedule(shape, stage)) {
        alive += pass === 'forward' ? 1 : -1;
        assert.ok(alive <= shape.stages - stage);
      }
    }
  }
});

test('an interleaved schedule of micro batches that the stages do not divide is refused', () => {
  assert.throws(() => stageSchedule({ stages: 4, chunks: 2, microBatches: 6 }, 0), RangeError);
});

/** Whether all stages come to their end where none begins a task while more than `most` of its messages have not been received. */
function ends(shape: PipelineShape, most: number): boolean {
  const key = (stage: number, { pass, microBatch, chunk }: PipelineTask) => `${stage} ${pass} ${microBatch} ${chunk}`;
  const schedules = Array.from({ length: shape.stages }, (_, stage) => stageSchedule(shape, stage));
  const receiver = new Map<string, string>();
  schedules.forEach((tasks, stage) => {
    for (const task of tasks) {
      const before = predecessorOf(shape, stage, task);
      if (before !== undefined && before.stage !== stage)
        receiver.set(key(before.stage, before.task), key(stage, task));
    }
  });
  const done = new Set<string>();
  const next = schedules.map(() => 0);
  for (let isMoving = true; isMoving; ) {
    isMoving = false;
    schedules.forEach((tasks, stage) => {
      for (let task = tasks[next[stage]!]; task !== undefined; task = tasks[next[stage]!]) {
        const before = predecessorOf(shape, stage, task);
        if (before !== undefined && !done.has(key(before.stage, before.task))) return;
        const sent = tasks.slice(0, next[stage]).flatMap((one) => receiver.get(key(stage, one)) ?? []);
        // The oldest are waited for, whether younger ones have been received or not.
        if (sent.length > most && !sent.slice(0, sent.length - most).every((one) => done.has(one))) return;
        done.add(key(stage, task));
        next[stage]!++;
        isMoving = true;
      }
    });
  }
  return schedules.every((tasks, stage) => next[stage] === tasks.length);
}

test('waiting for the oldest of 2 p v messages never makes a circle; a pipeline that waits for each can', () => {
  const many = shapes.filter(({ stages, microBatches }) => stages > 1 && stages * microBatches < 40);
  for (const shape of many) assert.ok(ends(shape, mostUnreceived(shape)), JSON.stringify(shape));
  assert.ok(many.some((shape) => !ends(shape, 0)));
});

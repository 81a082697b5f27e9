/** Messages of stages end where those of two ranks go one behind the other. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Call, playInOrder } from '../testing/message-order.ts';
import { channelsOf } from './pipeline-channels.ts';
import { mostUnreceived, type PipelineShape, predecessorOf, stageSchedule } from './pipeline-schedule.ts';

/** What a stage does of a step, as pipeline-way.ts does it. @param groupOf the name of the group of a message */
function callsOf(
  shape: PipelineShape,
  stage: number,
  groupOf: (pass: string, from: number, to: number) => string,
): Call[] {
  const { stages, chunks } = shape;
  const calls: Call[] = [];
  const sent: number[] = [];
  const tagOf = (pass: string, microBatch: number, chunk: number) =>
    2 * (microBatch * chunks + chunk) + (pass === 'forward' ? 0 : 1);
  const waitForSent = (left: number) => {
    while (sent.length > left) calls.push({ waits: sent.shift()! });
  };
  for (const task of stageSchedule(shape, stage)) {
    const { pass, microBatch, chunk } = task;
    const before = predecessorOf(shape, stage, task);
    if (before !== undefined && before.task.pass === pass) {
      const group = groupOf(pass, before.stage, stage);
      const tag = tagOf(pass, microBatch, before.task.chunk);
      calls.push({ waits: calls.push({ begins: 'receive', group, with: before.stage, tag }) - 1 });
    }
    const virtual = chunk * stages + stage;
    const isEnd = virtual === (pass === 'forward' ? stages * chunks - 1 : 0);
    if (!isEnd) {
      const to = (stage + (pass === 'forward' ? 1 : stages - 1)) % stages;
      const call = { begins: 'send', group: groupOf(pass, stage, to), with: to, tag: tagOf(pass, microBatch, chunk) };
      sent.push(calls.push(call as Call) - 1);
    }
    waitForSent(mostUnreceived(shape));
  }
  waitForSent(0);
  return calls;
}

const shapes = [2, 3, 4, 8].flatMap((stages) =>
  [1, 2, 3].flatMap((chunks) =>
    [1, 2, 4].map((micro) => ({ stages, chunks, microBatches: chunks === 1 ? micro : micro * stages })),
  ),
);

test('every schedule ends over its channels; over one group of all stages most do not', () => {
  const play = (shape: PipelineShape, groupOf: Parameters<typeof callsOf>[2]) =>
    playInOrder(Array.from({ length: shape.stages }, (_, stage) => callsOf(shape, stage, groupOf)));
  let stuck = 0;
  for (const shape of shapes) {
    const channels = new Set(channelsOf(shape).map(({ pass, from, to }) => `${pass} ${from} ${to}`));
    const found = play(shape, (pass, from, to) => {
      const name = `${pass} ${from} ${to}`;
      assert.ok(channels.has(name), name);
      return name;
    });
    assert.deepEqual(found, [], JSON.stringify(shape));
    if (play(shape, () => 'all').length > 0) stuck++;
  }
  assert.ok(stuck > shapes.length / 2, String(stuck));
});

import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { type LogLine, RunLog, readRunLog } from './run-log.ts';

function line(step: number): LogLine {
  const milliseconds = { data: 1, forwardBackward: 2, optimizer: 3, total: 6 };
  return {
    step,
    samples: step,
    tokens: step,
    loss: 1 / step,
    lossBySource: { 诗: 1 / step },
    gradientNorm: 1,
    learningRate: 1,
    tokensPerSecond: 1,
    milliseconds,
  };
}

test('a log goes on behind the step of the checkpoint, a torn line is dropped', (t) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-log-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'log.jsonl');
  const write = (after: number, steps: number[]) => {
    const log = new RunLog(file, after);
    for (const step of steps) log.append(line(step));
    log.sync();
    log.close();
  };
  write(0, [1, 2, 3, 4, 5]);
  appendFileSync(file, '{"step":6,"samp');
  assert.deepEqual(
    readRunLog(file).map(({ step }) => step),
    [1, 2, 3, 4, 5],
  );
  write(5, [6]);
  assert.deepEqual(readRunLog(file), [1, 2, 3, 4, 5, 6].map(line));
  write(3, [4]);
  assert.deepEqual(readRunLog(file), [1, 2, 3, 4].map(line));
  write(0, [1]);
  assert.deepEqual(readRunLog(file), [line(1)]);
});

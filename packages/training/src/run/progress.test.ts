import assert from 'node:assert/strict';
import test from 'node:test';
import { duration, ProgressPrinter, progressLine, type StepReport } from './progress.ts';

function report(step: number, more: Partial<StepReport['line']> = {}): StepReport {
  const milliseconds = { data: 1, forwardBackward: 2, optimizer: 3, total: 6 };
  const line = {
    step,
    samples: step,
    tokens: step,
    loss: 4.25,
    lossBySource: {},
    gradientNorm: 1,
    learningRate: 3e-4,
    tokensPerSecond: 4321.4,
    milliseconds,
    ...more,
  };
  return { line, steps: 100, secondsLeft: 125 };
}

test('the line says loss, speed, share of the peak and time left', () => {
  assert.deepEqual(progressLine(report(7)), {
    en: 'step 7/100 · loss 4.2500 · lr 3.00e-4 · 4,321 tokens/s · 2 min 05 s left',
    zh: '步 7/100 · 损失 4.2500 · 学习率 3.00e-4 · 4,321 词元/秒 · 剩余 2 分 05 秒',
  });
  const evaluation = { loss: 4.5, lossBySource: {}, tokens: 1 };
  assert.match(
    progressLine(report(7, { gemmShare: 0.853, evaluation })).en,
    /85\.3 % of GEMM peak · validation 4\.5000/,
  );
});

test('a share above the peak, which cannot be, is not shown', () => {
  assert.deepEqual(progressLine(report(7, { gemmShare: 1.12 })), progressLine(report(7)));
});

test('durations', () => {
  assert.deepEqual(
    [0, 59.4, 60, 3599, 7260, 90_000].map((seconds) => duration(seconds).en),
    ['0 s', '59 s', '1 min 00 s', '59 min 59 s', '2 h 01 min', '1 d 1 h'],
  );
  assert.deepEqual(
    [59.4, 65, 7260, 90_000].map((seconds) => duration(seconds).zh),
    ['59 秒', '1 分 05 秒', '2 小时 01 分', '1 天 1 小时'],
  );
});

test('a terminal line rewrites itself, elsewhere a line comes now and then and at the end', () => {
  const written: string[] = [];
  const terminal = new ProgressPrinter({ isTTY: true, columns: 30, write: (text) => written.push(text) });
  terminal.show(report(1));
  terminal.show(report(100));
  assert.deepEqual(
    written.map((text) => text.length <= 34 && text.replace(/[^\r\n]/g, '')),
    ['\r', '\r', '\n'],
  );

  const lines: string[] = [];
  const file = new ProgressPrinter({ write: (text) => lines.push(text) }, 10);
  file.show(report(1), 0);
  file.show(report(2), 5);
  file.show(report(3), 10);
  file.show(report(100), 11);
  assert.deepEqual(
    lines.map((text) => text.split(' ')[1]),
    ['1/100', '3/100', '100/100'],
  );
});

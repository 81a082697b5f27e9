/**
 * log.jsonl of a run: one line a step, appended. On resume the lines behind the checkpoint's step are dropped, so that the
 * log of a run that was stopped and resumed reads like that of one that never stopped.
 */

import fs from 'node:fs';

export interface LogLine {
  readonly step: number;
  readonly samples: number;
  readonly tokens: number;
  /** Mean negative log-likelihood of the step, nats a token. */
  readonly loss: number;
  /** The same over the samples of each source that occurs in the step. */
  readonly lossBySource: Readonly<Record<string, number>>;
  /** Norm of the whole gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly tokensPerSecond: number;
  /** Share of the measured GEMM peak; absent where no peak was measured. */
  readonly gemmShare?: number | undefined;
  readonly milliseconds: StepTimes;
  /** Present on steps after which the model was evaluated. */
  readonly evaluation?: Evaluation | undefined;
  /** Accuracies by name of the task, on steps after which tasks were scored. */
  readonly tasks?: Readonly<Record<string, number>> | undefined;
}

export interface StepTimes {
  readonly data: number;
  readonly forwardBackward: number;
  readonly optimizer: number;
  readonly total: number;
}

export interface Evaluation {
  readonly loss: number;
  readonly lossBySource: Readonly<Record<string, number>>;
  readonly tokens: number;
}

export class RunLog {
  readonly #descriptor: number;

  /** Opens the log for appending behind the line of `step`; later lines, and a torn last line, are dropped. */
  constructor(file: string, step: number) {
    dropLinesAfter(file, step);
    this.#descriptor = fs.openSync(file, 'a');
  }

  append(line: LogLine): void {
    fs.writeFileSync(this.#descriptor, `${JSON.stringify(line)}\n`); // unlike writeSync it writes all or throws
  }

  /** To the disk, before a checkpoint that counts on the lines so far. */
  sync(): void {
    fs.fsyncSync(this.#descriptor);
  }

  close(): void {
    fs.closeSync(this.#descriptor);
  }
}

/** Reads a log; a torn last line (the machine went down in the middle of it) is left out. */
export function readRunLog(file: string): LogLine[] {
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  lines.pop(); // what follows the last newline: nothing, or a torn line
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as LogLine;
    } catch (error) {
      throw new Error(`${file}:${index + 1} is not JSON`, { cause: error });
    }
  });
}

/** Lines are in order of step: the file is cut at the first byte behind the last one to keep. */
function dropLinesAfter(file: string, step: number): void {
  if (!fs.existsSync(file)) return;
  const content = fs.readFileSync(file);
  let end = 0;
  for (let newline = content.indexOf(10); newline >= 0; newline = content.indexOf(10, end)) {
    const line = JSON.parse(content.toString('utf8', end, newline)) as LogLine;
    if (line.step > step) break;
    end = newline + 1;
  }
  if (end < content.length) fs.truncateSync(file, end);
}

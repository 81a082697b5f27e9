/**
 * log.jsonl of a run: one line a step, appended. On resume the lines behind the checkpoint's step are dropped, so that the
 * log of a run that was stopped and resumed reads like that of one that never stopped.
 */

import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { TrainingError } from '../errors.ts';

export interface LogLine {
  readonly step: number;
  readonly samples: number;
  readonly tokens: number;
  /** Predictions of the step that count, where they are not all: the loss is over them. */
  readonly targets?: number | undefined;
  /** Mean negative log-likelihood of the step, nats a token. */
  readonly loss: number;
  /** The same over the samples of each source that occurs in the step. */
  readonly lossBySource: Readonly<Record<string, number>>;
  /** What an objective of its own tells of the step beside its loss, such as how often a preference was met. */
  readonly measures?: Readonly<Record<string, number>> | undefined;
  /** Norm of the whole gradient before clipping; absent where a gradient overflowed float16. */
  readonly gradientNorm?: number | undefined;
  /** Whether the weights were not updated, because loss or norm leapt, or the gradient overflowed. */
  readonly skipped?: boolean | undefined;
  /** What the loss was multiplied by in front of the backward pass, where the products are float16. */
  readonly lossScale?: number | undefined;
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
  /** What training waited for the checkpoint in front of the step, where there is one; not in the total. */
  readonly checkpoint?: number | undefined;
  readonly total: number;
}

export interface Evaluation {
  readonly loss: number;
  readonly lossBySource: Readonly<Record<string, number>>;
  readonly tokens: number;
  readonly measures?: Readonly<Record<string, number>> | undefined;
}

export class RunLog {
  readonly #file: string;
  readonly #descriptor: number;
  /** The line of the step that the log was opened behind. */
  readonly last: LogLine | undefined;
  /** Where the last line begins, bytes. */
  #lastBegins: number;
  #end: number;

  /**
   * Opens the log for appending behind the line of `step`; later lines, and a torn last line, are dropped.
   * @throws TrainingError TRAINING_NOT_A_RUN for a line that is none of a log
   */
  constructor(file: string, step: number) {
    this.#file = file;
    const kept = dropLinesAfter(file, step);
    this.last = kept.last;
    this.#lastBegins = kept.lastBegins;
    this.#end = kept.end;
    this.#descriptor = openSync(file, 'a');
  }

  append(line: LogLine): void {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    writeFileSync(this.#descriptor, bytes); // unlike writeSync it writes all or throws
    this.#lastBegins = this.#end;
    this.#end += bytes.length;
  }

  /** Writes the last line again, with what was found out about its step since. */
  replaceLast(line: LogLine): void {
    truncateSync(this.#file, this.#lastBegins);
    this.#end = this.#lastBegins;
    this.append(line);
  }

  /** To the disk, before a checkpoint that counts on the lines so far. */
  sync(): void {
    fsyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Reads a log; a torn last line (the machine went down in the middle of it) is left out. @throws TrainingError TRAINING_NOT_A_RUN */
export function readRunLog(file: string): LogLine[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.pop(); // what follows the last newline: nothing, or a torn line
  return lines.map((line, index) => parseLine(file, index + 1, line));
}

function parseLine(file: string, number: number, text: string): LogLine {
  const value = parseOrUndefined(text);
  if (typeof value === 'object' && value !== null && 'step' in value) return value as LogLine;
  throw new TrainingError('TRAINING_NOT_A_RUN', {
    en: `${file}:${number} is no line of a training log: remove that line, or move the file away`,
    zh: `${file}:${number} 不是训练日志的一行：请删除该行，或移走该文件`,
  });
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Lines are in order of step: the file is cut at the first byte behind the last one to keep. */
function dropLinesAfter(file: string, step: number): { last: LogLine | undefined; lastBegins: number; end: number } {
  const kept = { last: undefined as LogLine | undefined, lastBegins: 0, end: 0 };
  if (!existsSync(file)) return kept;
  const content = readFileSync(file);
  let number = 1;
  for (let newline = content.indexOf(10); newline >= 0; newline = content.indexOf(10, kept.end), number++) {
    const line = parseLine(file, number, content.toString('utf8', kept.end, newline));
    if (line.step > step) break;
    kept.last = line;
    kept.lastBegins = kept.end;
    kept.end = newline + 1;
  }
  if (kept.end < content.length) truncateSync(file, kept.end);
  return kept;
}

/**
 * The one line that a person watches. On a terminal it rewrites itself; elsewhere a line is printed now and then, so that a
 * log file stays short.
 */

import type { LogLine } from './run-log.ts';

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface StepReport {
  readonly line: LogLine;
  /** Of the whole run. */
  readonly steps: number;
  readonly secondsLeft: number;
}

/** Loss, tokens a second, share of the GEMM peak, time left. */
export function progressLine({ line, steps, secondsLeft }: StepReport): string {
  const parts = [
    `step ${line.step}/${steps}`,
    `loss ${line.loss.toFixed(4)}`,
    `lr ${line.learningRate.toExponential(2)}`,
    `${Math.round(line.tokensPerSecond).toLocaleString('en-US')} tokens/s`,
  ];
  if (line.gemmShare !== undefined) parts.push(`${(100 * line.gemmShare).toFixed(1)} % of GEMM peak`);
  if (line.evaluation !== undefined) parts.push(`validation ${line.evaluation.loss.toFixed(4)}`);
  for (const [task, accuracy] of Object.entries(line.tasks ?? {}))
    parts.push(`${task} ${(100 * accuracy).toFixed(1)} %`);
  parts.push(`${duration(secondsLeft)} left`);
  return parts.join(' · ');
}

function isEvaluated({ evaluation, tasks }: LogLine): boolean {
  return evaluation !== undefined || tasks !== undefined;
}

/** "7 s", "3 min 05 s", "2 h 10 min", "4 d 3 h". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

export class ProgressPrinter {
  readonly #stream: ProgressStream;
  readonly #everySeconds: number;
  #lastPrinted = Number.NEGATIVE_INFINITY;
  #lineOpen = false;

  /** @param everySeconds between two lines where the stream is no terminal */
  constructor(stream: ProgressStream, everySeconds = 10) {
    this.#stream = stream;
    this.#everySeconds = everySeconds;
  }

  show(report: StepReport, now = performance.now() / 1000): void {
    const text = progressLine(report);
    const isLast = report.line.step === report.steps;
    if (this.#stream.isTTY === true) {
      this.#stream.write(`\r\x1b[2K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
      this.#lineOpen = true;
      if (isLast || isEvaluated(report.line)) this.end();
    } else if (isLast || isEvaluated(report.line) || now - this.#lastPrinted >= this.#everySeconds) {
      this.#stream.write(`${text}\n`);
      this.#lastPrinted = now;
    }
  }

  /** Leaves the rewriting line, before something else is printed. */
  end(): void {
    if (this.#lineOpen) this.#stream.write('\n');
    this.#lineOpen = false;
  }
}

/**
 * The one line that a person watches. On a terminal it rewrites itself; elsewhere a line is printed now and then, so that a
 * log file stays short.
 */

import type { Said } from '@tunan/files';
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

/**
 * Loss, tokens a second, share of the GEMM peak, time left. A share above 1 is left out: it says that the machine had other work
 * while the peak was measured, and nothing of the run.
 */
export function progressLine({ line, steps, secondsLeft }: StepReport): Said {
  const { gemmShare, evaluation, tasks = {} } = line;
  const speed = Math.round(line.tokensPerSecond).toLocaleString('en-US');
  const parts: Said[] = [
    { en: `step ${line.step}/${steps}`, zh: `步 ${line.step}/${steps}` },
    { en: `loss ${line.loss.toFixed(4)}`, zh: `损失 ${line.loss.toFixed(4)}` },
    { en: `lr ${line.learningRate.toExponential(2)}`, zh: `学习率 ${line.learningRate.toExponential(2)}` },
    { en: `${speed} tokens/s`, zh: `${speed} 词元/秒` },
  ];
  if (gemmShare !== undefined && gemmShare <= 1) {
    const share = `${(100 * gemmShare).toFixed(1)} %`;
    parts.push({ en: `${share} of GEMM peak`, zh: `矩阵乘峰值的 ${share}` });
  }
  if (line.skipped) parts.push(whySkipped(line));
  if (evaluation !== undefined) {
    parts.push({ en: `validation ${evaluation.loss.toFixed(4)}`, zh: `验证 ${evaluation.loss.toFixed(4)}` });
  }
  for (const [task, accuracy] of Object.entries(tasks)) {
    const score = `${task} ${(100 * accuracy).toFixed(1)} %`;
    parts.push({ en: score, zh: score });
  }
  const { accuracy } = evaluation?.measures ?? line.measures ?? {};
  if (accuracy !== undefined) {
    const share = `${(100 * accuracy).toFixed(1)} %`;
    parts.push({ en: `accuracy ${share}`, zh: `准确率 ${share}` });
  }
  const left = duration(secondsLeft);
  parts.push({ en: `${left.en} left`, zh: `剩余 ${left.zh}` });
  return { en: parts.map(({ en }) => en).join(' · '), zh: parts.map(({ zh }) => zh).join(' · ') };
}

function whySkipped({ gradientNorm, lossScale }: LogLine): Said {
  if (gradientNorm !== undefined) return { en: 'a leap, no update', zh: '突变，未更新' };
  return {
    en: `gradients overflow float16 at a loss scale of ${lossScale}, no update`,
    zh: `损失缩放为 ${lossScale} 时梯度超出 float16 的范围，未更新`,
  };
}

/** Whether the line stays on a terminal, and is printed at once elsewhere. */
function isNews({ evaluation, tasks, skipped }: LogLine): boolean {
  return evaluation !== undefined || tasks !== undefined || skipped === true;
}

/** "7 s", "3 min 05 s", "2 h 10 min", "4 d 3 h". */
export function duration(seconds: number): Said {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(whole / unit)) as [number, number, number];
  if (minutes === 0) return { en: `${whole} s`, zh: `${whole} 秒` };
  if (hours === 0) return { en: `${minutes} min ${two(whole % 60)} s`, zh: `${minutes} 分 ${two(whole % 60)} 秒` };
  if (days === 0) return { en: `${hours} h ${two(minutes % 60)} min`, zh: `${hours} 小时 ${two(minutes % 60)} 分` };
  return { en: `${days} d ${hours % 24} h`, zh: `${days} 天 ${hours % 24} 小时` };
}

export class ProgressPrinter {
  readonly #stream: ProgressStream;
  readonly #everySeconds: number;
  readonly #say: (line: Said) => string;
  #lastPrinted = Number.NEGATIVE_INFINITY;
  #lineOpen = false;

  /**
   * @param everySeconds between two lines where the stream is no terminal
   * @param say in which language; English unless given
   */
  constructor(stream: ProgressStream, everySeconds = 10, say: (line: Said) => string = ({ en }) => en) {
    this.#stream = stream;
    this.#everySeconds = everySeconds;
    this.#say = say;
  }

  show(report: StepReport, now = performance.now() / 1000): void {
    const text = this.#say(progressLine(report));
    const isLast = report.line.step === report.steps;
    if (this.#stream.isTTY === true) {
      this.#stream.write(`\r\x1b[2K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
      this.#lineOpen = true;
      if (isLast || isNews(report.line)) this.end();
    } else if (isLast || isNews(report.line) || now - this.#lastPrinted >= this.#everySeconds) {
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

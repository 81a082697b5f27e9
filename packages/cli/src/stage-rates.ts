/** How fast the stages of a build go, and how long the present one still takes. */
import { text } from './language.ts';
import { percent } from './progress.ts';

interface Step {
  stage: string;
  done: number;
  total: number;
  documents: number;
  bytes: number;
}

interface Rate {
  seconds: number;
  documents: number;
  bytes: number;
}

export class StageRates {
  readonly #stages = new Map<string, { started: number; last: Step }>();
  #entered = performance.now();

  /** Takes a step and describes it: share done, documents, documents/s, MB/s, time left. */
  line(step: Step): string {
    const now = performance.now();
    const { started } = this.#stages.get(step.stage) ?? { started: this.#entered };
    this.#stages.set(step.stage, { started, last: step });
    this.#entered = now;
    const seconds = Math.max(1e-3, (now - started) / 1000);
    const parts = [percent(step.done, step.total)];
    if (step.documents > 0) {
      parts.push(step.documents.toLocaleString('en'), `${Math.round(step.documents / seconds).toLocaleString('en')}/s`);
    }
    if (step.bytes > 0) parts.push(`${(step.bytes / seconds / 1e6).toFixed(1)} MB/s`);
    if (step.done > 0 && step.done < step.total) {
      const left = duration((seconds / step.done) * (step.total - step.done));
      parts.push(text(`ETA ${left}`, `剩余 ${left}`));
    }
    return parts.join('  ');
  }

  /** Seconds, documents and bytes of each stage. */
  summary(): Record<string, Rate> {
    const stages = [...this.#stages].map(([stage, { started, last }], index, all): [string, Rate] => {
      const end = all[index + 1]?.[1].started ?? this.#entered;
      return [stage, { seconds: (end - started) / 1000, documents: last.documents, bytes: last.bytes }];
    });
    return Object.fromEntries(stages);
  }
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const pad = (n: number) => String(n).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
}

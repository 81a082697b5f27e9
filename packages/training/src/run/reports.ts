/** What a run tells of its steps, on disk: log.jsonl and the TensorBoard events, opened behind the step it goes on from. */
import { explainWriteFailure } from '../errors.ts';
import type { RunDirectory } from './run-directory.ts';
import { type LogLine, RunLog } from './run-log.ts';
import { EventWriter } from './tensorboard.ts';

export class Reports implements Disposable {
  readonly #run: RunDirectory;
  readonly #log: RunLog;
  readonly #events: EventWriter;

  constructor(run: RunDirectory, step: number) {
    this.#run = run;
    try {
      this.#log = new RunLog(run.log, step);
      this.#events = new EventWriter(run.tensorboard, step + 1);
    } catch (error) {
      throw explainWriteFailure(error, run.path);
    }
  }

  /** The line of the step that the run goes on from. */
  get last(): LogLine | undefined {
    return this.#log.last;
  }

  add(line: LogLine): void {
    this.#explained(() => {
      this.#log.append(line);
      this.#events.scalars(line.step, trainingScalars(line));
    });
  }

  /** The last line with its evaluations. */
  amend(line: LogLine): void {
    const values: Record<string, number> = {};
    if (line.evaluation !== undefined) values['validation/loss'] = line.evaluation.loss;
    for (const [name, value] of Object.entries(line.evaluation?.measures ?? {})) values[`validation/${name}`] = value;
    for (const [task, accuracy] of Object.entries(line.tasks ?? {})) values[`tasks/${task}`] = accuracy;
    this.#explained(() => {
      this.#log.replaceLast(line);
      this.#events.scalars(line.step, values);
    });
  }

  sync(): void {
    this.#log.sync();
  }

  #explained(write: () => void): void {
    try {
      write();
    } catch (error) {
      throw explainWriteFailure(error, this.#run.log, {
        en: 'resume the run to go on from its last checkpoint',
        zh: '之后可从最近的检查点继续训练',
      });
    }
  }

  [Symbol.dispose](): void {
    this.#log.close();
    this.#events.close();
  }
}

function trainingScalars(line: LogLine): Record<string, number> {
  const values: Record<string, number> = {
    'train/loss': line.loss,
    'train/learningRate': line.learningRate,
    'speed/tokensPerSecond': line.tokensPerSecond,
  };
  if (line.gradientNorm !== undefined) values['train/gradientNorm'] = line.gradientNorm;
  if (line.lossScale !== undefined) values['train/lossScale'] = line.lossScale;
  if (line.gemmShare !== undefined) values['speed/gemmShare'] = line.gemmShare;
  for (const [source, loss] of Object.entries(line.lossBySource)) values[`train/loss/${source}`] = loss;
  for (const [name, value] of Object.entries(line.measures ?? {})) values[`train/${name}`] = value;
  return values;
}

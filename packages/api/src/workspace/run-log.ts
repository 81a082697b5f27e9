/**
 * The log of a run: what has been appended since a byte, and a curve of bounded size that goes on with it. A last line that is not whole yet
 * is left for the next time.
 */
import { z } from 'zod';
import { openInside } from './bounded-file.ts';

const logLine = z.object({
  step: z.number(),
  tokens: z.number(),
  loss: z.number(),
  tokensPerSecond: z.number(),
  gradientNorm: z.number(),
  learningRate: z.number(),
  evaluation: z.object({ loss: z.number() }).optional(),
});
export type LogLine = z.infer<typeof logLine>;

export interface LogPiece {
  readonly lines: readonly LogLine[];
  /** Behind the last whole line, bytes. */
  readonly offset: number;
  /** The file is shorter than where it was to be read from. */
  readonly restarted: boolean;
  /** There is more than a piece. */
  readonly more: boolean;
}

const PIECE_BYTES = 2 ** 20;

/** @returns undefined where there is no log */
export async function readLog(root: string, file: string, offset: number): Promise<LogPiece | undefined> {
  await using handle = await openInside(root, file);
  if (handle === undefined) return undefined;
  const { size } = await handle.stat();
  if (size < offset) return { lines: [], offset: 0, restarted: true, more: true };
  const bytes = Buffer.alloc(Math.min(PIECE_BYTES, size - offset));
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
  const end = bytes.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, end).toString('utf8').split('\n').flatMap(parsed);
  // A line that is longer than a piece would be asked for again for ever.
  const next = end === 0 && bytesRead === PIECE_BYTES ? offset + bytesRead : offset + end;
  return { lines, offset: next, restarted: false, more: end > 0 && next < size };
}

/** What is no line of a log, such as a start that an offset has cut, is none. */
function parsed(text: string): LogLine[] {
  if (text === '') return [];
  try {
    const result = logLine.safeParse(JSON.parse(text));
    return result.success ? [result.data] : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

const MOST_POINTS = 600;

interface Stretch {
  count: number;
  last: LogLine;
  loss: number;
  tokensPerSecond: number;
  gradientNorm: number;
}

/** Means of stretches of steps; a stretch is twice as long whenever there are too many. */
export class RunCurve {
  #stretches: Stretch[] = [];
  #evaluations: LogLine[] = [];
  #length = 1;
  #offset = 0;
  #last: LogLine | undefined;

  get offset(): number {
    return this.#offset;
  }

  get last(): LogLine | undefined {
    return this.#last;
  }

  get evaluations(): readonly LogLine[] {
    return this.#evaluations;
  }

  get points(): LogLine[] {
    return this.#stretches.map(({ count, last, loss, tokensPerSecond, gradientNorm }) => ({
      ...last,
      loss: loss / count,
      tokensPerSecond: tokensPerSecond / count,
      gradientNorm: gradientNorm / count,
    }));
  }

  /** Reads what has come since. @returns whether there is a log */
  async follow(root: string, file: string): Promise<boolean> {
    for (;;) {
      const piece = await readLog(root, file, this.#offset);
      if (piece === undefined) return false;
      if (piece.restarted) this.#forget();
      for (const line of piece.lines) this.#add(line);
      this.#offset = piece.offset;
      if (!piece.more) return true;
    }
  }

  #forget(): void {
    this.#stretches = [];
    this.#evaluations = [];
    this.#length = 1;
    this.#last = undefined;
  }

  #add(line: LogLine): void {
    this.#last = line;
    if (line.evaluation !== undefined) this.#evaluations = thinned([...this.#evaluations, line]);
    const { loss, tokensPerSecond, gradientNorm } = line;
    const open = this.#stretches.at(-1);
    if (open !== undefined && open.count < this.#length)
      join(open, { count: 1, last: line, loss, tokensPerSecond, gradientNorm });
    else this.#stretches.push({ count: 1, last: line, loss, tokensPerSecond, gradientNorm });
    if (this.#stretches.length <= MOST_POINTS) return;
    this.#length *= 2;
    this.#stretches = this.#stretches.flatMap((stretch, i, all) => {
      if (i % 2 === 1) return [];
      const second = all[i + 1];
      if (second !== undefined) join(stretch, second);
      return [stretch];
    });
  }
}

function join(first: Stretch, second: Stretch): void {
  first.count += second.count;
  first.last = second.last;
  first.loss += second.loss;
  first.tokensPerSecond += second.tokensPerSecond;
  first.gradientNorm += second.gradientNorm;
}

/** Every second one, where there are too many; the last always. */
function thinned(lines: LogLine[]): LogLine[] {
  return lines.length <= MOST_POINTS ? lines : lines.filter((_, i) => (lines.length - 1 - i) % 2 === 0);
}

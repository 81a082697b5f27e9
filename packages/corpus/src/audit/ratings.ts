/** What a person found of the sampled documents, a line a rating, appended as it is given; the last one of an id counts. */
import { appendFileSync, existsSync } from 'node:fs';
import { z } from 'zod';
import { writeProblem } from '../errors.ts';
import { malformed, readJsonLines } from '../reading/json-lines.ts';

export const RATINGS = ['good', 'poor', 'bad'] as const;
export type Rating = (typeof RATINGS)[number];

const line = z.object({ id: z.string(), rating: z.enum(RATINGS) });

export class RatingFile {
  readonly path: string;
  readonly #byId: Map<string, Rating>;

  private constructor(path: string, byId: Map<string, Rating>) {
    this.path = path;
    this.#byId = byId;
  }

  /** @throws CorpusError CORPUS_MALFORMED_LINE */
  static async open(path: string): Promise<RatingFile> {
    const byId = new Map<string, Rating>();
    if (existsSync(path)) {
      for await (const { value, line: number } of readJsonLines(path)) {
        const parsed = line.safeParse(value);
        if (!parsed.success)
          throw malformed(path, number, {
            en: 'no rating (id, and good, poor or bad)',
            zh: '不是评分（应有 id 与 good、poor 或 bad）',
          });
        byId.set(parsed.data.id, parsed.data.rating);
      }
    }
    return new RatingFile(path, byId);
  }

  of(id: string): Rating | undefined {
    return this.#byId.get(id);
  }

  rate(id: string, rating: Rating): void {
    try {
      appendFileSync(this.path, `${JSON.stringify({ id, rating })}\n`, { flush: true });
    } catch (error) {
      throw writeProblem(this.path, error);
    }
    this.#byId.set(id, rating);
  }

  counts(ids: string[]): Record<Rating, number> {
    const counts = { good: 0, poor: 0, bad: 0 };
    for (const id of ids) {
      const rating = this.of(id);
      if (rating !== undefined) counts[rating]++;
    }
    return counts;
  }
}

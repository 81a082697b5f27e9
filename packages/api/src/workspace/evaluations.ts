/** Evaluations as their results tell of them, beside what others have published of the same tasks. */
import path from 'node:path';
import type { WorkspaceEvaluation, WorkspaceEvaluationDetails } from '@tunan/protocol';
import { z } from 'zod';
import { openInside, readJsonInside } from './bounded-file.ts';
import type { Place } from './find-places.ts';

/** A row that others have published; shares, not per cent. */
export interface PublishedScore {
  readonly name: string;
  readonly setting: 'zero-shot' | 'few-shot' | 'people' | 'majority';
  readonly score: number;
  /** By name of the task. */
  readonly tasks: Readonly<Record<string, number>>;
}

const interval = z.object({ low: z.number(), high: z.number() });
const results = z.object({
  format: z.literal('tunan-evaluation'),
  suite: z.string(),
  model: z.object({ name: z.string() }),
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  tasks: z.array(
    z.object({
      task: z.string(),
      title: z.string(),
      examples: z.int().nonnegative(),
      accuracy: z.number().nullish(),
      interval: interval.nullish(),
      majority: z.number().nullish(),
      random: z.number(),
    }),
  ),
  mean: z.object({ accuracy: z.number(), interval }).nullish(),
});
type Results = z.infer<typeof results>;

export class Evaluations {
  readonly #root: string;
  readonly #published: readonly PublishedScore[];

  constructor(root: string, published: readonly PublishedScore[]) {
    this.#root = root;
    this.#published = published;
  }

  /** @returns undefined where the folder holds no results of an evaluation */
  async body(place: Place, changedAt: number): Promise<WorkspaceEvaluation | undefined> {
    const read = await this.#read(place);
    return read && bodyOf(place, changedAt, read);
  }

  async details(place: Place, changedAt: number): Promise<WorkspaceEvaluationDetails | undefined> {
    const read = await this.#read(place);
    if (read === undefined) return undefined;
    await using report = await openInside(this.#root, path.join(place.directory, 'report.html'));
    const names = new Set(read.tasks.map(({ task }) => task));
    return {
      ...bodyOf(place, changedAt, read),
      settings: read.settings,
      interval: read.mean?.interval ?? null,
      tasks: read.tasks.map((task) => ({
        ...task,
        accuracy: task.accuracy ?? null,
        interval: task.interval ?? null,
        majority: task.majority ?? null,
      })),
      published: this.#published
        .filter(({ tasks }) => Object.keys(tasks).some((task) => names.has(task)) || isOfSuite(read))
        .map((row) => ({ ...row, tasks: { ...row.tasks } })),
      has_report: report !== undefined,
    };
  }

  async #read({ directory }: Place): Promise<Results | undefined> {
    return await readJsonInside(this.#root, path.join(directory, 'results.json'), results);
  }
}

/** Of which some have published a total alone. */
const isOfSuite = ({ suite }: Results): boolean => suite === 'zeroclue' || suite === 'fewclue';

const bodyOf = ({ id, path: place }: Place, changedAt: number, { suite, model, mean }: Results) => ({
  ...{ id, path: place, changed_at: changedAt, suite, model: model.name, accuracy: mean?.accuracy ?? null },
});

/** Runs of training as their folders tell of them. */
import path from 'node:path';
import { isAlive } from '@tunan/files';
import type { WorkspaceLog, WorkspaceRun, WorkspaceRunDetails } from '@tunan/protocol';
import { z } from 'zod';
import { readJsonInside } from './bounded-file.ts';
import type { Place } from './find-places.ts';
import { type LogLine, RunCurve, readLog } from './run-log.ts';

const point = z.object({ tokens: z.number(), loss: z.number() });
const plain = z.union([z.string(), z.number(), z.boolean()]);
const recipe = z.object({
  plan: z.looseObject({
    description: z.string().optional(),
    steps: z.int(),
    model: z.looseObject({}),
    data: z.array(z.object({ corpus: z.string(), weight: z.number() })),
    promised: z
      .object({ loss: z.number(), low: z.number(), high: z.number(), curve: z.array(point).optional() })
      .optional(),
  }),
});
/** Of the plan, beside what is told apart. */
const SETTINGS = ['sequenceLength', 'microBatch', 'precision', 'seed', 'device', 'threads', 'packing', 'recomputation'];
const holder = z.object({
  host: z.string(),
  boot: z.string().optional(),
  namespace: z.string().optional(),
  process: z.int(),
  started: z.string().optional(),
});
/** Curves that are kept; others are read again when they are asked for. */
const MOST_CURVES = 50;

export class Runs {
  readonly #root: string;
  readonly #curves = new Map<string, Promise<RunCurve>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** @returns undefined where the folder is none of a run any more */
  async body(place: Place, changedAt: number): Promise<WorkspaceRun | undefined> {
    const plan = await this.#plan(place);
    const curve = await this.#curve(place);
    return plan && curve && (await this.#bodyOf(place, changedAt, plan, curve));
  }

  async details(place: Place, changedAt: number): Promise<WorkspaceRunDetails | undefined> {
    const plan = await this.#plan(place);
    const curve = await this.#curve(place);
    if (plan === undefined || curve === undefined) return undefined;
    const { promised } = plan;
    return {
      ...(await this.#bodyOf(place, changedAt, plan, curve)),
      model: plainOf(plan.model),
      data: plan.data.map(({ corpus, weight }) => ({ corpus: this.#shownPath(corpus), weight })),
      settings: plainOf(Object.fromEntries(SETTINGS.map((name) => [name, plan[name]]))),
      curve: curve.points.map(curveLine),
      evaluations: curve.evaluations.flatMap(evaluationOf),
      expected: promised === undefined ? null : { ...promised, curve: promised.curve ?? [] },
      offset: curve.offset,
    };
  }

  async log(place: Place, offset: number): Promise<WorkspaceLog | undefined> {
    const piece = await readLog(this.#root, path.join(place.directory, 'log.jsonl'), offset);
    return (
      piece && {
        lines: piece.lines.map(curveLine),
        evaluations: piece.lines.flatMap(evaluationOf),
        offset: piece.offset,
        is_running: await this.#isRunning(place),
        restarted: piece.restarted,
      }
    );
  }

  async #bodyOf(place: Place, changedAt: number, plan: Plan, { last }: RunCurve): Promise<WorkspaceRun> {
    return {
      ...{ id: place.id, path: place.path, changed_at: changedAt },
      description: plan.description ?? null,
      is_running: await this.#isRunning(place),
      step: last?.step ?? 0,
      steps: plan.steps,
      tokens: last?.tokens ?? 0,
      loss: last?.loss ?? null,
      tokens_per_second: last?.tokensPerSecond ?? null,
    };
  }

  async #plan({ directory }: Place): Promise<Plan | undefined> {
    return (await readJsonInside(this.#root, path.join(directory, 'recipe.json'), recipe))?.plan;
  }

  /** One reader at a time goes on with a curve. */
  async #curve({ id, directory }: Place): Promise<RunCurve | undefined> {
    const before = this.#curves.get(id);
    const following = (async () => {
      const curve = (await before) ?? new RunCurve();
      return (await curve.follow(this.#root, path.join(directory, 'log.jsonl'))) ? curve : undefined;
    })();
    this.#curves.delete(id);
    this.#curves.set(
      id,
      following.then((curve) => curve ?? new RunCurve()),
    );
    for (const oldest of this.#curves.keys()) {
      if (this.#curves.size <= MOST_CURVES) break;
      this.#curves.delete(oldest);
    }
    return await following;
  }

  /** The lock is held by a process that lives; of one on another machine nothing can be known, and its lock is believed. */
  async #isRunning({ directory }: Place): Promise<boolean> {
    const held = await readJsonInside(this.#root, path.join(directory, 'training.lock'), holder);
    return (
      held !== undefined &&
      isAlive({ ...held, boot: held.boot, namespace: held.namespace, started: held.started }) !== false
    );
  }

  /** Below the folder of the server where it lies there, else the end of it. */
  #shownPath(file: string): string {
    const inside = path.relative(this.#root, file);
    return inside.startsWith('..') || path.isAbsolute(inside) ? file.split(/[\\/]/).slice(-2).join('/') : inside;
  }
}

type Plan = z.infer<typeof recipe>['plan'];

const plainOf = (given: Readonly<Record<string, unknown>>): Record<string, string | number | boolean> =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      const { success, data } = plain.safeParse(value);
      return success ? [[name, data]] : [];
    }),
  );

const curveLine = ({ step, tokens, loss, tokensPerSecond, gradientNorm, learningRate }: LogLine) => ({
  ...{
    step,
    tokens,
    loss,
    tokens_per_second: tokensPerSecond,
    gradient_norm: gradientNorm,
    learning_rate: learningRate,
  },
});

const evaluationOf = ({ step, tokens, evaluation }: LogLine) =>
  evaluation === undefined ? [] : [{ step, tokens, loss: evaluation.loss }];

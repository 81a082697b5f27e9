/**
 * Two evaluations of the same examples side by side: for each task the difference of accuracies with McNemar's exact test
 * (one run each) or the paired bootstrap (several), and for the mean of the tasks the paired bootstrap.
 */

import type { Interval } from '@tunan/classifier/proportion';
import { EvaluationError } from '../errors.ts';
import { bootstrapChance, bootstrapMean } from '../statistics/bootstrap.ts';
import { mcnemarExact, type PairedCounts, pairedCounts } from '../statistics/mcnemar.ts';
import type { StoredEvaluation, StoredTask } from './results-folder.ts';
import { exampleOutcomes, isRight } from './summary.ts';

export interface TaskComparison {
  readonly task: string;
  readonly title: string;
  /** That have a label. */
  readonly examples: number;
  readonly first: number;
  readonly second: number;
  /** second - first. */
  readonly difference: number;
  /** 95 %, paired bootstrap. */
  readonly interval: Interval;
  /** Chance of a difference as large where there is none. */
  readonly p: number;
  readonly test: 'mcnemar' | 'bootstrap';
  /** Examples that one model alone gets right; with one run each. */
  readonly counts: PairedCounts | undefined;
}

export interface Comparison {
  readonly tasks: readonly TaskComparison[];
  /** Over the tasks that both have. */
  readonly mean: Omit<TaskComparison, 'task' | 'title' | 'counts' | 'test'>;
  /** Tasks that only one of the two has. */
  readonly left: readonly string[];
  /** Settings in which the two differ: a difference of scores may come of them. */
  readonly differing: readonly SettingDifference[];
  /** Those that they have in common. */
  readonly common: Readonly<Record<string, string>>;
  /** Whether weights, tokenizer and arithmetic are the same. */
  readonly sameModel: boolean;
}

export interface SettingDifference {
  readonly name: string;
  /** Undefined where the results do not tell. */
  readonly first: string | undefined;
  readonly second: string | undefined;
}

/** @throws EvaluationError EVALUATION_BAD_RESULTS where there is no labelled task in common, or other examples */
export function compareEvaluations(first: StoredEvaluation, second: StoredEvaluation): Comparison {
  const pairs = first.tasks.flatMap((task) => {
    const other = second.tasks.find((one) => one.task === task.task);
    return other === undefined || !isLabelled(task) ? [] : [[task, other] as const];
  });
  if (pairs.length === 0) {
    throw new EvaluationError('EVALUATION_BAD_RESULTS', {
      en: 'the two evaluations have no labelled task in common; evaluate the same suite with both models',
      zh: '两次评测没有共同的带标签任务；请用两个模型评测同一套任务',
    });
  }
  for (const [one, other] of pairs) requireSameExamples(one, other);
  const tasks = pairs.map(([one, other]) => compareTask(one, other));
  const differences = pairs.map(([one, other]) => differencesOf(one, other));
  const { mean: difference, low, high } = bootstrapMean(differences);
  const names = new Set(tasks.map(({ task }) => task));
  return {
    tasks,
    mean: {
      examples: tasks.reduce((sum, { examples }) => sum + examples, 0),
      first: mean(tasks.map((task) => task.first)),
      second: mean(tasks.map((task) => task.second)),
      difference,
      interval: { low, high },
      p: bootstrapChance(differences),
    },
    left: [...first.tasks, ...second.tasks].map(({ task }) => task).filter((task) => !names.has(task)),
    ...compareSettings(settingsOf(first, names), settingsOf(second, names)),
    sameModel: first.model.identity === second.model.identity,
  };
}

/** With the template of each task, which may be the task's own choice. */
function settingsOf({ suite, settings, tasks }: StoredEvaluation, compared: ReadonlySet<string>): Map<string, string> {
  const templates = tasks
    .filter(({ task }) => compared.has(task))
    .map(({ task, template }) => [`template of ${task}`, template] as const);
  const all = [['suite', suite] as const, ...Object.entries(settings), ...templates];
  return new Map(all.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])));
}

function compareSettings(
  first: ReadonlyMap<string, string>,
  second: ReadonlyMap<string, string>,
): Pick<Comparison, 'common' | 'differing'> {
  const names = [...new Set([...first.keys(), ...second.keys()])];
  const differing = names
    .filter((name) => first.get(name) !== second.get(name))
    .map((name) => ({ name, first: first.get(name), second: second.get(name) }));
  const same = names.filter((name) => first.get(name) === second.get(name));
  return { differing, common: Object.fromEntries(same.map((name) => [name, first.get(name)!])) };
}

function compareTask(one: StoredTask, other: StoredTask): TaskComparison {
  const differences = differencesOf(one, other);
  const { low, high } = bootstrapMean([differences]);
  const single = one.runs.length === 1 && other.runs.length === 1;
  const counts = single ? pairedCounts(rights(one), rights(other)) : undefined;
  return {
    task: one.task,
    title: one.title,
    examples: differences.length,
    first: mean(exampleOutcomes(one)),
    second: mean(exampleOutcomes(other)),
    difference: mean(differences),
    interval: { low, high },
    p: counts === undefined ? bootstrapChance([differences]) : mcnemarExact(counts),
    test: counts === undefined ? 'bootstrap' : 'mcnemar',
    counts,
  };
}

/** second - first for every example. */
function differencesOf(one: StoredTask, other: StoredTask): number[] {
  const first = exampleOutcomes(one);
  return exampleOutcomes(other).map((outcome, i) => outcome - first[i]!);
}

function rights({ runs }: StoredTask): boolean[] {
  return runs[0]!.predictions.filter(({ gold }) => gold !== undefined).map(isRight);
}

function isLabelled({ runs }: StoredTask): boolean {
  return runs[0]!.predictions.some(({ gold }) => gold !== undefined);
}

/** By place, since ids are not unique in all data. */
function requireSameExamples(one: StoredTask, other: StoredTask): void {
  const golds = ({ runs }: StoredTask) => runs[0]!.predictions.map(({ id, gold }) => `${id} ${gold}`);
  const first = golds(one);
  const second = golds(other);
  const at = first.findIndex((example, i) => example !== second[i]);
  if (at < 0 && first.length === second.length) return;
  const where =
    at < 0
      ? { en: `${first.length} and ${second.length} examples`, zh: `样例数分别为 ${first.length} 与 ${second.length}` }
      : { en: `other examples from number ${at + 1} on`, zh: `样例从第 ${at + 1} 个起不同` };
  throw new EvaluationError('EVALUATION_BAD_RESULTS', {
    en: `${one.task}: the two evaluations have ${where.en}; evaluate both models on the same data with the same --limit and --seed`,
    zh: `${one.task}：两次评测的${where.zh}；请用相同的数据、--limit 与 --seed 评测两个模型`,
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

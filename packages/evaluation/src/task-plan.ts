/**
 * All questions of a task as requests to a scorer: examples, templates, solved examples, content-free prompts. Nothing is
 * scored here, and nothing decided: the same scores serve every way to calibrate and to expand.
 */

import { EvaluationError } from './errors.ts';
import { exampleChooser, permuted } from './few-shot/choose-examples.ts';
import { fitPrompt, type Measure } from './few-shot/fit-prompt.ts';
import { type FoundText, SharedText } from './few-shot/shared-text.ts';
import { labelWords } from './label-expansion.ts';
import { seededRandom, shuffledIndices } from './random.ts';
import type { EvaluationSettings, Overlap, Split } from './result.ts';
import type { ScoreRequest } from './scoring/scorer.ts';
import type { Example, Task, Template } from './tasks/task.ts';
import type { TaskData } from './tasks/task-data.ts';
import { renderSolved, scoresLabelWord } from './tasks/template.ts';

export interface TaskPlan {
  readonly task: Task;
  readonly template: Template;
  readonly settings: EvaluationSettings;
  readonly examples: readonly Example[];
  /** Each once, whoever asks. */
  readonly requests: readonly ScoreRequest[];
  readonly runs: readonly PlannedRun[];
}

export interface PlannedRun {
  readonly split: Split | undefined;
  readonly order: number;
  readonly questions: readonly PlannedQuestion[];
  readonly overlap?: Overlap | undefined;
}

export interface PlannedQuestion {
  /** Words of each label, in the order of the candidates. */
  readonly counts: readonly number[];
  /** Index of a request, as are those of the content-free prompts. */
  readonly request: number;
  readonly contentFree: readonly number[];
  readonly truncated: boolean;
  /** The solved examples that the prompt has in the end. */
  readonly solved: readonly Example[];
}

export interface PlanNeeds {
  /** Whether all words of the labels are scored, or the first of each. */
  readonly allWords: boolean;
  readonly contentFree: boolean;
}

/** What stands between solved examples, and between the last and the question. */
const SEPARATOR = '\n';

/**
 * @throws EvaluationError for missing or damaged data, templates that there are not, a context that is too short
 */
export function planTask(
  task: Task,
  data: TaskData,
  settings: EvaluationSettings,
  needs: PlanNeeds,
  measure: Measure,
): TaskPlan {
  const template = chooseTemplate(task, settings.template);
  requireContentFree(task, needs);
  const examples = drawExamples(data.read(task, settings.set), settings);
  const requests = new RequestList();
  const planner = new QuestionPlanner(task, template, settings, needs, measure, requests);
  const pools = settings.shots === 0 ? [undefined] : solvedPools(task, data, settings);
  const runs = pools.flatMap((pool): PlannedRun[] => {
    if (pool === undefined) {
      return [{ split: undefined, order: 0, questions: examples.map((example) => planner.plan(example, [])) }];
    }
    const shared = new SharedText(pool.examples);
    const found = examples.map((example) => shared.find(example));
    const choose = exampleChooser(pool.examples, task.labels, { ...settings, draw: Number(pool.split) || 0 });
    return Array.from({ length: settings.orders }, (_, order) => {
      const questions = examples.map((example, i) =>
        planner.plan(example, permuted(choose(example, found[i]!.all), order)),
      );
      return { split: pool.split, order, questions, overlap: overlapOf(found, questions) };
    });
  });
  return { task, template, settings, examples, requests: requests.list, runs };
}

function overlapOf(found: readonly FoundText[], questions: readonly PlannedQuestion[]): Overlap {
  return {
    examples: found.filter(({ all }) => all.size > 0).length,
    same: found.filter(({ same }) => same).length,
    shown: questions.filter(({ solved }, i) => solved.some((one) => found[i]!.all.has(one))).length,
  };
}

/**
 * What can be known to be wrong before anything is scored: of all tasks, so that a missing file of the last one does not show after hours.
 * @throws EvaluationError
 */
export function checkTasks(
  tasks: readonly Task[],
  data: TaskData,
  settings: EvaluationSettings,
  needs: PlanNeeds,
): void {
  for (const task of tasks) {
    chooseTemplate(task, settings.template);
    requireContentFree(task, needs);
    data.read(task, settings.set);
    if (settings.shots > 0) solvedPools(task, data, settings);
  }
}

function requireContentFree(task: Task, needs: PlanNeeds): void {
  if (!needs.contentFree || task.contentFree.length > 0) return;
  throw new EvaluationError('EVALUATION_BAD_TASK', {
    en: `task ${task.name}: no content-free prompt to calibrate by; add contentFree`,
    zh: `任务 ${task.name}：没有可供校准的无内容提示；请在 contentFree 中补上`,
  });
}

function chooseTemplate(task: Task, wanted: string | undefined): Template {
  if (wanted === undefined) return task.templates[0]!;
  const found = task.templates.find(({ name }, i) => name === wanted || String(i + 1) === wanted);
  if (found !== undefined) return found;
  const known = task.templates.map(({ name }, i) => `${i + 1} ${name}`).join(', ');
  throw new EvaluationError('EVALUATION_BAD_SETTING', {
    en: `task ${task.name} has no template "${wanted}"; it has ${known}`,
    zh: `任务 ${task.name} 没有模板“${wanted}”；已有 ${known}`,
  });
}

/** A seeded draw rather than the first ones: data is often sorted by label. The order of the data is kept. */
export function drawExamples(
  examples: readonly Example[],
  { limit, seed }: Pick<EvaluationSettings, 'limit' | 'seed'>,
): readonly Example[] {
  if (limit === undefined || limit >= examples.length) return examples;
  const drawn = shuffledIndices(examples.length, seededRandom(seed)).slice(0, limit);
  return drawn.sort((a, b) => a - b).map((i) => examples[i]!);
}

interface Pool {
  readonly split: Split | undefined;
  readonly examples: readonly Example[];
}

/** The training sets of the official splits; a task without splits may have one `train`. */
function solvedPools(task: Task, data: TaskData, { splits }: EvaluationSettings): Pool[] {
  const hasSplits = splits.some((split) => data.has(task, `train_${split}`));
  const names = hasSplits || !data.has(task, 'train') ? splits : [undefined];
  return names.map((split) => {
    const set = split === undefined ? 'train' : `train_${split}`;
    return { split, examples: readSolved(task, data, set) };
  });
}

/** A set that is learnt from. @throws EvaluationError EVALUATION_BAD_DATA for an example without a label */
export function readSolved(task: Task, data: TaskData, set: string): readonly Example[] {
  const examples = data.read(task, set);
  const unsolved = examples.findIndex(({ gold }) => gold === undefined);
  if (unsolved < 0) return examples;
  throw new EvaluationError('EVALUATION_BAD_DATA', {
    en: `${task.name}, set ${set}: example ${unsolved + 1} has no label; few-shot needs solved examples`,
    zh: `${task.name} 的 ${set}：第 ${unsolved + 1} 个样例没有标签；少样本评测需要带标签的样例`,
  });
}

class QuestionPlanner {
  readonly #task: Task;
  readonly #template: Template;
  readonly #needs: PlanNeeds;
  readonly #measure: Measure;
  readonly #requests: RequestList;
  readonly #firstTokenOnly: boolean;

  constructor(
    task: Task,
    template: Template,
    settings: EvaluationSettings,
    needs: PlanNeeds,
    measure: Measure,
    requests: RequestList,
  ) {
    this.#task = task;
    this.#template = template;
    this.#needs = needs;
    this.#measure = measure;
    this.#requests = requests;
    // Where other text than the label's word is scored, its first token alone would say nothing.
    this.#firstTokenOnly = settings.words === 'first' && scoresLabelWord(template);
  }

  plan(example: Example, chosen: readonly Example[]): PlannedQuestion {
    const { words, counts } = labelWords(this.#task, this.#template, example, this.#needs.allWords);
    const solved = chosen.map((one) => this.#solve(one));
    const fit = (fields: Example['fields']) => {
      const question = { fields, words, firstTokenOnly: this.#firstTokenOnly };
      return fitPrompt(this.#task, this.#template, question, solved, this.#measure);
    };
    const { request, truncated, shots } = fit(example.fields);
    const contentFree = this.#needs.contentFree
      ? this.#task.contentFree.map((empty) => this.#requests.shared(fit({ ...example.fields, ...empty }).request))
      : [];
    return {
      counts,
      request: this.#requests.add(request),
      contentFree,
      truncated,
      solved: chosen.slice(chosen.length - shots),
    };
  }

  #solve(example: Example): string {
    const { words, counts } = labelWords(this.#task, this.#template, example, false);
    if (counts.length !== words.length) throw new Error('more than one word a label');
    return renderSolved(this.#template, example.fields, words[this.#task.labels.indexOf(example.gold!)]!) + SEPARATOR;
  }
}

class RequestList {
  readonly list: ScoreRequest[] = [];
  readonly #shared = new Map<string, number>();

  add(request: ScoreRequest): number {
    return this.list.push(request) - 1;
  }

  /** The index of an equal request where there is one. */
  shared(request: ScoreRequest): number {
    const key = JSON.stringify(request);
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const index = this.add(request);
    this.#shared.set(key, index);
    return index;
  }
}

/** From the scores of a task's requests to predictions and accuracies, for one way to calibrate and to expand. */

import { calibrate, normalise, probabilities } from './calibration.ts';
import { firstWords, joinWords } from './label-expansion.ts';
import { seededRandom } from './random.ts';
import type { DecisionSettings, Prediction, TaskResult, TaskRun } from './result.ts';
import type { CandidateScore } from './scoring/scorer.ts';
import type { PlannedRun, TaskPlan } from './task-plan.ts';

/**
 * @param scores of the plan's requests, in their order
 * @param decision may ask for no more than what was planned
 */
export function decideTask(
  plan: TaskPlan,
  scores: readonly (readonly CandidateScore[])[],
  decision: DecisionSettings,
): TaskResult {
  const runs = plan.runs.map((run, i) => decideRun(plan, run, scores, decision, lot(plan.settings.seed, i)));
  const accuracies = runs.flatMap(({ accuracy }) => accuracy ?? []);
  const golds = plan.examples.flatMap(({ gold }) => gold ?? []);
  const counts = plan.task.labels.map((label) => golds.filter((gold) => gold === label).length);
  const { task } = plan;
  return {
    task: task.name,
    title: task.title,
    labels: task.labels,
    examples: plan.examples.length,
    labelled: golds.length,
    accuracy: accuracies.length === 0 ? undefined : mean(accuracies),
    deviation: accuracies.length > 1 ? deviation(accuracies) : undefined,
    orderSpread: plan.settings.orders > 1 && accuracies.length > 1 ? orderSpread(runs) : undefined,
    majority: golds.length === 0 ? undefined : Math.max(...counts) / golds.length,
    random: 1 / task.labels.length,
    runs,
  };
}

function decideRun(
  plan: TaskPlan,
  run: PlannedRun,
  scores: readonly (readonly CandidateScore[])[],
  decision: DecisionSettings,
  draw: () => number,
): TaskRun {
  const { task, template, settings } = plan;
  const predictions = run.questions.map((question, i): Prediction => {
    const { id, gold } = plan.examples[i]!;
    const pick = <Item>(items: readonly Item[]) =>
      decision.expand === 'none' ? firstWords(items, question.counts) : items;
    const wordsOf = (request: number) => {
      const texts = plan.requests[request]!.candidates.map(({ scored }) => scored);
      return probabilities(pick(scores[request]!), pick(texts), decision.normalise);
    };
    const p = wordsOf(question.request);
    const contentFree = question.contentFree.map(wordsOf);
    const q = calibrate(p, contentFree, decision.calibrate);
    const counts = decision.expand === 'none' ? question.counts.map(() => 1) : question.counts;
    const joined = joinWords(q, counts, decision.expand);
    const byLabel = decision.calibrate === 'identity' ? joined : normalise(joined);
    const best = greatest(byLabel);
    // Drawn for every question, so that a tie here leaves the lots of all others as they are.
    const predicted = task.labels[best[Math.floor(draw() * best.length)]!]!;
    const { truncated, solved } = question;
    return { id, gold, predicted, scores: byLabel, truncated, shots: solved.length, tied: best.length };
  });
  const labelled = predictions.filter(({ gold }) => gold !== undefined);
  const correct = labelled.filter(({ gold, predicted }) => gold === predicted).length;
  return {
    template: `${template.name}@${template.version}`,
    shots: settings.shots,
    split: run.split,
    order: run.order,
    ...decision,
    overlap: run.overlap,
    correct,
    accuracy: labelled.length === 0 ? undefined : correct / labelled.length,
    truncatedShare: predictions.filter(({ truncated }) => truncated).length / predictions.length,
    predictions,
  };
}

/** Scores nearer than this are one: what is left is the rounding of sums over different numbers of tokens. */
const SAME_SCORE = 1e-9;

/** Places of the greatest score. */
function greatest(scores: readonly number[]): number[] {
  const least = Math.max(...scores) - SAME_SCORE / scores.length;
  return scores.flatMap((score, i) => (score >= least ? [i] : []));
}

/** No label is favoured where several are as good; the same seed draws the same. */
function lot(seed: number, run: number): () => number {
  return seededRandom(Math.imul(seed, 0x9e37_79b1) ^ (run + 1));
}

/** Greatest less smallest accuracy between the orders of a split, the mean over the splits. */
function orderSpread(runs: readonly TaskRun[]): number {
  const splits = [...Map.groupBy(runs, ({ split }) => split).values()];
  return mean(
    splits.map((orders) => {
      const accuracies = orders.flatMap(({ accuracy }) => accuracy ?? []);
      return Math.max(...accuracies) - Math.min(...accuracies);
    }),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** With n - 1. */
function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

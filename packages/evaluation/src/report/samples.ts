/**
 * What stands behind every score, for those who check: the prompts as they were sent, the candidates with their raw log-probabilities
 * and numbers of tokens, the solved examples that were shown, and what came of it.
 */

import type { TaskResult } from '../result.ts';
import type { CandidateScore } from '../scoring/scorer.ts';
import type { TaskPlan } from '../task-plan.ts';
import type { Example } from '../tasks/task.ts';

/** One line of samples.jsonl: a prompt without content, or a question of a run. */
export type Sample = ContentFreeSample | QuestionSample;

interface SampleCandidate {
  readonly label: string;
  /** Behind the prompt and not scored. */
  readonly given: string;
  readonly scored: string;
  /** Natural logarithm, the sum over the tokens. */
  readonly logprob: number;
  readonly tokens: number;
}

interface ContentFreeSample {
  readonly kind: 'content-free';
  readonly task: string;
  /** By which questions name it. */
  readonly request: number;
  readonly prompt: string;
  readonly candidates: readonly SampleCandidate[];
}

interface QuestionSample {
  readonly kind: 'question';
  readonly task: string;
  readonly template: string;
  readonly run: number;
  readonly split?: string | number | undefined;
  readonly order: number;
  readonly example: number;
  readonly id?: string | number | undefined;
  readonly gold?: string | undefined;
  readonly predicted: string;
  readonly scores: readonly number[];
  readonly tied: number;
  readonly truncated: boolean;
  /** Solved examples in the prompt, in its order. */
  readonly shots: readonly ShownExample[];
  readonly prompt: string;
  readonly candidates: readonly SampleCandidate[];
  readonly contentFree: readonly number[];
}

export interface ShownExample {
  readonly id?: string | number | undefined;
  readonly label?: string | undefined;
}

/** A prompt for people to look at: the first question of a run. */
export interface ShownPrompt {
  readonly split?: string | number | undefined;
  readonly shots: readonly ShownExample[];
  readonly prompt: string;
  readonly candidates: readonly { readonly given: string; readonly scored: string }[];
}

/** @param scores of the plan's requests */
export function* samplesOf(
  plan: TaskPlan,
  scores: readonly (readonly CandidateScore[])[],
  result: TaskResult,
): Generator<Sample> {
  const { task, requests } = plan;
  const told = new Set<number>();
  const sent = (request: number, counts: readonly number[]) => {
    const labels = counts.flatMap((count, i) => Array<string>(count).fill(task.labels[i]!));
    const { context, candidates } = requests[request]!;
    return {
      prompt: context.join(''),
      candidates: candidates.map((candidate, i) => ({ label: labels[i]!, ...candidate, ...scores[request]![i]! })),
    };
  };
  for (const [run, { questions, split, order }] of plan.runs.entries()) {
    const { predictions, template } = result.runs[run]!;
    for (const [example, { request, contentFree, counts, solved }] of questions.entries()) {
      for (const empty of contentFree) {
        if (told.has(empty)) continue;
        told.add(empty);
        yield { kind: 'content-free', task: task.name, request: empty, ...sent(empty, counts) };
      }
      const { id, gold, predicted, scores: own, tied, truncated } = predictions[example]!;
      const answer = { id, gold, predicted, scores: own, tied, truncated };
      const place = { task: task.name, template, run, split, order, example };
      yield { kind: 'question', ...place, ...answer, shots: solved.map(shown), ...sent(request, counts), contentFree };
    }
  }
}

export function shownPrompts({ runs, requests }: TaskPlan): ShownPrompt[] {
  return runs
    .filter(({ order }) => order === 0)
    .flatMap(({ split, questions: [first] }) => {
      if (first === undefined) return [];
      const { context, candidates } = requests[first.request]!;
      return [{ split, shots: first.solved.map(shown), prompt: context.join(''), candidates }];
    });
}

function shown({ id, gold }: Example): ShownExample {
  return { id, label: gold };
}

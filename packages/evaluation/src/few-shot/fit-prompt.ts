/**
 * Makes the request for a question, fitted to the context of the model. What does not fit gives way in this order:
 *
 * 1. solved examples, whole ones, the farthest from the question first;
 * 2. the fields that the task names as cuttable, in its order, character by character at the end that it names.
 *
 * Labels, their words and the fixed parts of a prompt are never cut.
 */

import { EvaluationError } from '../errors.ts';
import type { ScoreRequest, Scorer } from '../scoring/scorer.ts';
import type { Cut, Task, Template } from '../tasks/task.ts';
import { type Fields, renderQuestion } from '../tasks/template.ts';

export interface FittedPrompt {
  readonly request: ScoreRequest;
  readonly truncated: boolean;
  /** Solved examples that are left. */
  readonly shots: number;
}

export type Measure = Pick<Scorer, 'contextLength' | 'countTokens' | 'joins'>;

interface Question {
  readonly fields: Fields;
  readonly words: readonly string[];
  readonly firstTokenOnly: boolean;
}

/**
 * @param solved rendered examples, each with what separates it from the next
 * @throws EvaluationError EVALUATION_CONTEXT_TOO_SHORT when the fixed parts alone do not fit
 */
export function fitPrompt(
  task: Task,
  template: Template,
  question: Question,
  solved: readonly string[],
  measure: Measure,
): FittedPrompt {
  let room = measure.contextLength;
  const within = (contextLength: number) => ({
    contextLength,
    countTokens: (text: string) => measure.countTokens(text),
  });
  for (;;) {
    const fitted = fitPieces(task, template, question, solved, within(room));
    // Where pieces are joined a word may reach across, and the whole have a token more than its parts.
    const over = measure.joins ? joinedTokens(fitted.request, measure) - measure.contextLength : 0;
    if (over <= 0) return fitted;
    room -= over;
  }
}

/** Far from the limit the parts' own counts will do: joints make no more tokens than this of them. */
const JOINT_TOKENS = 32;

function joinedTokens({ context, candidates }: ScoreRequest, measure: Measure): number {
  const before = context.join('');
  const parts = candidates.map(({ given, scored }) => measure.countTokens(given) + measure.countTokens(scored));
  const sum = context.reduce((total, piece) => total + measure.countTokens(piece), 0) + Math.max(...parts);
  if (sum + JOINT_TOKENS <= measure.contextLength) return sum;
  return Math.max(...candidates.map(({ given, scored }) => measure.countTokens(before + given + scored)));
}

function fitPieces(
  task: Task,
  template: Template,
  question: Question,
  solved: readonly string[],
  measure: Pick<Measure, 'contextLength' | 'countTokens'>,
): FittedPrompt {
  const sizes = solved.map((text) => measure.countTokens(text));
  const length = (fields: Fields) => questionTokens(template, fields, question.words, measure);
  const room = measure.contextLength - length(question.fields);
  let first = 0;
  let used = sizes.reduce((sum, size) => sum + size, 0);
  while (first < solved.length && used > room) used -= sizes[first++]!;
  const fields = room >= 0 ? question.fields : cutFields(task, question.fields, length, measure.contextLength);
  const { context, candidates } = renderQuestion(template, fields, question.words);
  if (candidates.some(({ scored }) => scored === '')) {
    const message = {
      en: `task ${task.name}, template ${template.name}: the scored text is empty; give every field that stands in brackets a text`,
      zh: `任务 ${task.name}，模板 ${template.name}：打分的文字为空；方括号中的每个字段都须有文字`,
    };
    throw new EvaluationError('EVALUATION_BAD_TASK', message);
  }
  return {
    request: {
      context: [...solved.slice(first), ...(context === '' ? [] : [context])],
      candidates,
      ...(question.firstTokenOnly && { firstTokenOnly: true }),
    },
    truncated: room < 0,
    shots: solved.length - first,
  };
}

/** Tokens of the question with its longest candidate. */
function questionTokens(
  template: Template,
  fields: Fields,
  words: readonly string[],
  measure: Pick<Measure, 'countTokens'>,
): number {
  const { context, candidates } = renderQuestion(template, fields, words);
  const tails = candidates.map(({ given, scored }) => measure.countTokens(given) + measure.countTokens(scored));
  return measure.countTokens(context) + Math.max(...tails);
}

function cutFields(task: Task, fields: Fields, length: (fields: Fields) => number, room: number): Fields {
  let cut = fields;
  for (const one of task.cuts) {
    const whole = cut;
    const characters = [...(whole[one.field] ?? '')];
    const keeping = (count: number): Fields => ({ ...whole, [one.field]: kept(characters, count, one) });
    // One character stays, since an empty text may be what is scored.
    const least = Math.min(1, characters.length);
    if (length(keeping(least)) > room) {
      cut = keeping(least);
      continue;
    }
    // The most characters that fit. Fewer characters may rarely make more tokens; what is found fits in any case.
    let fits = least;
    let tooMany = characters.length;
    while (tooMany - fits > 1) {
      const middle = (fits + tooMany) >> 1;
      if (length(keeping(middle)) <= room) fits = middle;
      else tooMany = middle;
    }
    return keeping(fits);
  }
  throw new EvaluationError('EVALUATION_CONTEXT_TOO_SHORT', {
    en: `task ${task.name}: the prompt without any content has ${length(cut)} tokens, the context ${room}; take a shorter template or a model with a longer context`,
    zh: `任务 ${task.name}：去掉全部内容后提示仍有 ${length(cut)} 个词元，而上下文为 ${room}；请换较短的模板或上下文较长的模型`,
  });
}

function kept(characters: readonly string[], count: number, { at }: Cut): string {
  return (at === 'end' ? characters.slice(0, count) : characters.slice(characters.length - count)).join('');
}

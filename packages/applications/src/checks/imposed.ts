/** What a model is held to while it writes: the constraint of the application, or what its checks say as far as a grammar can. */
import type { AnswerConstraint } from '@tunan/inference';
import type { App, AppCheck } from '@tunan/protocol';
import type { Inputs } from '../inputs.ts';
import { acrosticGrammar, coupletGrammar, meterGrammar, verseGrammar } from '../verse/impose.ts';
import { rhymeBook } from '../verse/rhyme-book.ts';
import { meterOf, verseFormOf } from './verse-form.ts';

/** Of an imposed constraint; a server that cannot honour it is asked without. */
export const IMPOSED = 'checks';

/** The application's own constraint, which a model has to honour. */
export function ownConstraint({ constraint }: App): AnswerConstraint | undefined {
  if (constraint === undefined) return undefined;
  const option = 'constraint';
  const { regex, choice, grammar, json } = constraint;
  if (regex !== undefined) return { kind: 'regex', pattern: regex, option };
  if (choice !== undefined) return { kind: 'choice', texts: choice, option };
  if (grammar !== undefined) return { kind: 'grammar', source: grammar, option };
  return { kind: 'json', schema: json, option };
}

/**
 * Of the first check that can be imposed; parallelism goes into the form of a couplet or poem.
 * @param draw uniform in [0, 1): where a form leaves a choice, such as that of a rhyme
 * @throws AppError APP_BAD_INPUT where inputs do not fit the form
 */
export function imposedConstraint(app: App, inputs: Inputs, draw: () => number): AnswerConstraint | undefined {
  const parallel = app.checks.some((check) => check.use === 'parallel' && check.impose);
  for (const check of app.checks) {
    const constraint = 'impose' in check && check.impose ? constraintOf(check, inputs, { parallel, draw }) : undefined;
    if (constraint !== undefined) return { ...constraint, option: IMPOSED };
  }
  return undefined;
}

function constraintOf(
  check: AppCheck,
  inputs: Inputs,
  { parallel, draw }: { readonly parallel: boolean; readonly draw: () => number },
): AnswerConstraint | undefined {
  const grammar = (source: string): AnswerConstraint => ({ kind: 'grammar', source });
  switch (check.use) {
    case 'verse': {
      const { form, heads } = verseFormOf(check, inputs);
      const { tones, rhyme, book } = check;
      return grammar(verseGrammar({ form, book: rhymeBook(book), tones, rhyme, heads, parallel, draw }));
    }
    case 'meter':
      return grammar(meterGrammar(meterOf(check, inputs), rhymeBook(check.book), draw));
    case 'acrostic':
      return grammar(acrosticGrammar(inputs[check.of] ?? '', check.characters, rhymeBook('pingshui'), draw));
    case 'couplet':
      return grammar(
        coupletGrammar(inputs[check.of] ?? '', { book: rhymeBook(check.book), tones: check.tones, parallel }, draw),
      );
    case 'pattern':
      return { kind: 'regex', pattern: check.pattern };
    case 'choice':
      return { kind: 'choice', texts: check.texts };
    default:
      return undefined;
  }
}

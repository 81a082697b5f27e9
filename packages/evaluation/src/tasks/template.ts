/** Reads templates (their language: task.ts) and fills them in. Pure text; knows no tokens. */

import type { Candidate } from '../scoring/scorer.ts';
import type { Template } from './task.ts';

const PLACEHOLDER = /\{([A-Za-z][A-Za-z0-9_]*)\}/g;
const LABEL = '{label}';

export type Fields = Readonly<Record<string, string>>;

/** A template taken apart. In a pattern for training nothing is scored, and all stands in `given`. */
export interface TemplateParts {
  /** In front of the bracket. */
  readonly given: string;
  /** Inside. */
  readonly scored: string;
  /** Behind: for solved examples only. */
  readonly rest: string;
}

/** @throws Error saying in one clause what is wrong with the text */
export function parseTemplate(text: string): TemplateParts {
  const match = /^([^[\]]*)\[([^[\]]+)\]([^[\]]*)$/.exec(text);
  if (match === null) throw new Error(`"${text}" needs one pair of square brackets around what is scored`);
  const [, given = '', scored = '', rest = ''] = match;
  if (given.split(LABEL).length + scored.split(LABEL).length !== 3 || rest.includes(LABEL)) {
    throw new Error(`"${text}" needs ${LABEL} once, not behind the brackets`);
  }
  return { given, scored, rest };
}

/** Names of the fields that a template uses. */
export function templateFields(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].map(([, name]) => name!).filter((name) => name !== 'label');
}

/** Whether the label's word alone is scored, so that only the word, never other text, tells the labels apart. */
export function scoresLabelWord(template: Template): boolean {
  return parseTemplate(template.text).scored === LABEL;
}

/** What all words share, and what comes with each word. */
export function renderQuestion(
  template: Template,
  fields: Fields,
  words: readonly string[],
): { context: string; candidates: Candidate[] } {
  const { given, scored } = parseTemplate(template.text);
  const split = given.indexOf(LABEL);
  const shared = split < 0 ? given : given.slice(0, split);
  const own = split < 0 ? '' : given.slice(split);
  return {
    context: fill(shared, fields),
    candidates: words.map((word) => ({
      given: fill(own, { ...fields, label: word }),
      scored: fill(scored, { ...fields, label: word }),
    })),
  };
}

/** The whole text with a word in place: a solved example, or a pattern for training. */
export function renderSolved(template: Template, fields: Fields, word: string): string {
  return fill(template.text.replace(/[[\]]/g, ''), { ...fields, label: word });
}

/** In one pass, so that braces inside a field stay what they are. */
function fill(text: string, fields: Fields): string {
  return text.replace(PLACEHOLDER, (_, name: string) => {
    const value = fields[name];
    if (value === undefined) throw new Error(`the template names {${name}}, which the example does not have`);
    return value;
  });
}

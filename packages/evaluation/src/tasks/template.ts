/** Reads templates (their language: task.ts) and fills them in. Pure text; knows no tokens. */

import { ClauseError } from '../errors.ts';
import type { Candidate } from '../scoring/scorer.ts';
import type { Template } from './task.ts';

const PLACEHOLDER = /\{([A-Za-z][A-Za-z0-9_]*)\}/g;
/** A field, and a mark of the template behind it. */
const FIELD_AND_MARK = /\{([A-Za-z][A-Za-z0-9_]*)\}([。？！，、；：]?)/g;
/** Marks at the end of a field's text, with closing quotes and brackets behind or between them. */
const MARKS_AT_END = /[。．.！!？?，,、；;：:～~…][。．.！!？?，,、；;：:～~…”’"'」』）)》】\s]*$/u;
/** Of these, the ones that end a sentence: a full stop of the template behind them says nothing more. */
const SENTENCE_END = /[。．.！!？?…～~][”’"'」』）)》】\s]*$/u;
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

/** @throws ClauseError saying what is wrong with the text */
export function parseTemplate(text: string): TemplateParts {
  const match = /^([^[\]]*)\[([^[\]]+)\]([^[\]]*)$/.exec(text);
  if (match === null) {
    throw new ClauseError({
      en: `"${text}" needs one pair of square brackets around what is scored`,
      zh: `“${text}”须有一对方括号括住打分的部分`,
    });
  }
  const [, given = '', scored = '', rest = ''] = match;
  if (given.split(LABEL).length + scored.split(LABEL).length !== 3 || rest.includes(LABEL)) {
    throw new ClauseError({
      en: `"${text}" needs ${LABEL} once, not behind the brackets`,
      zh: `“${text}”须有且只有一个 ${LABEL}，且不在方括号之后`,
    });
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
  const own = { ...fields, label: word };
  const [, given, scored, rest] = /^([^[\]]*)(?:\[([^[\]]*)\])?([^[\]]*)$/.exec(template.text)!;
  const [first, second, third] = [given, scored, rest].map((part) => fill(part ?? '', own));
  return `${first}${second}${withoutDoubledStop(second!, third!)}`;
}

/** In one pass, so that braces inside a field stay what they are. */
function fill(text: string, fields: Fields): string {
  return text.replace(FIELD_AND_MARK, (_, name: string, mark: string) => {
    const value = fields[name];
    if (value === undefined) {
      throw new ClauseError({
        en: `the template names {${name}}, which the example does not have`,
        zh: `模板用到 {${name}}，而样例没有这个字段`,
      });
    }
    return name === 'label' ? value + mark : punctuated(value, mark);
  });
}

/**
 * A text and the template's mark behind it, with one mark between them, as a writer would: after a sentence that has its end the
 * template's full stop is left out; any other mark of the template (a question's, a comma) takes the place of the text's.
 */
function punctuated(value: string, mark: string): string {
  if (mark === '') return value;
  if (mark === '。' && SENTENCE_END.test(value)) return value;
  const marks = MARKS_AT_END.exec(value)?.[0] ?? '';
  const closers = marks.replace(/[。．.！!？?，,、；;：:～~…\s]/gu, '');
  const bare = value.slice(0, value.length - marks.length).trimEnd() + closers;
  // A text of nothing but dots is a text; one of nothing but another mark gives way to the template's.
  if (bare === closers) return marks === '' || marks.includes('…') ? value + mark : mark;
  return bare + mark;
}

/** Where the mark stands behind the bracket that the text fills: what was scored is as it was. */
function withoutDoubledStop(before: string, behind: string): string {
  return behind.startsWith('。') && SENTENCE_END.test(before) ? behind.slice(1) : behind;
}

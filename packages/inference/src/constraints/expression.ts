/**
 * What a text may be: the form that regular expressions, JSON schemas and grammars are all written in before they become an automaton.
 *
 * An expression describes texts; a rule has a name and an expression, and may name itself. Plain data, no behaviour.
 */
import type { CodePoints } from './code-points.ts';

export type Expression =
  /** Exactly this. */
  | { readonly kind: 'text'; readonly text: string }
  /** One character of a set; an empty set matches nothing. */
  | { readonly kind: 'character'; readonly set: CodePoints }
  | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly kind: 'choice'; readonly options: readonly Expression[] }
  /** `most` undefined: without end. */
  | { readonly kind: 'repeat'; readonly part: Expression; readonly least: number; readonly most: number | undefined }
  | { readonly kind: 'rule'; readonly name: string }
  /** What matches all; none of them names a rule. */
  | { readonly kind: 'all'; readonly parts: readonly Expression[] }
  /** A finite automaton over ASCII characters; state 0 is the first. */
  | { readonly kind: 'automaton'; readonly edges: readonly Edge[]; readonly finals: ReadonlySet<number> };

export type Edge = readonly [from: number, character: string, to: number];

export interface Grammar {
  readonly start: Expression;
  readonly rules: ReadonlyMap<string, Expression>;
}

export const text = (value: string): Expression => ({ kind: 'text', text: value });
export const character = (set: CodePoints): Expression => ({ kind: 'character', set });
export const sequence = (...parts: readonly Expression[]): Expression =>
  parts.length === 1 ? parts[0]! : { kind: 'sequence', parts };
export const choice = (...options: readonly Expression[]): Expression =>
  options.length === 1 ? options[0]! : { kind: 'choice', options };
export const repeat = (part: Expression, least: number, most?: number): Expression => ({
  kind: 'repeat',
  part,
  least,
  most,
});
export const optional = (part: Expression): Expression => repeat(part, 0, 1);
export const rule = (name: string): Expression => ({ kind: 'rule', name });
export const all = (...parts: readonly Expression[]): Expression =>
  parts.length === 1 ? parts[0]! : { kind: 'all', parts };
/** Matches no text at all. */
export const NOTHING: Expression = { kind: 'choice', options: [] };
/** Matches the empty text alone. */
export const EMPTY: Expression = { kind: 'text', text: '' };

/** The same with every character written otherwise. @param spelling of the characters of a set */
export function respell(expression: Expression, spelling: (set: CodePoints) => Expression): Expression {
  const inner = (part: Expression) => respell(part, spelling);
  switch (expression.kind) {
    case 'text': {
      const points = [...expression.text].map((one) => one.codePointAt(0)!);
      return sequence(...points.map((point) => spelling([[point, point]])));
    }
    case 'character':
      return spelling(expression.set);
    case 'sequence':
      return { kind: 'sequence', parts: expression.parts.map(inner) };
    case 'choice':
      return { kind: 'choice', options: expression.options.map(inner) };
    case 'repeat':
      return { ...expression, part: inner(expression.part) };
    case 'all':
      return { kind: 'all', parts: expression.parts.map(inner) };
    case 'rule':
    case 'automaton':
      throw new Error(`a ${expression.kind} cannot be written otherwise`);
  }
}

/** What callers may ask an answer to satisfy, as a constraint over the tokens of one vocabulary. Compiled ones are kept and shared. */
import { InferenceError } from '../errors.ts';
import { Constraint } from './constraint.ts';
import { constraintError } from './constraint-error.ts';
import { choice, type Grammar, text } from './expression.ts';
import { readGbnf } from './gbnf.ts';
import { compileSchema, JSON_OBJECT } from './json-schema/compile-schema.ts';
import { wholeMatch } from './regular-expression.ts';
import { TokenTrie } from './token-trie.ts';

/** What the answer of a model must satisfy from beginning to end. */
export type AnswerConstraint = ConstraintForm & {
  /** What its caller calls it, for messages; 'constraint' when absent. */
  readonly option?: string;
};

type ConstraintForm =
  /** A JSON schema, draft 2020-12; true is any JSON. */
  | { readonly kind: 'json'; readonly schema: unknown }
  /** A JSON object of any form. */
  | { readonly kind: 'json-object' }
  /** A regular expression of JavaScript, for the whole answer. */
  | { readonly kind: 'regex'; readonly pattern: string }
  /** One of some texts. */
  | { readonly kind: 'choice'; readonly texts: readonly string[] }
  /** A grammar as llama.cpp writes it. */
  | { readonly kind: 'grammar'; readonly source: string };

/** Compiled constraints that are kept for requests to come. */
const MOST_KEPT = 16;

/** The tokens that a constraint may put together. */
export interface SpelledVocabulary {
  readonly size: number;
  tokenBytes(id: number): Uint8Array;
  /** Whether a text can have it: special tokens stand in none. */
  isText(id: number): boolean;
}

/** Of one vocabulary. */
export class ConstraintCompiler {
  readonly #vocabulary: SpelledVocabulary;
  readonly #kept = new Map<string, Constraint>();
  #trie: TokenTrie | undefined;

  constructor(vocabulary: SpelledVocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** @throws InferenceError INFERENCE_BAD_OPTION that says what is wrong with it */
  compile(asked: AnswerConstraint): Constraint {
    const { option, ...form } = asked;
    const key = JSON.stringify(form);
    const known = this.#kept.get(key);
    this.#kept.delete(key);
    const constraint = known ?? this.#build(form, option);
    this.#kept.set(key, constraint);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(oldest!);
    return constraint;
  }

  #build(form: ConstraintForm, option: string | undefined): Constraint {
    try {
      return new Constraint(grammarOf(form), this.#vocabularyTrie());
    } catch (cause) {
      if (!(cause instanceof InferenceError) || option === undefined) throw cause;
      const message = { en: cause.message, zh: cause.chinese ?? cause.message };
      throw new InferenceError(cause.code, message, { option, cause });
    }
  }

  #vocabularyTrie(): TokenTrie {
    if (this.#trie !== undefined) return this.#trie;
    const { size } = this.#vocabulary;
    const ids = Array.from({ length: size }, (_, id) => id).filter((id) => this.#vocabulary.isText(id));
    this.#trie = new TokenTrie(
      ids.map((id) => ({ id, bytes: this.#vocabulary.tokenBytes(id) })),
      size,
    );
    return this.#trie;
  }
}

export function grammarOf(asked: ConstraintForm): Grammar {
  const alone = (start: Grammar['start']): Grammar => ({ start, rules: new Map() });
  switch (asked.kind) {
    case 'json':
      return compileSchema(asked.schema);
    case 'json-object':
      return JSON_OBJECT;
    case 'regex':
      return alone(wholeMatch(asked.pattern));
    case 'choice':
      if (asked.texts.length === 0)
        throw constraintError({ en: 'there is nothing to choose from', zh: '没有可选的文本' });
      return alone(choice(...asked.texts.map(text)));
    case 'grammar':
      return readGbnf(asked.source);
  }
}

/** What is looked for in texts of one direction, and what is done about it; policy.ts makes it of a file. */
import type { PersonalDataKind } from '@tunan/page/personal-data';
import type { WordTrie } from './word-trie.ts';

/** block: refuses a prompt, ends an answer. mask: something else is shown in its place. log: counted and written down alone. */
export type Action = 'block' | 'mask' | 'log';
export type Direction = 'input' | 'output';

export interface Finding {
  readonly action: Action;
  readonly source: 'list' | 'personal-data' | 'classifier';
  /** Of a list as the policy names it, a kind of personal data, or a label. */
  readonly category: string;
}

export interface ListedWord {
  readonly category: string;
  readonly mask: string;
}

export interface DirectionRules {
  readonly words: readonly (readonly [Action, WordTrie<ListedWord>])[];
  readonly personalData:
    | {
        readonly kinds: readonly PersonalDataKind[];
        readonly action: Action;
        readonly masks: Readonly<Record<PersonalDataKind, string>>;
      }
    | undefined;
  readonly classifier:
    | {
        readonly label: string;
        readonly threshold: number;
        readonly action: Action;
        /** That a text is of the label. */
        probability(text: string): number;
      }
    | undefined;
}

/** Whether anything is looked for at all. */
export const hasRules = ({ words, personalData, classifier }: DirectionRules): boolean =>
  words.length > 0 || personalData !== undefined || classifier !== undefined;

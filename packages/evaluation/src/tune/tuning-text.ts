/**
 * From examples of a task to the token sequences of tuning. Up to twenty labels, every choice is a sequence: the pattern with
 * the label's word in place. Beyond, one sequence an example: the pattern up to where the word would stand.
 *
 * A sequence longer than the limit loses text from the fields that the task allows to cut, in the task's order and at the
 * task's end of each, by as few characters as will do: the rest of the pattern and the label always stay.
 */

import type { Tokenizer } from '@tunan/tokenizer';
import { EvaluationError } from '../errors.ts';
import type { Cut, Example, Task, Template } from '../tasks/task.ts';
import { renderSolved } from '../tasks/template.ts';
import type { TuningExample } from './fine-tune.ts';

/** Most labels of which each gets a sequence of its own. */
const MOST_CHOICES = 20;
const LABEL = '{label}';

export interface TuningText extends TuningExample {
  readonly truncated: boolean;
}

export class TuningTexts {
  /** Classes of the class head; undefined where choices are scored. */
  readonly classes: number | undefined;
  /** Name and version: `tuning@1`. */
  readonly pattern: string;
  readonly #task: Task;
  readonly #tokenizer: Tokenizer;
  readonly #template: Template;
  readonly #limit: number;

  /** @param limit most tokens of a sequence, the document's beginning included */
  constructor(task: Task, tokenizer: Tokenizer, limit: number) {
    this.#task = task;
    this.#tokenizer = tokenizer;
    this.#limit = limit;
    this.#template = task.tuning ?? task.templates[0]!;
    this.pattern = `${this.#template.name}@${this.#template.version}`;
    this.classes = task.labels.length > MOST_CHOICES ? task.labels.length : undefined;
  }

  /** @throws EvaluationError EVALUATION_CONTEXT_TOO_SHORT */
  read(example: Example): TuningText {
    const texts = this.#renderers(example).map((render) => this.#fit(example.fields, render));
    return {
      sequences: texts.map(({ ids }) => ids),
      truncated: texts.some(({ truncated }) => truncated),
      gold: example.gold === undefined ? 0 : this.#task.labels.indexOf(example.gold),
    };
  }

  #renderers(example: Example): ((fields: Example['fields']) => string)[] {
    const template = this.#template;
    if (this.classes !== undefined) {
      const open = { ...template, text: template.text.slice(0, template.text.indexOf(LABEL)) };
      return [(fields) => renderSolved(open, fields, '')];
    }
    return this.#task.labels.map((label) => {
      const words = example.choices ?? template.words ?? this.#task.words;
      const word = words?.[label]?.[0];
      if (word === undefined) throw new Error(`${this.#task.name} has no word for ${label}`);
      return (fields) => renderSolved(template, fields, word);
    });
  }

  #fit(fields: Example['fields'], render: (fields: Example['fields']) => string) {
    let ids = this.#encode(render(fields));
    if (ids.length <= this.#limit) return { ids, truncated: false };
    let cut = fields;
    for (const { field, at } of this.#task.cuts) {
      const characters = [...(fields[field] ?? '')];
      const kept = (count: number) => ({ ...cut, [field]: shorten(characters, count, at) });
      const fits = (count: number) => this.#encode(render(kept(count))).length <= this.#limit;
      if (!fits(0)) {
        cut = kept(0);
        continue;
      }
      ids = this.#encode(render(kept(greatest(characters.length, fits))));
      return { ids, truncated: true };
    }
    throw new EvaluationError('EVALUATION_CONTEXT_TOO_SHORT', {
      en: `${this.#task.name}: the pattern ${this.pattern} alone is longer than ${this.#limit} tokens; evaluate a model with a longer context`,
      zh: `${this.#task.name}：仅模板 ${this.pattern} 就超过 ${this.#limit} 个词元；请换上下文较长的模型`,
    });
  }

  #encode(text: string): Uint32Array {
    const ids = this.#tokenizer.encode(text, { specials: false });
    const sequence = new Uint32Array(ids.length + 1);
    sequence[0] = this.#tokenizer.bod;
    sequence.set(ids, 1);
    return sequence;
  }
}

function shorten(characters: readonly string[], count: number, at: Cut['at']): string {
  return (at === 'end' ? characters.slice(0, count) : characters.slice(characters.length - count)).join('');
}

/** The greatest count that still fits, by halving; `fits(0)` holds. */
function greatest(most: number, fits: (count: number) => boolean): number {
  let low = 0;
  let high = most;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

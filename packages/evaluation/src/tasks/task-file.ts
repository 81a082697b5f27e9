/**
 * Tasks of users, by path: a JSON file, or a module whose default export is a Task or a list of them.
 *
 * The JSON form has what a Task has, and says in place of `read` where a line of the data keeps things:
 *
 *     { "name": "mood", "words": { "good": ["好"], "bad": ["坏"] }, "templates": [{ "name": "plain", "text": "{text}，真[{label}]。" }],
 *       "line": { "id": "id", "gold": "label", "fields": { "text": "review.text" } } }
 *
 * A path such as `review.text` leads into nested objects; a list of texts becomes one text, joined by 、. `line.choices` names a
 * list of texts that are the words of the labels 0, 1, … of this example, in place of `words`; `labels` then says how many.
 */

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { EvaluationError } from '../errors.ts';
import type { Example, Task } from './task.ts';
import { parseTemplate, templateFields } from './template.ts';

const wordsSchema = z.record(z.string(), z.array(z.string().min(1)).min(1));
const templateSchema = z.object({
  name: z.string().min(1),
  version: z.int().positive().default(1),
  text: z.string().min(1),
  words: wordsSchema.optional(),
});
const cutSchema = z.object({ field: z.string(), at: z.enum(['start', 'end']).default('end') });
const shared = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and hyphens: it is the folder of the data'),
  title: z.string().optional(),
  labels: z.array(z.string().min(1)).min(2).optional(),
  words: wordsSchema.optional(),
  templates: z.array(templateSchema).min(1),
  contentFree: z.array(z.record(z.string(), z.string())).default([]),
  cuts: z.array(cutSchema).default([]),
  tuning: templateSchema.optional(),
  metric: z.literal('accuracy').default('accuracy'),
};
const jsonSchema = z.strictObject({
  ...shared,
  line: z.strictObject({
    id: z.string().optional(),
    gold: z.string(),
    fields: z.record(z.string(), z.string()),
    choices: z.string().optional(),
  }),
});
const moduleSchema = z.object({
  ...shared,
  read: z.custom<Task['read']>((value) => typeof value === 'function', 'a function is expected'),
});

/** @throws EvaluationError EVALUATION_BAD_TASK naming the file and what is wrong */
export async function readTaskFile(file: string): Promise<Task[]> {
  const content = file.endsWith('.json') ? readJson(file) : await importModule(file);
  const list = Array.isArray(content) ? content : [content];
  return list.map((one, i) => toTask(one, list.length === 1 ? file : `${file}, task ${i + 1}`));
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (cause) {
    throw bad(file, (cause as Error).message, cause);
  }
}

async function importModule(file: string): Promise<unknown> {
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(path.resolve(file)).href)) as { default?: unknown };
  } catch (cause) {
    throw bad(file, (cause as Error).message, cause);
  }
  if (module.default === undefined) throw bad(file, 'it has no default export');
  return module.default;
}

function toTask(content: unknown, place: string): Task {
  const fromModule = typeof (content as { read?: unknown } | null)?.read === 'function';
  const result = (fromModule ? moduleSchema : jsonSchema).safeParse(content);
  if (!result.success) {
    const reasons = result.error.issues.map((issue) => `${issue.path.join('.') || 'the task'}: ${issue.message}`);
    throw bad(place, reasons.join('; '), result.error);
  }
  const parsed = result.data;
  const labels = parsed.labels ?? Object.keys(parsed.words ?? {});
  if (labels.length < 2) throw bad(place, 'labels or words with at least two labels are needed');
  const task = {
    ...(fromModule ? (content as Task) : {}),
    ...parsed,
    title: parsed.title ?? parsed.name,
    labels,
    read: 'line' in parsed ? lineReaderOf(parsed.line, labels) : parsed.read,
  } as Task;
  checkTemplates(task, 'line' in parsed ? Object.keys(parsed.line.fields) : undefined, place);
  return task;
}

function checkTemplates(task: Task, fields: readonly string[] | undefined, place: string): void {
  for (const template of task.templates) {
    try {
      parseTemplate(template.text);
    } catch (cause) {
      throw bad(place, (cause as Error).message, cause);
    }
    const strange = templateFields(template.text).find((name) => fields !== undefined && !fields.includes(name));
    if (strange !== undefined) {
      throw bad(place, `template ${template.name} names {${strange}}; the fields are ${fields!.join(', ')}`);
    }
    const words = template.words ?? task.words;
    const wordless = words && task.labels.find((label) => words[label] === undefined);
    if (wordless !== undefined) throw bad(place, `template ${template.name}: no word for the label "${wordless}"`);
  }
}

type LineDescription = z.output<typeof jsonSchema>['line'];

function lineReaderOf(line: LineDescription, labels: readonly string[]): Task['read'] {
  return (value): Example => {
    const id = line.id === undefined ? undefined : valueAt(value, line.id);
    if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') {
      throw new Error(`${line.id}: a text or a number is expected`);
    }
    const gold = valueAt(value, line.gold);
    if (gold !== undefined && !['string', 'number', 'boolean'].includes(typeof gold)) {
      throw new Error(`${line.gold}: a label is expected`);
    }
    const fields = Object.entries(line.fields).map(([name, at]) => [name, textAt(value, at)]);
    return {
      id,
      fields: Object.fromEntries(fields),
      gold: gold === undefined ? undefined : String(gold),
      ...(line.choices !== undefined && { choices: choicesAt(value, line.choices, labels) }),
    };
  };
}

function choicesAt(value: unknown, at: string, labels: readonly string[]): Record<string, string[]> {
  const choices = valueAt(value, at);
  if (!Array.isArray(choices) || choices.length !== labels.length || choices.some((one) => typeof one !== 'string')) {
    throw new Error(`${at}: a list of ${labels.length} texts is expected`);
  }
  return Object.fromEntries(labels.map((label, i) => [label, [choices[i] as string]]));
}

function textAt(value: unknown, at: string): string {
  const found = valueAt(value, at);
  if (typeof found === 'string' || typeof found === 'number') return String(found);
  if (Array.isArray(found) && found.every((one) => typeof one === 'string')) return found.join('、');
  throw new Error(`${at}: a text is expected`);
}

function valueAt(value: unknown, at: string): unknown {
  let found = value;
  for (const name of at.split('.')) found = (found as Record<string, unknown> | null | undefined)?.[name];
  return found ?? undefined;
}

function bad(place: string, what: string, cause?: unknown): EvaluationError {
  return new EvaluationError('EVALUATION_BAD_TASK', `${place}: ${what}; mend the task file`, { cause });
}

/**
 * Tasks of users, by path: a JSON file, or a module whose default export is a Task or a list of them. The form of the file, field by
 * field: task-file-schema.ts and docs/tasks.md.
 */

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { findMistakes, hintAt, listMistakes, type Mistake, readJsonFile, type Said } from '@tunan/protocol/mistakes';
import { ClauseError, clauseOf, EvaluationError } from '../errors.ts';
import type { Example, Task } from './task.ts';
import { type LineDescription, taskFileSchema, taskModuleSchema } from './task-file-schema.ts';
import { parseTemplate, templateFields } from './template.ts';

/** @throws EvaluationError EVALUATION_BAD_TASK naming the file and all that is wrong with it */
export async function readTaskFile(file: string): Promise<Task[]> {
  const content = file.endsWith('.json') ? readJson(file) : await importModule(file);
  const list = Array.isArray(content) ? content : [content];
  const read = list.map((one, i) => toTask(one, list.length === 1 ? '' : `${i + 1}.`));
  const mistakes = read.flatMap((one) => ('mistakes' in one ? one.mistakes : []));
  if (mistakes.length > 0) throw new EvaluationError('EVALUATION_BAD_TASK', listMistakes(file, mistakes));
  return read.flatMap((one) => ('task' in one ? [one.task] : []));
}

function readJson(file: string): unknown {
  const read = readJsonFile(file);
  if ('value' in read) return read.value;
  throw new EvaluationError('EVALUATION_BAD_TASK', read.problem, { cause: read.cause });
}

async function importModule(file: string): Promise<unknown> {
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(path.resolve(file)).href)) as { default?: unknown };
  } catch (cause) {
    const { en, zh } = clauseOf(cause);
    throw new EvaluationError('EVALUATION_BAD_TASK', { en: `${file}: ${en}`, zh: `${file}：${zh}` }, { cause });
  }
  if (module.default !== undefined) return module.default;
  throw new EvaluationError('EVALUATION_BAD_TASK', {
    en: `${file}: it has no default export; export default the task, or a list of tasks`,
    zh: `${file}：没有默认导出；请以 export default 导出任务或任务列表`,
  });
}

/** @param place in front of the fields in messages: the number of the task in a list */
function toTask(content: unknown, place: string): { task: Task } | { mistakes: readonly Mistake[] } {
  const fromModule = typeof (content as { read?: unknown } | null)?.read === 'function';
  const found = fromModule ? findMistakes(taskModuleSchema, content) : findMistakes(taskFileSchema, content);
  if ('mistakes' in found) return { mistakes: found.mistakes.map((one) => ({ ...one, path: `${place}${one.path}` })) };
  const parsed = found.value;
  const task = {
    ...(fromModule ? (content as Task) : {}),
    ...parsed,
    title: parsed.title ?? parsed.name,
    labels: parsed.labels ?? Object.keys(parsed.words ?? {}),
  };
  const read = 'line' in parsed ? lineReaderOf(parsed.line, task.labels) : parsed.read;
  const fields = 'line' in parsed ? Object.keys(parsed.line.fields) : undefined;
  const whole = { ...task, read } as Task;
  const mistakes = contradictions(whole, fields, 'line' in parsed && parsed.line.choices !== undefined);
  if (mistakes.length === 0) return { task: whole };
  return { mistakes: mistakes.map((one) => ({ ...one, path: `${place}${one.path}` })) };
}

/**
 * What no single field shows.
 * @param fields that examples have; undefined where the task's own function makes them
 */
function contradictions(task: Task, fields: readonly string[] | undefined, ownChoices: boolean): Mistake[] {
  const { labels, templates, tuning, cuts, contentFree } = task;
  if (labels.length < 2) {
    return [
      {
        path: 'labels',
        en: 'at least two labels are needed, here or as the keys of words',
        zh: '至少需要两个标签，写在此处或作为 words 的键',
      },
    ];
  }
  const unknown = (at: string, name: string): Mistake[] =>
    fields === undefined || fields.includes(name) ? [] : [{ path: at, ...unknownField(name, fields) }];
  return [
    ...templates.flatMap((template, i) => [
      ...textMistakes(`templates.${i}.text`, template.text, fields),
      ...(ownChoices ? [] : wordMistakes(task, template.words, `templates.${i}`)),
    ]),
    ...(tuning === undefined ? [] : templateFields(tuning.text).flatMap((name) => unknown('tuning.text', name))),
    ...cuts.flatMap(({ field }, i) => unknown(`cuts.${i}.field`, field)),
    ...contentFree.flatMap((empty, i) => Object.keys(empty).flatMap((name) => unknown(`contentFree.${i}`, name))),
    ...repeated(templates.map(({ name }) => name)),
  ];
}

function textMistakes(at: string, text: string, fields: readonly string[] | undefined): Mistake[] {
  const names = templateFields(text).filter((name) => fields !== undefined && !fields.includes(name));
  const strange = names.map((name) => ({ path: at, ...unknownField(name, fields!) }));
  try {
    parseTemplate(text);
    return strange;
  } catch (error) {
    return [{ path: at, ...clauseOf(error) }, ...strange];
  }
}

function unknownField(name: string, fields: readonly string[]): Said {
  const hint = hintAt(name, fields);
  return {
    en: `it names the field ${name}, which line.fields does not have${hint.en}; the fields are ${fields.join(', ')}`,
    zh: `用到字段 ${name}，而 line.fields 中没有${hint.zh}；已有字段：${fields.join('、')}`,
  };
}

function wordMistakes(task: Task, own: Task['words'], at: string): Mistake[] {
  const words = own ?? task.words;
  const path = own === undefined ? 'words' : `${at}.words`;
  const missing = task.labels.filter((label) => words?.[label] === undefined);
  return missing.map((label) => ({
    path,
    en: `no word for the label "${label}" (${at})`,
    zh: `标签“${label}”没有标签词（${at}）`,
  }));
}

function repeated(names: readonly string[]): Mistake[] {
  const twice = names.filter((name, i) => names.indexOf(name) < i);
  return twice.map((name) => ({
    path: 'templates',
    en: `two templates are called ${name}`,
    zh: `有两个模板都叫 ${name}`,
  }));
}

function lineReaderOf(line: LineDescription, labels: readonly string[]): Task['read'] {
  return (value): Example => {
    const id = line.id === undefined ? undefined : valueAt(value, line.id);
    if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') {
      throw new ClauseError({ en: `${line.id}: a text or a number is expected`, zh: `${line.id}：应为文本或数字` });
    }
    const gold = valueAt(value, line.gold);
    if (gold !== undefined && !['string', 'number', 'boolean'].includes(typeof gold)) {
      throw new ClauseError({ en: `${line.gold}: a label is expected`, zh: `${line.gold}：应为标签` });
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
    const count = labels.length;
    throw new ClauseError({
      en: `${at}: a list of ${count} texts is expected`,
      zh: `${at}：应为 ${count} 个文本的列表`,
    });
  }
  return Object.fromEntries(labels.map((label, i) => [label, [choices[i] as string]]));
}

function textAt(value: unknown, at: string): string {
  const found = valueAt(value, at);
  if (typeof found === 'string' || typeof found === 'number') return String(found);
  if (Array.isArray(found) && found.every((one) => typeof one === 'string')) return found.join('、');
  throw new ClauseError({ en: `${at}: a text is expected`, zh: `${at}：应为文本` });
}

function valueAt(value: unknown, at: string): unknown {
  let found = value;
  for (const name of at.split('.')) found = (found as Record<string, unknown> | null | undefined)?.[name];
  return found ?? undefined;
}

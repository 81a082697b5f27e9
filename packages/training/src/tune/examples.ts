/**
 * Examples to tune a model on, from JSON lines: {prompt, completion}, {messages} (an optional system message, then user and assistant in
 * turns, the assistant last) or {text}; other fields are let be. A file may mix them. A row that cannot be used ends the reading, with its
 * file and line.
 */

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { TrainingError } from '../errors.ts';

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export type ExampleContent =
  | { readonly kind: 'completion'; readonly prompt: string; readonly completion: string }
  | { readonly kind: 'messages'; readonly messages: readonly Message[] }
  | { readonly kind: 'text'; readonly text: string }
  | PreferenceContent;

/** Of two answers to one prompt, or to one conversation that ends with the user, which is the better. */
export interface PreferenceContent {
  readonly kind: 'preference';
  /** Either this or messages. */
  readonly prompt?: string;
  readonly messages?: readonly Message[];
  readonly chosen: string;
  readonly rejected: string;
}

export interface Example {
  readonly content: ExampleContent;
  /** From 1. */
  readonly line: number;
  /** The same for examples that say the same: 52 bits of a hash. */
  readonly key: number;
}

/** A record of a file, as its reader gives it. */
export interface ExampleRow {
  readonly record: Readonly<Record<string, unknown>>;
  /** From 1. */
  readonly line: number;
}

/** Reads the records of a file, whatever its form. */
export type RowReader = (file: string) => AsyncIterable<ExampleRow>;

/** In order. @throws TrainingError TRAINING_BAD_EXAMPLES */
export async function* eachExample(file: string, read: RowReader = jsonLines): AsyncGenerator<Example> {
  if (!existsSync(file)) throw badExamples(file, 'there is no such file', '没有这个文件');
  let any = false;
  for await (const { record, line } of read(file)) {
    const content = contentOf(record, `${file}:${line}`);
    any = true;
    const hash = createHash('sha256').update(JSON.stringify(content)).digest();
    yield { content, line, key: hash.readUIntBE(0, 6) * 16 + (hash[6]! & 15) };
  }
  if (!any) throw badExamples(file, 'there are no examples in it', '其中没有样例');
}

/** All at once. @throws TrainingError TRAINING_BAD_EXAMPLES */
export async function readExamples(file: string, read?: RowReader): Promise<Example[]> {
  const examples: Example[] = [];
  for await (const example of eachExample(file, read)) examples.push(example);
  return examples;
}

/** The objects of JSON lines in UTF-8. @throws TrainingError TRAINING_BAD_EXAMPLES */
async function* jsonLines(file: string): AsyncGenerator<ExampleRow> {
  let line = 0;
  for await (const row of createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity })) {
    line++;
    const text = line === 1 ? row.replace(/^\ufeff/, '') : row; // editors of Windows write a mark
    if (text.trim() !== '') yield { record: parsed(text, `${file}:${line}`), line };
  }
}

/** @param place file and line */
function contentOf(fields: Readonly<Record<string, unknown>>, place: string): ExampleContent {
  const textOf = (field: string): string => {
    const value = fields[field];
    if (typeof value === 'string') return value;
    throw badExamples(place, `${field} is not a text`, `${field} 不是文本`);
  };
  const filled = (field: string): string => {
    const value = textOf(field);
    if (value.trim() !== '') return value;
    throw badExamples(place, `${field} is empty: there is nothing to learn`, `${field} 为空：没有可学的内容`);
  };
  if (fields.chosen !== undefined || fields.rejected !== undefined) return preferenceOf(fields, place);
  const kinds = ['completion', 'messages', 'text'].filter((field) => fields[field] !== undefined);
  if (kinds.length > 1) {
    throw badExamples(place, `it has ${kinds.join(' and ')}: leave one`, `同时有 ${kinds.join('、')}：只能留一个`);
  }
  if (fields.completion !== undefined)
    return { kind: 'completion', prompt: textOf('prompt'), completion: filled('completion') };
  if (fields.messages !== undefined) return { kind: 'messages', messages: messagesOf(fields.messages, place) };
  if (fields.text !== undefined) return { kind: 'text', text: filled('text') };
  const names = Object.keys(fields).join(', ');
  throw badExamples(
    place,
    `neither prompt and completion, nor messages, nor text, nor chosen and rejected; its fields are: ${names}`,
    `既没有 prompt 与 completion，也没有 messages、text 或 chosen 与 rejected；字段为：${names}`,
  );
}

function parsed(row: string, place: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(row);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error; // told below, with the line
  }
  throw badExamples(place, 'not a JSON object', '不是 JSON 对象');
}

/** {prompt, chosen, rejected} or {messages, chosen, rejected}; answers are texts, or lists of one message of the assistant. */
function preferenceOf(fields: Readonly<Record<string, unknown>>, place: string): PreferenceContent {
  const answerOf = (field: 'chosen' | 'rejected'): string => {
    const value: unknown = fields[field];
    const [message, ...more] = Array.isArray(value) ? value : [value];
    const { role = undefined, content = undefined } = (message ?? {}) as { role?: unknown; content?: unknown };
    const answer = typeof message === 'string' ? message : role === 'assistant' ? content : undefined;
    if (typeof answer !== 'string' || more.length > 0) {
      const en = `${field} is no answer: give a text, or a list of one message of assistant (what is before it belongs to messages)`;
      throw badExamples(
        place,
        en,
        `${field} 不是回答：应为文本，或只含一条 assistant 消息的列表（之前的消息放在 messages 中）`,
      );
    }
    if (answer.trim() === '') throw badExamples(place, `${field} is an empty answer`, `${field} 是空的回答`);
    return answer;
  };
  const [chosen, rejected] = [answerOf('chosen'), answerOf('rejected')];
  if (chosen === rejected) throw badExamples(place, 'chosen and rejected say the same', 'chosen 与 rejected 相同');
  const { prompt, messages = Array.isArray(prompt) ? prompt : undefined } = fields;
  if (messages !== undefined) {
    const answered = Array.isArray(messages) ? [...messages, { role: 'assistant', content: chosen }] : messages;
    return { kind: 'preference', messages: messagesOf(answered, place).slice(0, -1), chosen, rejected };
  }
  if (typeof prompt === 'string') return { kind: 'preference', prompt, chosen, rejected };
  throw badExamples(place, 'neither prompt nor messages beside chosen', 'chosen 之外既没有 prompt 也没有 messages');
}

function messagesOf(value: unknown, place: string): Message[] {
  if (!Array.isArray(value) || value.length === 0)
    throw badExamples(place, 'messages is not a list of messages', 'messages 不是消息列表');
  const messages = value.map((one: unknown, index): Message => {
    const { role, content } = (one ?? {}) as { role?: unknown; content?: unknown };
    const at = `messages.${index}`;
    if (typeof content !== 'string') throw badExamples(place, `${at}.content is not a text`, `${at}.content 不是文本`);
    if (role !== 'system' && role !== 'user' && role !== 'assistant') {
      const said = JSON.stringify(role);
      throw badExamples(
        place,
        `${at}.role is ${said}: there are system, user and assistant`,
        `${at}.role 为 ${said}：可用的有 system、user、assistant`,
      );
    }
    if (role === 'assistant' && content.trim() === '')
      throw badExamples(place, `${at} is an empty answer`, `${at} 是空的回答`);
    return { role, content };
  });
  const turns = messages[0]!.role === 'system' ? messages.slice(1) : messages;
  const skipped = messages.length - turns.length;
  const wrong = turns.findIndex(({ role }, index) => role !== (index % 2 === 0 ? 'user' : 'assistant'));
  if (wrong >= 0) {
    const at = `messages.${wrong + skipped}`;
    const [is, wanted] = [turns[wrong]!.role, wrong % 2 === 0 ? 'user' : 'assistant'];
    throw badExamples(place, `${at} is of ${is}, where ${wanted} has the turn`, `${at} 是 ${is}，此处应为 ${wanted}`);
  }
  if (turns.length === 0 || turns.length % 2 !== 0)
    throw badExamples(place, 'the last message is not an answer of assistant', '最后一条消息不是 assistant 的回答');
  return messages;
}

export function badExamples(place: string, en: string, zh: string): TrainingError {
  return new TrainingError('TRAINING_BAD_EXAMPLES', { en: `${place}: ${en}`, zh: `${place}：${zh}` });
}

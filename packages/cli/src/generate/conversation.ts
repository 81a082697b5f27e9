/**
 * A conversation on a terminal: a line of the user, the answer as it is written, until the input ends.
 *
 * Ctrl-C ends an answer early, and the conversation where none is being written. `/clear` begins anew. What was said is sent again with each line, which an
 * engine with a prefix cache reads only once.
 */
import { createInterface } from 'node:readline';
import type { RequestBody } from '@tunan/api';
import type { Engine } from '@tunan/inference';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';

export interface Conversation {
  readonly engine: Engine;
  /** Fields of every request. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly system: string | undefined;
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** @throws InferenceError, RequestError */
export async function converse({ engine, fields, system, input, output }: Conversation): Promise<void> {
  const begin: Message[] = system === undefined ? [] : [{ role: 'system', content: system }];
  let messages = begin;
  let answering: AbortController | undefined;
  const lines = createInterface({ input, output, prompt: '> ' });
  let isOpen = true;
  lines.on('close', () => {
    isOpen = false;
  });
  const next = () => {
    if (isOpen) lines.prompt();
  };
  lines.on('SIGINT', () => {
    if (answering === undefined) lines.close();
    else answering.abort();
  });
  output.write(text('Ctrl-D ends the conversation, /clear begins anew\n', 'Ctrl-D 结束对话，/clear 重新开始\n'));
  next();
  for await (const line of lines) {
    const said = line.trim();
    if (said === '/clear') messages = begin;
    else if (said !== '') {
      answering = new AbortController();
      const asked: Message[] = [...messages, { role: 'user', content: said }];
      const answer = await answerTo(engine, { ...fields, messages: asked }, output, answering.signal);
      answering = undefined;
      messages = [...asked, { role: 'assistant', content: answer }];
    }
    next();
  }
  output.write('\n');
}

/** The answer, written as it comes; as far as it came where it was stopped. */
async function answerTo(
  engine: Engine,
  body: object,
  output: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<string> {
  const { generationOf } = await import('@tunan/api');
  let answer = '';
  try {
    for await (const chunk of engine.submit(generationOf(engine, await readBody(body)), signal)) {
      answer += chunk.text;
      output.write(chunk.text);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  output.write('\n');
  return answer;
}

/** @throws UsageError for values that the API does not take */
export async function readBody(body: object): Promise<RequestBody> {
  const { readRequestBody } = await import('@tunan/api');
  const read = readRequestBody(body, text('en', 'zh') as 'en' | 'zh');
  if ('mistake' in read) throw new UsageError(read.mistake);
  return read.request;
}

/**
 * An example as ids, and which of them are learnt: completions, answers of the assistant with the token that ends them, whole texts. What
 * stands in front of a completion is encoded by itself, as a prompt is when the model is asked.
 */

import type { Example, ExampleContent, Message, PreferenceContent } from './examples.ts';

/** What knows the model's tokens; training itself does not. */
export interface ExampleCoder {
  readonly sha256: string;
  readonly vocabularySize: number;
  /** Begins a document. */
  readonly begin: number;
  /** Between documents: ends one. */
  readonly end: number;
  /** Each of them ends an answer. */
  readonly ends: ReadonlySet<number>;
  /** The characters of a text: no special tokens come out. */
  text(text: string): Iterable<number>;
  /** A conversation, and where in it the assistant speaks. */
  conversation(messages: readonly Message[]): {
    readonly ids: readonly number[];
    readonly answers: readonly { readonly start: number; readonly end: number }[];
  };
  decode(ids: Iterable<number>): string;
}

export interface EncodedExample {
  readonly ids: Int32Array;
  /** 1 where the token is a target; the first one never is. */
  readonly learnt: Uint8Array;
  readonly line: number;
  /** What was encoded. */
  readonly content: ExampleContent;
  /** Of a preference the other answer; `ids` are of the chosen one. */
  readonly rejected?: EncodedAnswer | undefined;
}

/** Positions that an example takes in a row: of n tokens all but the first are predicted. */
export function predictionsOf({ ids, rejected }: EncodedExample): number {
  return ids.length - 1 + (rejected === undefined ? 0 : rejected.ids.length - 1);
}

/** Ids with what is learnt of them. */
export type EncodedAnswer = Pick<EncodedExample, 'ids' | 'learnt'>;

export function encodeExample({ content, line }: Example, coder: ExampleCoder): EncodedExample {
  if (content.kind === 'preference') {
    const answer = (text: string) => encodeAnswer(content, text, coder);
    return { ...answer(content.chosen), rejected: answer(content.rejected), line, content };
  }
  if (content.kind === 'messages') return { ...encodeConversation(content.messages, coder), line, content };
  const prompt = content.kind === 'text' ? [] : [...coder.text(content.prompt)];
  const completion = content.kind === 'text' ? content.text : content.completion;
  const ids = Int32Array.from([coder.begin, ...prompt, ...coder.text(completion), coder.end]);
  return { ids, learnt: new Uint8Array(ids.length).fill(1, 1 + prompt.length), line, content };
}

function encodeConversation(messages: readonly Message[], coder: ExampleCoder): EncodedAnswer {
  const { ids, answers } = coder.conversation(messages);
  const learnt = new Uint8Array(ids.length);
  for (const { start, end } of answers) {
    // What a template writes behind the end of an answer is never generated.
    const ending = ids.slice(start, end).findLastIndex((id) => coder.ends.has(id));
    learnt.fill(1, Math.max(start, 1), ending < 0 ? end : start + ending + 1);
  }
  return { ids: Int32Array.from(ids), learnt };
}

/** A text in pieces that the context holds, each going on from the last token of the one before; what fits as it is. */
export function cutText(
  example: EncodedExample,
  contextLength: number,
  coder: ExampleCoder,
): readonly EncodedExample[] {
  const { ids, line } = example;
  if (ids.length - 1 <= contextLength) return [example];
  const pieces: EncodedExample[] = [];
  for (let start = 0; start < ids.length - 1; start += contextLength) {
    const piece = ids.slice(start, start + contextLength + 1);
    const text = coder.decode(piece.filter((id, at) => at > 0 && id !== coder.end));
    const learnt = new Uint8Array(piece.length).fill(1, 1);
    pieces.push({ ids: piece, learnt, line, content: { kind: 'text', text } });
  }
  return pieces;
}

/** Only the last answer counts: those before it are the same on both sides. */
function encodeAnswer(
  { prompt = '', messages }: PreferenceContent,
  answer: string,
  coder: ExampleCoder,
): EncodedAnswer {
  if (messages === undefined) {
    const content = { kind: 'completion', prompt, completion: answer } as const;
    const { ids, learnt } = encodeExample({ content, line: 0, key: 0 }, coder);
    return { ids, learnt };
  }
  const { ids, learnt } = encodeConversation([...messages, { role: 'assistant', content: answer }], coder);
  const end = learnt.lastIndexOf(1);
  return { ids, learnt: learnt.fill(0, 0, learnt.lastIndexOf(0, end) + 1) };
}

/** The example as it is read, with what is learnt in ⟦ ⟧. */
export function showExample({ ids, learnt }: EncodedAnswer, coder: ExampleCoder): string {
  let shown = '';
  for (let start = 0; start < ids.length; ) {
    let end = start + 1;
    while (end < ids.length && learnt[end] === learnt[start]) end++;
    const text = coder.decode(ids.slice(start, end));
    shown += learnt[start] === 1 ? `⟦${text}⟧` : text;
    start = end;
  }
  return shown;
}

/** What is going on on the page: the answers that are shown, made or opened again, and every step into the history. */
import { computed, signal } from '@preact/signals';
import { isText, kept } from '../../kept.ts';
import { type Answer, ask, promptPiecesOf, type RunningAnswer, textOf } from './answer.ts';
import { changeDraft, type Draft, draft } from './draft.ts';
import { type Entry, keepEntry, readEntry } from './history.ts';
import type { Piece } from './pieces.ts';
import { newSeed, requestOf } from './request.ts';
import { say } from './words.ts';

interface Shown {
  readonly id: string;
  readonly at: number;
  readonly draft: Draft;
  readonly answers: readonly RunningAnswer[];
}

export const shown = signal<Shown | undefined>(undefined);
export const isRunning = computed(
  () => shown.value?.answers.some(({ answer }) => answer.value.ending.kind === 'running') ?? false,
);

/** What a reload shows again. */
const shownId = kept('write.shown', '', isText);
const KEEP_MILLISECONDS = 500;

/** One answer for each column. */
export function write(): void {
  const said = draft.peek();
  if (said.kind === 'chat') takeMessage(said);
  const now = draft.peek();
  const answers = now.columns.map((column) => {
    const asked = requestOf(now, column, column.settings.seed ?? newSeed());
    return ask(asked, now.kind === 'text' ? now.prompt : '');
  });
  show(now, answers);
}

/**
 * Goes on behind some tokens of an answer: after its end, where it broke off, or with another token than the model's in some place.
 * The other answers stay; what was there before is in the history.
 * @param from the beginning, where it is not that of the answer
 */
export function goOn(column: number, tokens: readonly Piece[], from?: string): void {
  const { value: now } = shown;
  const running = now?.answers[column];
  const before = running?.answer.peek();
  if (now === undefined || before === undefined || before.asked.route !== 'completions') return;
  running?.stop();
  const beginning = from ?? before.prompt;
  const prompt = beginning + textOf({ pieces: tokens });
  const asked = { ...before.asked, body: { ...before.asked.body, prompt } };
  const next = ask(
    asked,
    beginning,
    tokens.map((piece) => ({ ...piece, origin: piece.origin ?? 'kept' })),
  );
  show(now.draft, now.answers.with(column, next));
}

/** Adds the tokens of the prompt to an answer. @throws EndpointError */
export async function lookAtPrompt(column: number): Promise<void> {
  const { value: now } = shown;
  const answer = now?.answers[column]?.answer;
  if (now === undefined || answer === undefined) return;
  const promptPieces = await promptPiecesOf(answer.peek());
  answer.value = { ...answer.peek(), promptPieces };
  await keepEntry(entryOf(now));
}

export function stop(): void {
  for (const one of shown.peek()?.answers ?? []) one.stop();
}

/** Shows an earlier step, with what was asked then. What is typed now is put into the history, where it is not there yet. */
export async function openEntry(id: string): Promise<void> {
  const entry = await readEntry(id);
  if (entry === undefined) return;
  stop();
  await keepTyped();
  draft.value = entry.draft;
  showEntry(entry);
}

/** After a reload; an answer that was being made then has ended there. */
export async function showAgain(): Promise<void> {
  if (shown.peek() !== undefined || shownId.peek() === '') return;
  const entry = await readEntry(shownId.peek());
  if (entry !== undefined && shown.peek() === undefined) showEntry(entry);
}

/** An answer becomes a turn of the conversation. */
export function takeAnswer(column: number): void {
  const answer = shown.peek()?.answers[column]?.answer.peek();
  if (answer === undefined || answer.asked.route !== 'chat/completions') return;
  const content = textOf(answer);
  if (content !== '') changeDraft({ turns: [...draft.peek().turns, { role: 'assistant', content }] });
  clearShown();
}

export async function beginAnew(): Promise<void> {
  stop();
  await keepTyped();
  changeDraft({ prompt: '', turns: [], message: '' });
  clearShown();
}

function clearShown(): void {
  shown.value = undefined;
  shownId.value = '';
}

/** The message is said, behind the answer before it where none was chosen. */
function takeMessage({ message }: Draft): void {
  if (message.trim() === '') return;
  takeAnswer(0);
  changeDraft({ turns: [...draft.peek().turns, { role: 'user', content: message }], message: '' });
}

function show(asked: Draft, answers: readonly RunningAnswer[]): void {
  const id = newId();
  const now: Shown = { id, at: Date.now(), draft: asked, answers };
  shown.value = now;
  shownId.value = id;
  keepWhile(now, Promise.all(answers.map(({ ended }) => ended)));
}

/** Twice a second while it grows, so that leaving the page loses next to nothing, and as it is at the end. */
function keepWhile(step: Shown, ended: Promise<unknown>): void {
  const keep = () => void keepEntry(entryOf(step));
  keep();
  const timer = setInterval(keep, KEEP_MILLISECONDS);
  void ended.finally(() => {
    clearInterval(timer);
    keep();
  });
}

function entryOf({ id, at, draft: asked, answers }: Shown): Entry {
  return { id, at, draft: asked, answers: answers.map(({ answer }) => answer.peek()) };
}

function showEntry({ id, at, draft: asked, answers }: Entry): void {
  const whole = answers.map((answer): Answer => {
    if (answer.ending.kind !== 'running') return answer;
    return { ...answer, ending: { kind: 'cut', message: say().leftPage } };
  });
  const ended = whole.map((answer) => ({ answer: signal(answer), ended: Promise.resolve(), stop: () => undefined }));
  shown.value = { id, at, draft: asked, answers: ended };
  shownId.value = id;
}

/** What nobody has asked with yet would be gone when something else takes its place. */
async function keepTyped(): Promise<void> {
  const typed = draft.peek();
  const asked = shown.peek()?.draft;
  const same = asked !== undefined && JSON.stringify(asked) === JSON.stringify(typed);
  const empty = typed.prompt.trim() === '' && typed.message.trim() === '' && typed.turns.length === 0;
  if (!same && !empty) await keepEntry({ id: newId(), at: Date.now(), draft: typed, answers: [] });
}

/** `crypto.randomUUID` is there on secure pages alone, and a server in the house is often asked without TLS. */
const newId = (): string => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

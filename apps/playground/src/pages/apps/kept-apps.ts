/** What a person has typed on the page of an application, kept over a reload: inputs, turns of a conversation, unsaved changes. */
import type { Signal } from '@preact/signals';
import type { App, AppTurn } from '@tunan/protocol';
import { isRecord, isText, kept } from '../../kept.ts';

type ById<T> = Readonly<Record<string, T>>;

/** Changes, and the revision that they were made to. */
export interface Draft {
  readonly revision: number;
  readonly app: App;
}

const isTexts = (value: unknown): value is ById<string> => isRecord(value) && Object.values(value).every(isText);
const isTurn = (value: unknown): value is AppTurn => isRecord(value) && isText(value.input) && isText(value.output);
const isTurns = (value: unknown): value is readonly AppTurn[] => Array.isArray(value) && value.every(isTurn);
/** As far as it is drawn; whether it is right the server says when it is saved. */
const isDraft = (value: unknown): value is Draft =>
  isRecord(value) &&
  typeof value.revision === 'number' &&
  isRecord(value.app) &&
  [value.app.title, value.app.description, value.app.prompt, value.app.sampling].every(isRecord) &&
  [value.app.inputs, value.app.examples, value.app.checks].every((list) => Array.isArray(list) && list.every(isRecord));

const byId =
  <T>(isOne: (value: unknown) => value is T) =>
  (value: unknown): value is ById<T> =>
    isRecord(value) && Object.values(value).every(isOne);

export const typed = kept<ById<ById<string>>>('app-inputs', {}, byId(isTexts));
export const talks = kept<ById<readonly AppTurn[]>>('app-turns', {}, byId(isTurns));
export const drafts = kept<ById<Draft>>('app-drafts', {}, byId(isDraft));

/** @param value undefined: kept no longer */
export function keepOf<T>(all: Signal<ById<T>>, id: string, value: T | undefined): void {
  const { [id]: _, ...others } = all.peek();
  all.value = value === undefined ? others : { ...others, [id]: value };
}

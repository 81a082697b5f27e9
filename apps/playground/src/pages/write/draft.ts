/** What stands on the page before anything is asked: kept as it is typed. */
import { isRecord, kept } from '../../kept.ts';
import { FIRST_SETTINGS, type Settings } from './parameters.ts';

export type Kind = 'text' | 'chat';
export type Speaker = 'user' | 'assistant';

export interface Turn {
  readonly role: Speaker;
  readonly content: string;
}

export interface Column {
  /** Empty: the first that the server has. */
  readonly model: string;
  readonly settings: Settings;
}

export interface Draft {
  readonly kind: Kind;
  readonly prompt: string;
  /** Whether the model sees the prompt as the beginning of a document. */
  readonly beginsDocument: boolean;
  readonly system: string;
  readonly turns: readonly Turn[];
  /** What is said next in the conversation. */
  readonly message: string;
  /** One, or two that are compared. */
  readonly columns: readonly Column[];
}

const FIRST: Draft = {
  kind: 'text',
  prompt: '',
  beginsDocument: true,
  system: '',
  turns: [],
  message: '',
  columns: [{ model: '', settings: FIRST_SETTINGS }],
};

export const draft = kept<Draft>('write.draft', FIRST, isDraft);

export function changeDraft(change: Partial<Draft>): void {
  draft.value = { ...draft.peek(), ...change };
}

export function changeColumn(at: number, change: Partial<Column>): void {
  changeDraft({
    columns: draft.peek().columns.map((column, place) => (place === at ? { ...column, ...change } : column)),
  });
}

export function changeSettings(at: number, change: Partial<Settings>): void {
  const settings = draft.peek().columns[at]?.settings ?? FIRST_SETTINGS;
  changeColumn(at, { settings: { ...settings, ...change } });
}

/** Of this program, perhaps of an older one: every part of today is there. */
function isDraft(value: unknown): value is Draft {
  if (!isRecord(value)) return false;
  const { kind, prompt, beginsDocument, system, turns, message, columns } = value;
  return (
    (kind === 'text' || kind === 'chat') &&
    [prompt, system, message].every((text) => typeof text === 'string') &&
    typeof beginsDocument === 'boolean' &&
    Array.isArray(turns) &&
    turns.every((turn) => isRecord(turn) && typeof turn.content === 'string' && typeof turn.role === 'string') &&
    Array.isArray(columns) &&
    columns.length > 0 &&
    columns.every(isColumn)
  );
}

function isColumn(value: unknown): value is Column {
  if (!isRecord(value) || typeof value.model !== 'string' || !isRecord(value.settings)) return false;
  const { stop, alternatives } = value.settings;
  return Array.isArray(stop) && typeof alternatives === 'number';
}

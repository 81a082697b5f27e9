/** What the server tells of the operator's folder: to admins where accounts are on, to everyone on its machine otherwise. */
import { access, hasWorkspace } from './access.ts';
import { askAccount, mayBe } from './account.ts';
import { type Asked, ask } from './ask.ts';
import { type Answer, useAnswer } from './use-answer.ts';

export const mayLook = (): boolean => hasWorkspace && (access !== 'accounts' || mayBe('admin'));

/** @param path behind `workspace/` @throws ServerError */
export function askWorkspace<T>(path: string, asked: Asked = {}): Promise<T> {
  return access === 'accounts' ? askAccount<T>(`workspace/${path}`, asked) : ask<T>(`workspace/${path}`, asked);
}

export const useWorkspace = <T>(path: string): Answer<T> => useAnswer<T>(path, askWorkspace);

/** Of a page of its own, such as a report. */
export const workspaceAddress = (path: string): string =>
  access === 'accounts' ? `accounts/workspace/${path}` : `workspace/${path}`;

/** What the server wants of its callers, and the API key that is sent along. */
import { isText, keptInTab } from '../kept.ts';

export type Access = 'open' | 'keys' | 'accounts';

/** As the server wrote it into index.html. */
export const access: Access = accessOf(document.querySelector<HTMLMetaElement>('meta[name="tunan-access"]')?.content);

/** Whether the server has corpora, runs and evaluations to show: to admins where accounts are on, to everyone on this machine otherwise. */
export const hasWorkspace =
  document.querySelector<HTMLMetaElement>('meta[name="tunan-workspace"]')?.content === 'shown';

/** Empty: none. Kept in this tab alone, so that a reload does not lose it and another day does not find it. */
export const apiKey = keptInTab('key', '', isText);

export const needsKey = (): boolean => access !== 'open' && apiKey.value === '';

function accessOf(text: string | undefined): Access {
  return text === 'keys' || text === 'accounts' ? text : 'open';
}

/**
 * The address behind the #: `#/apps/couplet` is the page `apps` with the rest `couplet`. It never reaches the server, so that it knows one
 * page alone, works below any path of a proxy, and a link may hold a token.
 */
import { signal } from '@preact/signals';

export interface Place {
  /** Empty at the beginning. */
  readonly page: string;
  readonly rest: readonly string[];
}

export const place = signal<Place>(placeOf(location.hash));

addEventListener('hashchange', () => {
  place.value = placeOf(location.hash);
});

export function addressOf(page: string, ...rest: readonly string[]): string {
  return `#/${[page, ...rest].map(encodeURIComponent).join('/')}`;
}

function placeOf(hash: string): Place {
  const [page = '', ...rest] = hash.replace(/^#\/?/, '').split('/').map(decoded);
  return { page, rest: rest.filter((part) => part !== '') };
}

/** What somebody has typed may be no encoding at all. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part;
    throw error;
  }
}

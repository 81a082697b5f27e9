/** Which documents a take-down request means: by id, by address, or by the beginning of an address. */

/** An address that ends in `*` means all that begin so. */
export interface TakeDown {
  ids: string[];
  urls: string[];
}

export function takeDownMatcher({
  ids,
  urls,
}: TakeDown): (document: { id: string; url?: string | undefined }) => boolean {
  const wantedIds = new Set(ids);
  const wantedUrls = new Set(urls.filter((url) => !url.endsWith('*')));
  const prefixes = urls.filter((url) => url.endsWith('*')).map((url) => url.slice(0, -1));
  return ({ id, url }) =>
    wantedIds.has(id) ||
    (url !== undefined && (wantedUrls.has(url) || prefixes.some((prefix) => url.startsWith(prefix))));
}

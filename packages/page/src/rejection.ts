/** Why a page or a text is turned away. No error: most pages of a crawl are. */
export interface Rejection {
  /** A short name in kebab-case, such as `index-page`, that reports can group by. */
  readonly reason: string;
  /** The proof, such as `12/340`: lost of all characters. */
  readonly detail?: string;
}

/**
 * Whether an answer of `decodePage`, `extractPage` or `repairText` is a rejection.
 *
 * @example
 * const page = extractPage(html);
 * if (isRejection(page)) console.log(`left out: ${page.reason}`);
 * else console.log(page.body);
 */
export function isRejection<T extends object>(result: T | Rejection): result is Rejection {
  return 'reason' in result;
}

/**
 * Bytes of a page → characters → main text → repaired text. Pure functions without files or network; each answers with its result or a
 * Rejection.
 *
 * @example
 * const decoded = decodePage(bytes, 'gb2312');
 * const page = isRejection(decoded) ? decoded : extractPage(decoded.text);
 * const text = isRejection(page) ? page : repairText(page.body, page.title);
 *
 * @module @tunan/page
 */
export { type DecodedPage, decodePage, MOST_PAGE_BYTES } from './decode/decode-page.ts';
export { type ExtractedPage, extractPage } from './extract/extract-page.ts';
export { MISSING } from './missing.ts';
export { isRejection, type Rejection } from './rejection.ts';
export { type RepairedText, type RepairKind, repairText } from './repair/repair.ts';

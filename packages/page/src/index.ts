/** Bytes of a page → characters → main text → repaired text. */
export { type DecodedPage, decodePage, MOST_PAGE_BYTES } from './decode/decode-page.ts';
export { type ExtractedPage, extractPage } from './extract/extract-page.ts';
export { MISSING } from './missing.ts';
export { isRejection, type Rejection } from './rejection.ts';
export { type Repairable, repair } from './repair/repair.ts';

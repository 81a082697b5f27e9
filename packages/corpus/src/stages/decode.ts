/** Stage `decode`: the characters of a page from its bytes. Drafts of sources that give text already pass unchanged, so one recipe may read both. */

import { decodePage } from '@tunan/page';
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { type Draft, isRejection, type Rejection } from '../document.ts';
import { documentStage } from '../stage.ts';

const schema = z
  .strictObject({ use: z.literal('decode') })
  .describe(
    inBoth(
      'Characters of a web page from its bytes. Documents that are no pages pass, here and in `extract`.',
      '由字节得出网页的文字。不是网页的文档原样通过，`extract` 亦然。',
    ),
  );

function decode(draft: Draft): Draft | Rejection {
  const { page } = draft;
  if (page === undefined) return draft;
  const decoded = decodePage(page.bytes, page.declared);
  if (isRejection(decoded)) return decoded;
  return { ...draft, meta: { ...draft.meta, encoding: decoded.encoding }, page: { ...page, html: decoded.text } };
}

export const decodeStage = documentStage({
  label: { zh: '解码', en: 'Decoding' },
  names: {
    empty: { zh: '空白', en: 'empty' },
    binary: { zh: '二进制', en: 'binary' },
    'unknown-charset': { zh: '编码不明', en: 'unknown charset' },
    'page-too-large': { zh: '网页过大', en: 'page too large' },
    'invalid-encoding': { zh: '编码错误', en: 'invalid encoding' },
    garbled: { zh: '乱码', en: 'garbled' },
    'lost-characters': { zh: '字符丢失', en: 'lost characters' },
    encoding: { zh: '编码（篇）', en: 'charset, documents' },
  },
  meta: {
    encoding: '由字节判定的编码 charset of the page, found from its bytes',
  },
  schema,
  prepare: () => decode,
});

/**
 * Records of verse editions that are no whole work: quoted fragments, catalogue entries of lost poems, spoken dialogue
 * of plays, scholars' commentary. Also mends titles that ran over into the first verses (yuanqu). Runs before notes are stripped, since the notes are what shows some of them.
 */
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { Draft, Rejection } from '../document.ts';
import { documentStage } from '../stage.ts';

const schema = z
  .strictObject({ use: z.literal('verse') })
  .describe(inBoth('For collections of poems: what is no poem is dropped.', '用于诗词：剔除不是诗词的条目。'));

const FRAGMENT_TITLE =
  /^(句|残句|断句|逸句|佚句|失题句|诗句|联|残联|补句)([ ·（]|其|[一二三四五六七八九十]|$)|（(残|逸|佚|断)?句）/;
const CATALOGUE_TITLE = /^存目( |$)/;
const CATALOGUE_BODY = /^(诗题|首句|出处|题)：|出处：《|首句：|\n?以上.{1,12}整理/;
// (正末云), (带云), (做拜科，云): the text after it is spoken prose; (唱) alone marks song and is only a note.
const SPEECH = /（[^）\n]{0,24}(云|白|问|答|念|诗曰)[^）\n]{0,4}）/;
// What remains of a scholar's note when its brackets are cut: a title with a chapter, a manuscript's number.
const COMMENTARY =
  /《[^》\n]{1,24}》[^，。\n]{0,6}卷[上中下一二三四五六七八九十百〇]|[伯斯][一二三四五六七八九〇]{4}|校记|原卷|（?按：/;
const WEB_PAGE = /首页|https?:|Content-Type|text\/html/;
// 离亭宴煞·早是可曾经心绪愁牵挂，又逢暮秋潇洒。恰不听寒蛩唧唧，又 | 听的寒雁哑哑。
const RUN_OVER_TITLE = /^([^·，。！？]{1,16})·([^·]{6,}[，。！？][^·]*)$/;

export function verse(record: Draft): Draft | Rejection {
  const draft = mendTitle(record);
  if (FRAGMENT_TITLE.test(draft.title)) return { reason: 'fragment' };
  if (CATALOGUE_TITLE.test(draft.title) || CATALOGUE_BODY.test(draft.body)) return { reason: 'catalogue-entry' };
  if (WEB_PAGE.test(draft.body)) return { reason: 'web-page' };
  if (SPEECH.test(draft.body)) return { reason: 'play-dialogue' };
  if (COMMENTARY.test(outsideBrackets(draft.body))) return { reason: 'commentary' };
  return draft;
}

function mendTitle(draft: Draft): Draft {
  const parts = RUN_OVER_TITLE.exec(draft.title);
  if (parts === null) return draft;
  const [, title, verses] = parts;
  const glue = /[。！？]$/.test(verses!) ? '\n' : '';
  return { ...draft, title: title!, body: `${verses}${glue}${draft.body}` };
}

/** The text without bracketed passages, cheaply and roughly: only used to look for loose commentary. */
function outsideBrackets(body: string): string {
  if (!/[（〖]/.test(body)) return body;
  let depth = 0;
  let kept = '';
  for (const c of body) {
    if (c === '（' || c === '〖') depth++;
    else if (c === '）' || c === '〗') depth = Math.max(0, depth - 1);
    else if (depth === 0) kept += c;
  }
  return kept;
}

export const verseStage = documentStage({
  label: { zh: '诗词体例', en: 'Editions of verse' },
  names: {
    fragment: { zh: '残句', en: 'fragment' },
    'catalogue-entry': { zh: '存目', en: 'catalogue entry of a lost poem' },
    'web-page': { zh: '网页残留', en: 'remains of a web page' },
    'play-dialogue': { zh: '剧本宾白', en: 'spoken dialogue of a play' },
    commentary: { zh: '考订文字', en: 'commentary' },
  },
  schema,
  prepare: () => verse,
});

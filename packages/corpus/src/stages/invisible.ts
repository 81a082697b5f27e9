/**
 * Characters that nobody sees and that carry no text: controls, zero width, byte order marks, soft hyphens, selectors of a glyph,
 * noncharacters. What holds an emoji together stays: joiners of families, the selector of its colours, the tags of a flag.
 */

export const INVISIBLE = /(?![\n\t])[\p{Cc}\p{Cf}]|[\uFDD0-\uFDEF]|[\u{FE00}-\u{FE0F}]|[\u{E0100}-\u{E01EF}]/gu;
const JOINED = /[\u200D\uFE0E\uFE0F\u{E0020}-\u{E007F}]/u;
/** Pictures with a skin and joined ones, keys, flags of regions by tags. */
const EMOJI =
  /\p{Extended_Pictographic}(?:[\uFE0E\uFE0F]|\p{Emoji_Modifier})?(?:[\u{E0020}-\u{E007E}]+\u{E007F})?(?:\u200D\p{Extended_Pictographic}(?:[\uFE0E\uFE0F]|\p{Emoji_Modifier})?)*|[0-9#*]\uFE0F?\u20E3/gu;

export function withoutInvisible(text: string): string {
  if (!JOINED.test(text)) return text.replace(INVISIBLE, '');
  let result = '';
  let from = 0;
  for (const { 0: emoji, index } of text.matchAll(EMOJI)) {
    result += text.slice(from, index).replace(INVISIBLE, '') + emoji;
    from = index + emoji.length;
  }
  return result + text.slice(from).replace(INVISIBLE, '');
}

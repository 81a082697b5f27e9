/**
 * Lines that software writes into posts, none of which is what was said: who edited a post when, whom a quote is from.
 *
 * Boards of the telnet days, and those that grew from them, keep every post as a letter: a head with sender, board and
 * station, a motto below a rule, and a last line that says where the letter was sent from.
 */
import type { PageContext } from './page-context.ts';

const LONGEST_LINE = 80;
const STAMPS = [
  /^[[［【\s]*本(帖|主题|主題)最[后後]由\s?\S.{0,40}\s[于於]\s?\S.{5,24}[编編][辑輯][\]］】\s]*$/,
  /^(引用[:：]?\s*)?原帖由.{1,40}[发發]表$/,
  /^\S.{0,24}\s[发發]表[于於]\s*\d{4}-\d{1,2}-\d{1,2}(\s+\d{1,2}:\d\d(:\d\d)?)?$/,
  /^回[复復覆]\s*\d+#(\s.{0,24})?$/,
];

const SENDER = /^[发發寄]信人\s*[:：]/;
const STATION = /^[发發]信站\s*[:：]/;
const SUBJECT = /^[标標]\s*[题題]\s*[:：]/;
const HEAD = /^(信[区區]|来\s+源|來\s+源)\s*[:：]/;
/** Where it was sent from, who changed it, where it was passed on. */
const TAIL = /^※\s*(来源|來源|修改|转载|轉載|发信站|發信站)/;
const RULE = /^--$/;
/** A motto is a few lines; what stands further from the last line is text. */
const LONGEST_MOTTO = 8;

export function withoutPostLines(page: PageContext, kept: readonly number[]): number[] {
  const said = kept.filter((i) => !isStamp(page.blocks[i]!.text));
  return withoutLetterParts(page, said.length > 0 ? said : kept);
}

function isStamp(text: string): boolean {
  return text.length <= LONGEST_LINE && STAMPS.some((stamp) => stamp.test(text));
}

/** The chosen blocks without head and tail of letters, where the page holds letters. */
function withoutLetterParts(page: PageContext, kept: readonly number[]): number[] {
  const { blocks } = page;
  if (!kept.some((i) => SENDER.test(blocks[i]!.text) || STATION.test(blocks[i]!.text))) return [...kept];
  const dropped = new Set<number>();
  // A page without a heading has that of its first letter.
  let subjects = page.heading < 0 ? 0 : 1;
  blocks.forEach(({ text }, i) => {
    if (SENDER.test(text) || STATION.test(text) || HEAD.test(text)) dropped.add(i);
    else if (SUBJECT.test(text) && subjects++ > 0) dropped.add(i);
    else if (TAIL.test(text)) {
      dropped.add(i);
      for (const line of mottoAbove(page, i)) dropped.add(line);
    }
  });
  const rest = kept.filter((i) => !dropped.has(i));
  return rest.length > 0 ? rest : [...kept];
}

/** From the rule down to the last line; nothing where no rule is near. */
function mottoAbove({ blocks }: PageContext, tail: number): number[] {
  for (let i = tail - 1; i >= Math.max(0, tail - LONGEST_MOTTO); i--) {
    if (RULE.test(blocks[i]!.text)) return Array.from({ length: tail - i }, (_, k) => i + k);
  }
  return [];
}

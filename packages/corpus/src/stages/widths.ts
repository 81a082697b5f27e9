/**
 * Letters, digits and marks of full width. Letters and digits are one with ASCII everywhere; a mark becomes ASCII only where it stands inside
 * a number, a name of letters or an address (３．１４, ｗｗｗ．, ３－１, １２：３０), and a comma only where it parts thousands, so that no number
 * comes to mean another: 1，2 stays two numbers, and 12。5 is left to whoever wrote it.
 */

const LETTERS = /[０-９Ａ-Ｚａ-ｚ]/g;
const ASCII_OF = (mark: string) => String.fromCharCode(mark.charCodeAt(0) - 0xfee0);

/** Marks that mean the same between letters and digits in either width. ％ stays, being written so in Chinese. */
const INSIDE = /(?<=[A-Za-z0-9])[．－＋＝／＠＿＆＜＞＇](?=[A-Za-z0-9])/g;
const AT_THE_END = /(?<=[A-Za-z][＋+]?)＋(?![A-Za-z0-9])|(?<=\b[Cc])＃/g;
/** １．总则, Ｊ．Ｋ．罗琳 */
const NUMBERING = /(?<=^\s*[（(]?(?:\d{1,3}|[A-Za-z]))．|(?<=(?:^|[．.·\s])[A-Z])．(?!$)/gm;
/** A time or a ratio; 表1：3个 and 步骤2：20分钟 are none. Spaces and a mark too many are what later steps take out. */
const RATIO =
  /(?<![\d.表图例题第附注条款步骤章节])(\d{1,3})[: \t\u3000]*[：∶︰][:：∶︰ \t\u3000]*(\d{1,3})(?:[: \t\u3000]*[：∶︰][:：∶︰ \t\u3000]*(\d{2}))?(?![\d.]|[个种名位条项张本块斤克毫升年月天日号分秒小只件次人元万亿、])/g;
/** Two groups of thousands, or one in front of what is counted. */
const THOUSANDS =
  /(?<![\d，.])[1-9]\d{0,2}(?:(?:[ \t\u3000]*(?:，[ \t\u3000]*)+\d{3}){2,}|[ \t\u3000]*(?:，[ \t\u3000]*)+\d{3}(?= ?(?:多|余)? ?(?:元|万|亿|人|名|个|吨|公里|千米|平方|亩|公顷|户|家|台|辆|米|美元|港元|％|%|\.\d)))(?![\d，])/g;

export const FULL_WIDTH = /[０-９Ａ-Ｚａ-ｚ．－＋＝／＠＿＆＜＞＇＃]/;
const HAS_MARK_IN_NUMBER = /\d[: \t\u3000]*[：∶︰，][:：∶︰， \t\u3000]*\d/;

/** @param hasFullWidth whether FULL_WIDTH is in the text */
export function narrowed(text: string, hasFullWidth: boolean): string {
  let result = text;
  if (hasFullWidth) {
    result = result.replace(LETTERS, ASCII_OF);
    result = result.replace(INSIDE, ASCII_OF).replace(AT_THE_END, ASCII_OF).replace(NUMBERING, '.');
  }
  if (!HAS_MARK_IN_NUMBER.test(result)) return result;
  return result
    .replace(RATIO, (_, first: string, second: string, third?: string) =>
      third === undefined ? `${first}:${second}` : `${first}:${second}:${third}`,
    )
    .replace(THOUSANDS, (number) => number.replace(/[，\s]+/g, ','));
}

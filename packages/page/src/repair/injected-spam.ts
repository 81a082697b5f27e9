/**
 * Cuts off search spam that was injected before or after an article: lines, or the beginning or end of one, that consist of
 * spam keywords. Where the page is spam throughout nothing is cut; stage `sensitive` rejects it. The article's own sentences
 * stay even if they name a keyword, for a cut needs several of them close together.
 */
import { SPAM_TERMS } from '../spam-terms.ts';
import { type Found, WordFinder } from '../word-finder.ts';
import { cutPageFurniture } from './page-furniture.ts';

/** What hardly stands anywhere but in such keywords; too short of meaning to judge a page by. */
const KEYWORDS = (
  '国精产品 一区一区 一区三区 第一区 三区有限 无码专区 牲交 乱子伦 乱大交 乱对白 真实乱 一级毛片 一级片 国产一级 一级黄 黄视频 色欲 色噜噜 爽到 喷水 被弄到 被狂躁 玩出水 流水视频 荫蒂 ' +
  '五月婷婷 婷婷五月 五月天 深深久久 伊人 大杳蕉 香蕉网 热这里只有 护士xxx xxxx 天堂在线 成年女人 老汉色 国偷自产 自产拍 女人高潮 到高潮 a级毛片 a级片 少妇被 熟妇乱 丰满熟 妇女性 丰满少妇 免费a ' +
  '棋牌官网 体育官方 体育app 电子模拟器 真人百家 娱乐注册 贷款秒批 信用卡代还 身份证代办 代开各地'
).split(' ');

const finder = new WordFinder<number>([
  ...SPAM_TERMS.filter(({ category }) => category !== 'advert').map(({ term, weight }) => [term, weight] as const),
  ...KEYWORDS.map((term) => [term, 1] as const),
]);

/** A run of keywords weighs at least this (three strong ones, or two and weak ones) … */
const LEAST_WEIGHT = 2.7;
/** … or this where it is a line of its own that is hardly anything else. */
const LEAST_WEIGHT_LINE = 1;
const LEAST_SHARE = 0.3;
const LEAST_SHARE_LINE = 0.55;
const LEAST_SHARE_RUN = 0.4;
/** A list of keywords needs so many known ones. */
const LEAST_WEIGHT_LIST = 1.7;
const LEAST_ITEMS = 6;
const LONGEST_ITEM = 20;
const LIST_SEPARATOR = /[\s,，、|｜_\-;；·/]+/;
/** Characters of other text inside a run: a brand, a conjunction, a separator. */
const LARGEST_GAP = 14;
/** A page whose spam is more than this share of it has no article to save. */
const LARGEST_SHARE_CUT = 0.7;
/** Letters without a strong keyword that are taken for a part of the article. */
const LEAST_ARTICLE = 15;
/** A stretch that no list of keywords has. */
const PROSE = /[^\s,，、|｜_\-;；]{17}|[，。：]/;
const SENTENCE_END = /[。！？!?…](?=["”』」）)]*)/g;
const SEPARATOR = /[\s,，、|｜_\-—;；。.:：！!?？/\\·•~～【】[\]()（）《》<>＞＜"“”]/;

/** The text without what was injected. Lines that stay are unchanged. */
export function cutInjectedSpam(text: string): string {
  const found = finder.find(text);
  if (found.length === 0) return text;
  const kept = cutEnds(text, found);
  const cut = kept === text && weightOf(found) >= LEAST_WEIGHT_LIST ? cutBeforeFurniture(text) : kept;
  return letters(text) - letters(cut) > LARGEST_SHARE_CUT * letters(text) ? text : cut;
}

/** Keywords may stand before what the site's template put last; that goes only where there are some. */
function cutBeforeFurniture(text: string): string {
  const body = cutPageFurniture(text);
  const kept = body === text ? text : cutEnds(body, finder.find(body));
  return kept === body ? text : kept;
}

function cutEnds(text: string, found: Found<number>[]): string {
  const lines = splitLines(text);
  let seen = 0;
  const hits = lines.map((line) => {
    const from = seen;
    while (seen < found.length && found[seen]!.begin < line.end) seen++;
    return found.slice(from, seen);
  });
  let first = 0;
  let last = lines.length - 1;
  const own = (at: number) => text.slice(lines[at]!.begin, lines[at]!.end);
  const isSpam = (at: number) => isSpamLine(own(at), hits[at]!) && !hasArticle(own(at), lines[at]!.begin, hits[at]!);
  const isBlank = (at: number) => own(at).trim() === '';
  // A line with keywords that alone would stay goes where spam is on its other side.
  const isLoose = (at: number) => hits[at]!.length > 0 && isKeywordList(own(at));
  const mayGo = (at: number) => isBlank(at) || isLoose(at) || isSpam(at);
  for (let at = 0; at <= last && mayGo(at); at++) if (isSpam(at)) first = at + 1;
  for (let at = last; at > first && mayGo(at); at--) if (isSpam(at)) last = at - 1;
  if (first > last) return text;
  while (first < last && first > 0 && isBlank(first)) first++;
  while (last > first && last < lines.length - 1 && isBlank(last)) last--;
  const inner: string[] = [];
  for (let at = first; at <= last; at++) {
    const line = own(at);
    if (at > first && at < last && isDense(own(at), hits[at]!)) continue;
    let begin = at === first ? prefixEnd(line, lines[at]!.begin, hits[at]!) : 0;
    let end = at === last ? suffixStart(line, lines[at]!.begin, hits[at]!) : line.length;
    const isOuter = at === first || at === last;
    const prose = isOuter && isSpamLine(line, hits[at]!) ? proseBeside(line, lines[at]!.begin, hits[at]!) : undefined;
    if (prose !== undefined) [begin, end] = [Math.max(begin, prose.begin), Math.min(end, prose.end)];
    inner.push(begin < end ? line.slice(begin, end) : line);
  }
  return inner.join('\n');
}

function splitLines(text: string): { begin: number; end: number }[] {
  const lines: { begin: number; end: number }[] = [];
  let begin = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', begin)) {
    lines.push({ begin, end });
    begin = end + 1;
  }
  lines.push({ begin, end: text.length });
  return lines;
}

function isSpamLine(line: string, hits: Found<number>[]): boolean {
  if (hits.length === 0) return false;
  const weight = weightOf(hits);
  const share = covered(hits) / Math.max(1, letters(line));
  if (weight >= LEAST_WEIGHT && share >= LEAST_SHARE) return true;
  if (weight >= LEAST_WEIGHT_LIST && isKeywordList(line)) return true;
  // A sentence on the matter (禁止非法代开发票。) is dense too.
  return weight >= LEAST_WEIGHT_LINE && share >= LEAST_SHARE_LINE && !/[。！？”]\s*$/.test(line);
}

/** A line inside the article has to be keywords through and through. */
function isDense(line: string, hits: Found<number>[]): boolean {
  return weightOf(hits) >= LEAST_WEIGHT && covered(hits) >= LEAST_SHARE_LINE * letters(line);
}

/** Several short items and no sentence. */
function isList(part: string): boolean {
  const items = part.split(LIST_SEPARATOR).filter((item) => item !== '');
  return items.length > 1 && !/[。！？!?]/.test(part) && items.every((item) => item.length <= LONGEST_ITEM);
}

/** Many short items between separators and no sentence: keywords, whether the finder knows each or not. */
function isKeywordList(line: string): boolean {
  if (/[。！？!?]/.test(line)) return false;
  const items = line.split(LIST_SEPARATOR).filter((item) => item !== '');
  return items.length >= LEAST_ITEMS && items.every((item) => item.length <= LONGEST_ITEM);
}

/** Whether a line of keywords has a part of the article before or after them: that is cut, not dropped. */
function hasArticle(line: string, base: number, hits: Found<number>[]): boolean {
  const begin = prefixEnd(line, base, hits);
  const end = suffixStart(line, base, hits);
  const isArticle = (from: number, to: number) =>
    letters(line.slice(from, to)) >= LEAST_ARTICLE &&
    !isList(line.slice(from, to)) &&
    !hits.some((hit) => hit.value >= 1 && hit.begin - base >= from && hit.end - base <= to);
  return (
    (begin > 0 && isArticle(begin, line.length)) ||
    (end < line.length && isArticle(0, end)) ||
    proseBeside(line, base, hits) !== undefined
  );
}

/** The sentences before all strong keywords of a line, or after them, whichever are longer. */
function proseBeside(line: string, base: number, hits: Found<number>[]): { begin: number; end: number } | undefined {
  const strong = hits.filter((hit) => hit.value >= 1);
  if (strong.length === 0) return undefined;
  const before = { begin: 0, end: beforeKeyword(line, strong[0]!.begin - base) };
  const after = { begin: afterKeyword(line, strong.at(-1)!.end - base), end: line.length };
  const [first, last] = [line.slice(before.begin, before.end), line.slice(after.begin, after.end)];
  const [prose, place] = letters(last) >= letters(first) ? [last, after] : [first, before];
  return letters(prose) >= LEAST_ARTICLE && PROSE.test(prose) && !isList(prose) ? place : undefined;
}

/** Where the article starts in a line that opens with keywords; 0 where it does not. */
function prefixEnd(line: string, base: number, hits: Found<number>[]): number {
  const run: Found<number>[] = [];
  let end = 0;
  for (const hit of hits) {
    const gap = line.slice(end, hit.begin - base);
    if (gap.length > LARGEST_GAP) break;
    run.push(hit);
    end = hit.end - base;
  }
  run.length = runLength(run);
  if (run.length === 0 || !isRun(run, run.at(-1)!.end - base)) return listEnd(line, base, hits);
  return afterKeyword(line, run.at(-1)!.end - base);
}

/** Where a list of keywords ends that opens a line: short items between separators that prose does not use. */
function listEnd(line: string, base: number, hits: Found<number>[]): number {
  let end = 0;
  let items = 0;
  for (const match of line.matchAll(/([^\s,|｜_\-;]{1,16})[\s,|｜_\-;]+/g)) {
    if (match.index !== end || /[。！？，]/.test(match[1]!)) break;
    end += match[0].length;
    items++;
  }
  const within = hits.filter((hit) => hit.end - base <= end);
  return items >= LEAST_ITEMS && weightOf(within) >= LEAST_WEIGHT_LIST ? end : 0;
}

/** Where keywords begin in a line that ends with them; its length where none do. */
function suffixStart(line: string, base: number, hits: Found<number>[]): number {
  const run: Found<number>[] = [];
  let start = line.length;
  for (const hit of hits.toReversed()) {
    const gap = line.slice(hit.end - base, start);
    if (gap.length > LARGEST_GAP) break;
    run.unshift(hit);
    start = hit.begin - base;
  }
  while (run.length > 0 && run[0]!.value < 1) run.shift();
  if (run.length === 0 || !isRun(run, line.length - (run[0]!.begin - base))) return line.length;
  return beforeKeyword(line, run[0]!.begin - base);
}

/** Weak keywords at the inner end of a run may be the article's own words, unless strong ones follow. */
function runLength(run: Found<number>[]): number {
  return run.findLastIndex((hit) => hit.value >= 1) + 1;
}

function isRun(run: Found<number>[], length: number): boolean {
  return weightOf(run) >= LEAST_WEIGHT && covered(run) >= LEAST_SHARE_RUN * length;
}

/** The rest of the last keyword's phrase goes with it, to a separator that is near. */
function afterKeyword(line: string, at: number): number {
  for (let i = at; i < Math.min(line.length, at + LARGEST_GAP); i++) {
    if (!SEPARATOR.test(line[i]!)) continue;
    // The article's own comma, unless the keywords have it too.
    if (/[，。：！？]/.test(line[i]!) && !line.slice(0, at).includes(line[i]!)) return at;
    let end = i;
    while (end < line.length && /[\s,，、|｜_\-—;；。.:：！!?？/\\·•~～＞>]/.test(line[end]!)) end++;
    return end;
  }
  return at;
}

function beforeKeyword(line: string, at: number): number {
  const window = line.slice(Math.max(0, at - LARGEST_GAP), at);
  const offset = at - window.length;
  // The article ends at its last sentence end; without one near, at the keyword's own phrase.
  const ends = [...window.matchAll(SENTENCE_END)];
  if (ends.length > 0) {
    let end = offset + ends.at(-1)!.index + 1;
    while (end < at && /["”』」）)]/.test(line[end]!)) end++;
    return end;
  }
  for (let i = at - 1; i >= offset; i--) if (SEPARATOR.test(line[i]!)) return i;
  return at;
}

function weightOf(hits: Found<number>[]): number {
  return hits.reduce((sum, hit) => sum + hit.value, 0);
}

function covered(hits: Found<number>[]): number {
  return hits.reduce((sum, hit) => sum + hit.end - hit.begin, 0);
}

/** Characters that are no white space or punctuation. */
function letters(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x3400 || (unit >= 0x30 && unit <= 0x39) || ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a)) n++;
  }
  return n;
}

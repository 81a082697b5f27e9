/** English text and pages → characters, marks, dates and set phrases as on Chinese pages. See foreign-pages.ts. */

/** Common characters of which made-up words consist; a phrase of vocabulary.ts comes about by chance only. */
const CHARACTERS = [
  '的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能过子说产种面而方后多定行学法所民得经十三之进着等部度',
  '家力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四那社义事平形相全表间样与各重线内数正心反你明',
  '看原又么利比或但质气第向道命此变条只没结解问意建公无系军很情者最立代想已通并提直党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边',
].join('');

/** Words of a page's surroundings. */
const SURROUNDINGS: [words: string, chinese: string][] = [
  ['comment comments', '评论'],
  ['share shares sharing', '分享'],
  ['related', '相关'],
  ['copyright', '版权'],
  ['next', '下一篇'],
  ['previous prev', '上一篇'],
  ['posted author written', '作者：'],
  ['home', '首页'],
  ['login signin', '登录'],
  ['register signup join', '注册'],
  ['reply replies', '回复'],
  ['view views', '浏览'],
  ['print', '打印'],
  ['subscribe follow', '关注我们'],
  ['contact', '联系我们'],
  ['tag tags', '标签'],
  ['search', '搜索'],
  ['more', '更多'],
  ['latest', '最新'],
  ['popular hot trending', '热门'],
  ['rights', '版权所有'],
  ['reserved', '侵权必究'],
  ['privacy', '隐私声明'],
  ['advertise advertising advertisement', '广告'],
  ['forum', '论坛'],
  ['download', '下载'],
  ['email e-mail', '邮箱'],
  ['facebook', '微博'],
  ['twitter', '微信'],
  ['terms', '免责声明'],
  ['recommended', '推荐'],
  ['source', '来源：'],
];
const KNOWN = new Map(SURROUNDINGS.flatMap(([words, chinese]) => words.split(' ').map((word) => [word, chinese])));

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const MONTH = `(${MONTHS.join('|')})[a-z]*\\.?`;
const MONTH_FIRST = new RegExp(`\\b${MONTH}\\s+(\\d{1,2})(?:st|nd|rd|th)?,?\\s+((?:19|20)\\d\\d)`, 'gi');
const DAY_FIRST = new RegExp(`\\b(\\d{1,2})\\s+${MONTH},?\\s+((?:19|20)\\d\\d)`, 'gi');

const ENTITIES: [pattern: RegExp, text: string][] = [
  [/&(nbsp|#160|#xa0);/gi, ' '],
  [/&(#8217|rsquo|#39|#x27|apos);|[’‘]/gi, "'"],
  [/&(ldquo|#8220);/gi, '“'],
  [/&(rdquo|#8221);/gi, '”'],
  [/&(mdash|ndash|#8211|#8212);/gi, '——'],
  [/&(quot|#34);/gi, '"'],
  [/&hellip;/gi, '……'],
  [/&amp;/gi, '与'],
];

const MARKS: Record<string, string> = { '.': '。', ',': '，', ';': '；', ':': '：', '!': '！', '?': '？' };
const TOKEN = /&\w+;|&#\w+;|[A-Za-zÀ-ÿ]+(?:'[a-z]+)?(?:-[A-Za-z]+)*|[.,;:!?](?=\s|$|["”])|[ \t]+/g;

/** Text between tags is rewritten; comments, tags, scripts and styles stay. */
export function foreignHtml(html: string): string {
  const parts = /<!--[\s\S]*?-->|<(script|style|noscript)\b[\s\S]*?<\/\1\s*>|<[a-z!/?][^>]*>|[^<]+|</gi;
  return html.replace(parts, (part) => (part.startsWith('<') ? part : foreignText(part)));
}

export function foreignText(text: string): string {
  let plain = ENTITIES.reduce((all, [pattern, to]) => all.replace(pattern, to), text);
  plain = plain.replace(MONTH_FIRST, (_, month: string, day: string, year: string) => chineseDate(year, month, day));
  plain = plain.replace(DAY_FIRST, (_, day: string, month: string, year: string) => chineseDate(year, month, day));
  return plain.replace(TOKEN, (token, at: number) => {
    if (token.startsWith('&')) return token;
    if (/^[ \t]/.test(token)) return between(token, plain[at - 1] ?? '\n', plain[at + token.length] ?? '\n');
    return MARKS[token] ?? foreignWord(token);
  });
}

function chineseDate(year: string, month: string, day: string): string {
  return `${year}年${MONTHS.indexOf(month.toLowerCase()) + 1}月${day}日`;
}

/** Chinese has no spaces between words; those at the ends of lines and between numbers stay. */
function between(space: string, before: string, after: string): string {
  if (before === '\n' || after === '\n') return space;
  return /\d/.test(before) && /\d/.test(after) ? ' ' : '';
}

const words = new Map<string, string>();

function foreignWord(word: string): string {
  const key = word.toLowerCase();
  let made = words.get(key) ?? KNOWN.get(key);
  if (made === undefined) {
    const length = key.length <= 3 ? 1 : key.length <= 8 ? 2 : 3;
    made = '';
    for (let i = 0, h = hashOf(key); i < length; i++, h = Math.imul(h ^ (h >>> 13), 0x5bd1e995) >>> 0)
      made += CHARACTERS[h % CHARACTERS.length];
    words.set(key, made);
  }
  return made;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 2_166_136_261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619);
  return hash >>> 0;
}

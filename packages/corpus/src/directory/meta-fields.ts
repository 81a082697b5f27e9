/** What the fields of a document's `meta` mean, for the card. A field of the source's own is shown by its name alone. */
export const META_FIELDS: Record<string, string> = {
  author: '作者 author, as the source names it',
  collection: '所属的集 collection of the recipe',
  date: '网页所载日期 date that the page states',
  dynasty: '朝代 dynasty',
  encoding: '由字节判定的编码 charset of the page, found from its bytes',
  fetched: '抓取时间 when the page was fetched',
  kind: '`article` 或 `forum` 网页类型 kind of page: an article, or posts of a forum',
  masked: '已遮盖的个人信息 personal data that was masked, as `kind:count`, joined by commas',
  perplexity: '困惑度 perplexity under the character n-gram model of the recipe; lower is more expected',
  perplexityBucket: '`head`、`middle` 或 `tail` 困惑度三档 bucket of the perplexity, most expected first',
  quality: '分类器给出的高质量概率 probability of high quality by the classifier of the recipe, 0 to 1',
  repaired: '修复过的损坏 kinds of damage that were repaired, joined by commas; without it the text is as it was found',
  repeatedLines: '删去的站内重复行数 lines taken out because they repeat across the site',
  script: '`Hans`、`Hant` 或 `mixed` 原文字体 script before any conversion: Simplified, Traditional or both',
  title: '网页标题 title of the page',
  url: '网址 address of the page',
};

/**
 * What authors of pages call their parts, and what the parts say: the words in class and id names that tell body from
 * surroundings, and the phrases that Chinese pages put around an article. All of them are general: none names a site.
 */

/** Kinds of parts by the names that elements bear. */
const PARTS: [name: string, pattern: RegExp][] = [
  [
    'body',
    /article|content|(^|[^a-z])(text|txt|body|main|entry|story)|正文|zhengwen|neirong|detail|blog|essay|chapter|paragraph|richtext|rich_?media|articlebody|markdown|zoom/,
  ],
  ['post', /post|thread|topic|floor|reply|answer|message|question|t_f(sz|$)|discuss/],
  ['comment', /comment|cmt|pinglun|liuyan|guestbook|feedback|gentie|review|disqus/],
  [
    'navigation',
    /nav|menu|crumb|breadcrumb|location|position|sitemap|daohang|weizhi|channel|tabs?([^a-z]|$)|path([^a-z]|$)/,
  ],
  [
    'related',
    /relat|recommend|recomm|tuijian|xiangguan|similar|guess|hot|rank|top\d|popular|latest|more|list|news_?list|feed|sugg|like[^a-z]|hot_?news|read_?next|other/,
  ],
  ['side', /side|aside|right|left|widget|column|bar([^a-z]|$)|sub([^a-z]|$)|module/],
  ['foot', /foot|copyright|bottom|friend|partner|beian|about|contact|disclaim|declare|statement|shengming|icp/],
  ['head', /header|head([^a-z]|$)|top([^a-z0-9]|$)|banner|logo|topbar|masthead/],
  [
    'tool',
    /share|tool|toolbar|print|fav|collect|bdsharebuttonbox|jiathis|qr|code|weixin|wechat|weibo|login|regist|search|user|vote|digg|btn|button|operate|action|font|zan([^a-z]|$)|download|page([^a-z]|$)|pager|pagination|fenye|dialog|modal|popup|tips?([^a-z]|$)|alert/,
  ],
  ['advert', /(^|[^a-z])ads?([^a-z]|$)|advert|guanggao|sponsor|promo|gg([^a-z]|$)|adsense|adbox/],
  ['title', /title|headline|subject|biaoti|(^|[^a-z])h1|(^|[^a-z])tit([^a-z]|$)/],
  [
    'byline',
    /meta|info|author|date|time|source|byline|editor|laiyuan|zuozhe|post_?by|keyword|tags?([^a-z]|$)|summary|abstract|lead|desc|digest|caption/,
  ],
];

export const PART_NAMES: readonly string[] = PARTS.map(([name]) => name);

/** By tag, what the name of the element itself says. */
const TAG_PARTS: Record<string, number> = {
  article: 1 << 0,
  main: 1 << 0,
  nav: 1 << 3,
  aside: 1 << 5,
  footer: 1 << 6,
  header: 1 << 7,
};

const known = new Map<string, number>();

/** One bit for each kind of part that the element's tag, class or id names. */
export function partsOf(tag: string, hint: string): number {
  const ofTag = TAG_PARTS[tag] ?? 0;
  if (hint === '') return ofTag;
  let bits = known.get(hint);
  if (bits === undefined) {
    bits = 0;
    PARTS.forEach(([, pattern], i) => {
      if (pattern.test(hint)) bits! |= 1 << i;
    });
    // Names repeat within a page and a site; memory stays bounded over a crawl.
    if (known.size >= 5_000) known.clear();
    known.set(hint, bits);
  }
  return bits | ofTag;
}

/** Phrases around an article, Simplified and Traditional. */
const PHRASES: [name: string, pattern: RegExp][] = [
  [
    'rights',
    /版权|版權|copyright|©|all rights|备案|備案|icp[备證证]|许可证|經營許可|未经.{0,8}(许可|授权|同意)|转载请|轉載請|禁止转载|侵权|免责|声明|聲明|公告|风险|仅供参考|不代表|法律责任|举报|违法|不良信息/i,
  ],
  [
    'byline',
    /(责任|責任|执行|本文|特约|实习)?(编辑|編輯|作者|记者|記者|撰文|来源|來源|出处|稿源|译者|校对|审核|发布者|发布时间|發布時間|编审|责编|图\/|文\/)[\s:：】）/]/,
  ],
  [
    'counter',
    /(阅读|浏览|点击|瀏覽|閱讀|人气|点赞|回复|回覆|查看|收藏|转发|喜欢|播放|评论|跟贴|参与|推荐)(量|数|次数|人数|\(|（|:|：)|\d+\s*(次|人|条|個|个)?\s*(阅读|浏览|点击|评论|回复|赞|收藏|跟贴|參與|参与|播放)/,
  ],
  [
    'neighbour',
    /上一?(篇|页|頁|章|条)|下一?(篇|页|頁|章|条)|返回|首页|首頁|目录|列表|更多|more|全文|加载|展开|收起|回到顶部/i,
  ],
  [
    'related',
    /相关|相關|推荐|推薦|延伸阅读|延伸閱讀|热门|熱門|热点|排行|最新|猜你|猜您|精彩|往期|专题|專題|看了又看|大家都在/,
  ],
  [
    'account',
    /登录|登錄|登入|注册|註冊|密码|密碼|用户名|验证码|会员|會員|关注我们|我的|退出|发表评论|發表評論|匿名|回复楼主|发帖/,
  ],
  [
    'share',
    /分享|微信|微博|qq空间|朋友圈|扫一扫|扫码|二维码|掃描|复制链接|公众号|打印|字号|字體|字体|收藏本|关闭窗口|客户端|app|下载|下載/i,
  ],
  [
    'contact',
    /电话|電話|传真|邮箱|郵箱|e-?mail|地址|邮编|客服|热线|熱線|联系我们|聯繫我們|关于我们|關於我們|投稿|广告|廣告|招聘|网站地图|帮助中心|友情链接/i,
  ],
  ['date', /(19|20)\d\d\s*[-年/.]\s*\d{1,2}\s*[-月/.]\s*\d{1,2}|\d{1,2}:\d\d(:\d\d)?|\d+\s*(分钟|小时|天|个月|年)前/],
  ['place', /(当前|您的|你的|现在|目前|所在)(的)?(位置|所在)|[>»›].{1,20}[>»›]|正文\s*$/],
  // A name and a number or date, nothing else: what a user, a product or a file has.
  ['field', /^\s*[^\d\s，。！？,!?]{1,8}[\s:：]*\d[\d\s:：./,+%-]{0,24}[^\d\s，。！？]{0,3}\s*$/],
  [
    'forum',
    /楼主|樓主|沙发|板凳|\d+\s*[#楼樓]|发表于|發表於|只看该作者|积分|帖子|威望|注册时间|最后登录|引用|回帖|本帖|签名|倒序|顶端/,
  ],
];

export const PHRASE_NAMES: readonly string[] = PHRASES.map(([name]) => name);

/** One bit for each kind of phrase in the text; long texts are prose, of which the beginning is looked at. */
export function phrasesOf(text: string): number {
  const part = text.length > 160 ? text.slice(0, 160) : text;
  let bits = 0;
  for (let i = 0; i < PHRASES.length; i++) if (PHRASES[i]![1].test(part)) bits |= 1 << i;
  return bits;
}

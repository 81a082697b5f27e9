/**
 * Cuts off what a site's template left around an article: next and previous articles, hot topics, related searches, share links, notices.
 * Such lines are told by their heading; from the first one on everything goes, if no prose follows and an article stands before it. Before
 * the first prose single lines go that are no more than a greeting, a channel or marks.
 */
import { simplifiedUnit } from './character-model.ts';

const SUBJECT =
  '热点|热门|热搜|热文|最新|最热|精彩|今日|本周|本月|推荐|相关|延伸|更多|猜你|猜您|大家|编辑|站长|小编|随机|往期|阅读|点击|浏览|人气|一周|图文|本类|本站|栏目|频道|友情|网站|站内|同类|' +
  '其他|其它|[您你]可能|看了|看过|为您';
const KIND =
  '话题|推荐|文章|阅读|新闻|资讯|热词|搜索|链接|报道|内容|标签|喜欢|在看|排行榜?|导航|专题|头条|感兴趣|动态|视频|图片|热点|热文|帖子|主题|导读|精选|的人|还看了?|回顾';
/** Lines that are furniture as a whole, in Simplified characters. */
const FURNITURE = [
  /^[上下]一(?:篇|页|章|条|则|节)(?:[\s:：>»|].*)?$/,
  new RegExp(`^(?:${SUBJECT}).{0,6}?(?:${KIND})(?:[:：>»…】].*)?$`),
  /^(?:文章|本文)?(?:标签|tags?)\s*[:：].{0,120}$/i,
  /^(?:分享|转发|收藏|点赞|打印|举报|投诉|纠错|关注|扫码|扫一扫|长按|复制链接)(?:到|至|本页|本文|我们|此文|二维码|公众号)?(?:[\s:：|·【[（(].{0,60}|.{0,8})$/,
  /^返回(?:首页|顶部|列表|目录|上一?页|栏目).{0,10}$/,
  /^(?:网友|发表|查看|全部|最新|精彩|我要|用户)?(?:评论|跟帖|留言)(?:列表|区|\(.*\)|（.*）|[\s:：].{0,30})?$/,
  /^(?:暂无评论|还没有评论|快来抢沙发|查看更多|加载更多|点击加载|阅读全文|展开全文|没有更多).{0,30}$/,
  /^(?:copyright|©|\(c\)|版权所有|all rights reserved|powered by).{0,100}$/i,
  /^.{0,40}(?:icp备|icp证|公网安备|经营许可证|增值电信业务).{0,60}$/i,
  /^(?:免责声明|版权声明|特别声明|郑重声明|侵权|本文|本站|以上内容|文章内容|图片|声明).{0,60}(?:侵权|来源于网络|来自网络|联系(?:我们|本站|管理员|站长)|不代表本站|网友上传|删除).{0,40}$/,
  /^(?:登录|登陆|注册|用户名|密码|忘记密码|验证码|提交|发布|取消|搜索)(?:[\s/|].{0,30})?$/,
];
/** What stands alone in a line before an article as well: a greeting, a channel, marks. */
const ALONE = [
  /^(?:hi|hello|您好|你好)[,，!！~]?$/i,
  /^(?:头条|首页|新闻|资讯|财经|科技|体育|娱乐|汽车|房产|视频|图片|论坛|博客|微博|社区|更多|广告|关闭)[>»]*$/,
  /^[\s?？!！.·•~～\-—_=*#|>»…□\uFFFD]{1,12}$/,
];
/** Goes with lines of furniture behind it, and may be an abstract's own. Who wrote and edited an article stays. */
const LOOSE = /^关键[词字]\s*[:：].{0,60}$/;
const BULLET = /^[\s【[（(#*·•◆■●▪>»\d.、]+/;

/** A sentence of an article. */
const PROSE = /[。；].{0,200}$|[。！？!?…][”」』）)]?$/;
const LEAST_PROSE = 25;
const SURE_HEADINGS = 2;
/** More than this share is no tail. */
const LARGEST_SHARE = 0.6;

export function cutPageFurniture(text: string): string {
  const lines = cutTail(text).split('\n');
  const first = lines.findIndex((line) => isProse(line.trim()));
  const kept = lines.filter((line, at) => at >= first || line.trim() === '' || !isAlone(folded(line)));
  return kept.length === lines.length ? lines.join('\n') : kept.join('\n').trimStart();
}

function cutTail(text: string): string {
  const lines = text.split('\n');
  let cut = lines.length;
  let headings = 0;
  for (let at = lines.length - 1; at > 0; at--) {
    const line = folded(lines[at]!);
    if (line === '') continue;
    if (isFurniture(line)) {
      cut = at;
      headings++;
    } else if (isProse(line)) break;
  }
  if (cut === lines.length) return text;
  while (cut > 1 && (lines[cut - 1]!.trim() === '' || LOOSE.test(folded(lines[cut - 1]!)))) cut--;
  const kept = lines.slice(0, cut);
  // Of a page that has no sentence only what nobody can mistake goes.
  if (headings < SURE_HEADINGS && !kept.some((line) => isProse(line.trim()))) return text;
  const tail = lines.slice(cut).join('').length;
  return tail > LARGEST_SHARE * text.length ? text : kept.join('\n').trimEnd();
}

function isFurniture(line: string): boolean {
  return FURNITURE.some((pattern) => pattern.test(line)) || isAlone(line);
}

function isAlone(line: string): boolean {
  return ALONE.some((pattern) => pattern.test(line));
}

function isProse(line: string): boolean {
  return line.length >= LEAST_PROSE && PROSE.test(line) && !isFurniture(line);
}

/** The line in Simplified characters, without the bullet or number before it. */
function folded(line: string): string {
  const trimmed = line.trim();
  let simplified = '';
  for (let i = 0; i < trimmed.length; i++) simplified += String.fromCharCode(simplifiedUnit(trimmed.charCodeAt(i)));
  return simplified.length > 1 ? simplified.replace(BULLET, '') || simplified : simplified;
}

/**
 * Lines of a page's furniture that extraction may leave: copyright and filing numbers, previous and next, share and log-in
 * links, editor's marks. A line is one as a whole, never a sentence that names such a thing; the words are common to all sites.
 */

const LONGEST = 80;

const PATTERNS = [
  // Copyright, filing and licence numbers.
  /^(?:copyright|版权所有|版權所有|©|\(c\)).{0,70}$/i,
  /^.{0,30}(?:icp备|icp證|icp证|公网安备|網安備|经营许可证|增值电信业务)[^。！？]{0,45}$/i,
  /^(?:all rights reserved|powered by)\b.{0,50}$/i,
  // Navigation.
  /^(?:上一页|下一页|返回(?:首页|顶部|目录|列表)|回到顶部|网站首页|返回上一页)(?:[\s:：>»|].{0,50})?$/,
  /^(?:首页|主页|home)\s*[>»›|/].{0,60}$/i,
  /^(?:(?:您|你)(?:现在)?的?(?:当前)?位置|当前位置|所在位置)\s*[:：].{0,70}$/,
  // Sharing, log-in, printing.
  /^(?:分享到|分享至|分享|收藏|打印|打印本页|关闭窗口|加入收藏|设为首页|推荐给朋友|复制链接|点赞|举报|字号|字体)(?:[\s:：|·【[（(].{0,40})?$/,
  /^(?:登录|注册|登陆|登录\s*[/|]?\s*注册|用户名|忘记密码)(?:[\s/|].{0,30})?$/,
  /^(?:我要评论|发表评论|网友评论|查看全部评论|查看更多|阅读全文|展开全文|点击加载更多|加载中|暂无评论)(?:[\s:：…(（].{0,30})?$/,
  /^(?:扫一扫|扫描二维码|长按二维码|关注(?:我们|微信公众号|公众号)).{0,40}$/,
  /^(?:相关(?:阅读|文章|新闻|链接|推荐|报道)|猜你喜欢|热[门点](?:推荐|文章|标签|话题)|推荐阅读|延伸阅读|最新文章|点击排行)\s*[:：]?$/,
  /^(?:相关)?热(?:词|门)搜索\s*[:：].{0,70}$/,
  // What stands under an article.
  /^[（(【[]?\s*(?:责任编辑|责编|本文编辑)\s*[:：].{0,30}$/,
  /^(?:免责声明|版权声明|特别声明|郑重声明)\s*[:：].{0,70}$/,
];

/** With the title of another article behind it, however long that is. */
const NEXT = /^[上下]一[篇章](?:$|[\s:：>»|])/;

export function withoutBoilerplate(text: string): string {
  let changed = false;
  const lines = text.split('\n').filter((line) => {
    const keeps = !isBoilerplate(line);
    changed ||= !keeps;
    return keeps;
  });
  return changed ? lines.join('\n') : text;
}

function isBoilerplate(line: string): boolean {
  const trimmed = line.trim();
  if (NEXT.test(trimmed)) return true;
  return trimmed.length <= LONGEST && PATTERNS.some((pattern) => pattern.test(trimmed));
}

/**
 * Made-up pages for train.ts, of the kinds of which few are to be had in public: threads (also of one post, also of short
 * replies only), questions with answers, pages of short comments, blog posts with comments under them, short reports
 * above a feed of other articles, lists of teasers. What a person keeps of each is known by its making: the posts
 * without the user's data, signatures and buttons; the article without the comments; the report without the feed.
 *
 * The text is given (train.ts takes that of the foreign pages), the build is drawn by lot. The same seed gives the same pages.
 */
import { END, KEPT, kept, Site } from './made-parts.ts';
import type { PageKind, PageLabel } from './page-labels.ts';
import { Draw } from './seeded.ts';

type MadePage = { id: string; html: string; kind: PageKind } & Pick<PageLabel, 'keep'>;

type Maker = (site: Site) => { title: string; main: string; kind: PageKind };

const MAKERS: Maker[] = [
  thread,
  thread,
  thread,
  questionAndAnswers,
  questionAndAnswers,
  shortComments,
  blogPost,
  blogPost,
  reportAboveFeed,
  teasers,
];

const REPLIES =
  '顶 好帖 沙发 板凳 谢谢楼主 学习了 收藏了 同问 已解决 支持一下 路过 楼主说得对 多谢分享 我也遇到了 试了一下可以 不错不错 求链接 哈哈哈 ' +
  '这个真的有用 前排围观 蹲一个 楼上正解 感谢大佬 坐等更新 不明觉厉 赞 加油 +1 666 有道理 我觉得还行 确实是这样';

export function madePages(texts: readonly string[], count: number, seed: number): MadePage[] {
  const sentences = texts.flatMap((text) => text.match(/[\u3040-\u9fff，、；：“”0-9]{6,120}[。！？]/g) ?? []);
  return Array.from({ length: count }, (_, i) => {
    const draw = new Draw(seed + i);
    const site = new Site(draw, sentences);
    const { title, main, kind } = MAKERS[i % MAKERS.length]!(site);
    return { id: `made-${i}`, kind, ...unmarked(site.page(title, main)) };
  });
}

/** The page without marks, and where the text between them stands in the page's visible text without white space. */
function unmarked(html: string): { html: string; keep: [number, number][] } {
  // What is not visible here: tags, `<title>`. Entities are not made.
  const visible = html.replace(/<title>.*?<\/title>|<[^>]*>|\s/gsu, '');
  const keep: [number, number][] = [];
  let at = 0;
  let start = 0;
  for (const character of visible) {
    if (character === KEPT) start = at;
    else if (character === END) {
      const last = keep.at(-1);
      if (last !== undefined && last[1] === start) last[1] = at;
      else if (at > start) keep.push([start, at]);
    } else at += character.length;
  }
  return { html: html.replaceAll(KEPT, '').replaceAll(END, ''), keep };
}

/** Opening post and replies. */
function thread(site: Site): ReturnType<Maker> {
  const { draw } = site;
  const title = site.words(6, 24);
  const count = draw.chance(0.15) ? 0 : draw.mostlySmall(1, 24);
  const opening = draw.chance(0.3) ? [site.clause()] : paragraphs(site, 8, 4);
  const post = postMaker(site);
  const first = post(opening, 1);
  const replies = Array.from({ length: count }, (_, i) => post(reply(site), i + 2));
  const heading = draw.chance(0.85)
    ? `<h1${site.as('title')}>${kept(title)}</h1>`
    : `<div${site.as('title')}>${kept(title)}</div>`;
  const numbers = draw.chance(0.6) ? `<div>查看: ${draw.whole(20, 9_000)} | 回复: ${count}</div>` : '';
  // The opening post may stand apart from its replies.
  const apart = draw.chance(0.3);
  const between = draw.chance(0.3) ? `<div>${count} 条回复 · ${site.date()}</div>` : '';
  const list = apart ? `<div>${first}</div>${between}${listOf(site, replies)}` : listOf(site, [first, ...replies]);
  return { title, main: heading + numbers + list + afterThread(site), kind: 'thread' };
}

function reply(site: Site): string[] {
  const { draw } = site;
  if (draw.chance(0.35)) return [draw.one(REPLIES.split(' '))];
  if (draw.chance(0.5)) return [site.clause()];
  return paragraphs(site, 3, 3);
}

function paragraphs(site: Site, most: number, sentences: number): string[] {
  return Array.from({ length: site.draw.mostlySmall(1, most) }, () => site.paragraph(sentences));
}

type PostMaker = (text: string[], floor: number) => string;

/** How the posts of one site look: the user's data in a column beside or in a line above, what stands below. */
function postMaker(site: Site): PostMaker {
  const { draw } = site;
  const style = draw.one(['p', 'br', 'div', 'p'] as const);
  const beside = draw.chance(0.35);
  const userData = draw.chance(beside ? 0.8 : 0.25);
  const status = draw.chance(0.3);
  const signed = draw.chance(0.25);
  const quotes = draw.chance(0.4);
  const floors = draw.one(['楼', '#', '', '']);
  const tools = draw.one([
    '回复 引用 举报',
    '支持 反对 回复 举报',
    '点赞 回复',
    '引用回复 TOP',
    '赞同 感谢 分享 收藏',
    '',
  ]);
  const dated = draw.one(['发表于 ', '', '回复于 ', '发布时间：', '']);
  const undated = draw.chance(0.3);
  const tag = beside ? 'table' : draw.one(['div', 'li', 'article', 'div']);
  return (text, floor) => {
    const name = site.user();
    const author =
      `<a href="/u/${draw.whole(1, 9_999)}">${name}</a>` +
      `${userData ? `<p>${draw.one(['高级会员', '新手上路', '版主', '中级会员', 'Lv.5', '论坛元老'])}</p><dl><dt>积分</dt><dd>${draw.whole(1, 9_999)}</dd><dt>帖子</dt><dd>${draw.whole(1, 999)}</dd></dl>` : ''}` +
      `${status ? `<p>${site.clause()}</p>` : ''}`;
    const place = floors === '' ? '' : floors === '#' ? `#${floor}` : `${floor}${floors}`;
    const info = `<div${site.as('info')}>${place} ${undated ? `赞同 ${draw.whole(0, 900)}` : dated + site.date()}${draw.chance(0.1) ? ' 只看该作者' : ''}</div>`;
    const quote =
      quotes && floor > 2 && draw.chance(0.3)
        ? `<blockquote>${draw.chance(0.5) ? `<p>${site.user()} 发表于 ${site.date()}</p>` : ''}<p>${kept(site.clause())}</p></blockquote>`
        : '';
    const edited = draw.chance(0.08) ? `<p>本帖最后由 ${name} 于 ${site.date()} 编辑</p>` : '';
    const body = `<div${site.as('body')}>${edited}${quote}${text.length === 1 && style === 'br' ? kept(text[0]!) : site.prose(text, style)}</div>`;
    const below =
      `${signed && draw.chance(0.6) ? `<div${site.as('signature')}>${site.sentence()}</div>` : ''}` +
      `${
        tools === ''
          ? ''
          : `<div${site.as('tools')}>${tools
              .split(' ')
              .map((word) => `<a href="#">${word}</a>`)
              .join(' ')}</div>`
      }`;
    if (tag === 'table')
      return `<table${site.as('post')}><tr><td${site.as('author')}>${author}</td><td>${info}${body}${below}</td></tr></table>`;
    return `<${tag}${site.as('post')}><div${site.as('author')}>${author}</div>${info}${body}${below}</${tag}>`;
  };
}

function listOf(site: Site, posts: string[]): string {
  const tag = posts.length > 0 && posts[0]!.startsWith('<li') ? 'ul' : 'div';
  return `<${tag}${site.as('list')}>${posts.join('')}</${tag}>`;
}

function afterThread(site: Site): string {
  const { draw } = site;
  const pages = draw.chance(0.4)
    ? '<div><a href="?p=1">1</a> <a href="?p=2">2</a> <a href="?p=2">下一页</a></div>'
    : '';
  const form = draw.chance(0.5)
    ? `<form><h4>快速回复</h4><p>您需要登录后才可以回帖 <a href="/login">登录</a> | <a href="/reg">立即注册</a></p><input><p>本版积分规则</p></form>`
    : '';
  const related = draw.chance(0.4)
    ? `<div${site.as('related')}><h3>${draw.one(['相关帖子', '相关主题', '猜你喜欢', '最新话题'])}</h3>${site.headlines(draw.whole(3, 9))}</div>`
    : '';
  return draw.chance(0.5) ? pages + form + related : pages + related + form;
}

/** A question, its description and the answers; answerers with a line about themselves, short comments left out. */
function questionAndAnswers(site: Site): ReturnType<Maker> {
  const { draw } = site;
  const title = `${site.words(8, 20)}？`;
  const description = draw.chance(0.6) ? `<div${site.as('body')}><p>${kept(site.paragraph(3))}</p></div>` : '';
  const post = postMaker(site);
  const answers = Array.from({ length: draw.mostlySmall(1, 8) }, (_, i) => post(paragraphs(site, 6, 4), i + 1));
  const count = `<h4>${answers.length} ${draw.one(['个回答', '条回答', '个答案'])}</h4>`;
  const main = `<h1${site.as('title')}>${kept(title)}</h1>${description}<div><a href="#">关注问题</a> <a href="#">写回答</a></div>${count}${listOf(site, answers)}${afterThread(site)}`;
  return { title, main, kind: 'thread' };
}

/** A page that is nothing but what many people said of one thing. */
function shortComments(site: Site): ReturnType<Maker> {
  const { draw } = site;
  const title = `${site.words(3, 8)}${draw.one(['的短评', ' 短评', '的评论', '怎么样', '网友点评', '留言板'])}`;
  const voted = draw.chance(0.5);
  const items = Array.from({ length: draw.whole(4, 20) }, () => {
    const head = `<div${site.as('info')}><a href="/u">${site.user()}</a> ${site.date()} ${voted ? `${draw.whole(0, 900)} 有用` : ''}</div>`;
    return `<div${site.as('post')}>${head}<p${site.as('body')}>${kept(draw.chance(0.7) ? site.clause() : site.sentence())}</p></div>`;
  });
  const heading = draw.chance(0.6) ? `<h1${site.as('title')}>${title}</h1>` : '';
  return { title, main: `${heading}<div${site.as('comments')}>${items.join('')}</div>`, kind: 'comments' };
}

/** An article of some length; what readers wrote under it is left out. */
function blogPost(site: Site): ReturnType<Maker> {
  const { draw } = site;
  const title = site.words(6, 20);
  const text = Array.from({ length: draw.whole(3, 14) }, () => site.paragraph(5));
  const byline = `<div${site.as('info')}>${site.date()} 作者：${site.user()} 阅读(${draw.whole(9, 9_000)}) 评论(${draw.whole(0, 40)})</div>`;
  const list = draw.chance(0.2) ? `<ul>${[1, 2, 3].map(() => `<li>${kept(site.clause())}</li>`).join('')}</ul>` : '';
  const body = `<div${site.as('body')}>${site.prose(text, draw.one(['p', 'br', 'p', 'div']))}${list}</div>`;
  const after = draw.chance(0.5)
    ? `<div>标签：${site.links(3)}</div><div>上一篇：<a href="/1">${site.words(6, 16)}</a></div>`
    : '';
  const post = postMaker(site);
  const comments = Array.from({ length: draw.mostlySmall(0, 16) }, (_, i) =>
    post(reply(site), i + 1)
      .replaceAll(KEPT, '')
      .replaceAll(END, ''),
  );
  const heading = draw.one([
    '评论',
    '网友评论',
    `${comments.length} 条评论`,
    '发表评论',
    '全部评论',
    '留言',
    '读者留言',
  ]);
  const under =
    comments.length === 0 ? '' : `<div${site.as('comments')}><h3>${heading}</h3>${listOf(site, comments)}</div>`;
  const main = `<h1${site.as('title')}>${title}</h1>${byline}${body}${after}${under}${draw.chance(0.4) ? afterThread(site) : ''}`;
  return { title, main, kind: 'blog' };
}

/** A few sentences under their heading; whole other articles follow. */
function reportAboveFeed(site: Site): ReturnType<Maker> {
  const { draw } = site;
  const title = site.words(8, 22);
  const text = Array.from({ length: draw.whole(1, 4) }, () => site.paragraph(3));
  const article = `<div><h1${site.as('title')}>${title}</h1><div${site.as('info')}>${site.name} ${site.date()}</div><div${site.as('body')}>${site.prose(text, 'p')}</div></div>`;
  const others = Array.from({ length: draw.whole(1, 6) }, () => {
    const heading = `<${draw.one(['h2', 'h3', 'div'])}><a href="/a">${site.words(5, 20)}</a>`;
    const whole = Array.from({ length: draw.whole(1, 6) }, () => `<p>${site.paragraph(4)}</p>`).join('');
    return `<div${site.as('feed')}>${heading.replace(/^<(\w+)>(.*)$/, '<$1>$2</$1>')}<div${draw.chance(0.5) ? site.as('body') : ''}>${whole}</div></div>`;
  });
  const label = draw.chance(0.4) ? `<h3>${draw.one(['更多内容', '推荐阅读', '相关文章', '为你推荐'])}</h3>` : '';
  return { title, main: `${article}${label}<div${site.as('list')}>${others.join('')}</div>`, kind: 'article' };
}

/** The front page of a blog or a channel: headings and beginnings, nothing to keep. */
function teasers(site: Site): ReturnType<Maker> {
  const { draw } = site;
  const more = draw.one(['阅读全文', '查看更多 »', '[详细]', '', '...']);
  const items = Array.from({ length: draw.whole(5, 20) }, (_, i) => {
    const start = site.paragraph(2).slice(0, draw.whole(30, 130));
    const link = more === '' ? '' : `<a href="/${i}">${more}</a>`;
    return `<div${site.as('feed')}><h2><a href="/${i}">${site.words(6, 20)}</a></h2><div${site.as('info')}>${site.date()} ${site.user()}</div><p>${start}…${link}</p></div>`;
  });
  return { title: site.words(2, 6), main: `<div${site.as('list')}>${items.join('')}</div>`, kind: 'index' };
}

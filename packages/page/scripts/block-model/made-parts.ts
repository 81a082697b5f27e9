/**
 * The parts that Chinese pages of all kinds are put together from, for made-pages.ts: names, dates, prose, the page around
 * the text, and the class names that authors give to their parts. The text to be kept stands between two marks.
 */
import type { Draw } from './seeded.ts';

export const KEPT = '\ue000';
export const END = '\ue001';

export function kept(text: string): string {
  return `${KEPT}${text}${END}`;
}

type Role =
  | 'list'
  | 'post'
  | 'author'
  | 'info'
  | 'body'
  | 'tools'
  | 'signature'
  | 'comments'
  | 'side'
  | 'nav'
  | 'foot'
  | 'notice'
  | 'related'
  | 'title'
  | 'feed'
  | 'wrap';

const NAMES: Record<Role, string> = {
  list: 'postlist thread posts replies topic-replies PostStream stream list-group reply-list floor-list answers mainbox',
  post: 'post reply item floor comment-item topic-post message cell l_post answer-item PostStream-item media',
  author: 'author user postauthor userinfo user-info poster name username profile pls authi',
  info: 'info meta postinfo post-meta time pi subtitle post-time date top-info header',
  body: 'content post-content message t_f body text reply_content markdown-body cooked Post-body post-body msg postmessage rich-text',
  tools: 'tools actions operate footer btns post-actions pob opts links action-bar',
  signature: 'sign signature sig user-sign',
  comments: 'comments comment-list pinglun cmt commentlist respond ds-thread discuss message-board comment-area',
  side: 'side sidebar aside right col-md-3 rightbar widget-area',
  nav: 'nav header topbar menu navbar head top-nav hd',
  foot: 'footer foot bottom copyright ft site-footer',
  notice: 'notice announcement rules tips alert ad_header bulletin gonggao',
  related: 'related recommend hot more xg-list hot-topics relate-news similar',
  title: 'title subject thread-title topic-title post-title article-title headline',
  feed: 'feed item card feed-item list-item news-item entry box',
  wrap: 'main wrap container wp content-wrap page bd layout center',
};

/** How one site is written: its class names, tags and habits. */
export class Site {
  readonly draw: Draw;
  readonly #prefix: string;
  /** Class names that say nothing (made by a tool), or none. */
  readonly #mute: 'hash' | 'none' | 'no';
  readonly #names = new Map<Role, string>();
  readonly #sentences: readonly string[];
  readonly name: string;

  constructor(draw: Draw, sentences: readonly string[]) {
    this.draw = draw;
    this.#sentences = sentences;
    this.#prefix = draw.chance(0.25) ? draw.one(['bbs-', 'c-', 'm-', 'ui-', 'p_', 'zx-', 'app-', 'x-']) : '';
    this.#mute = draw.chance(0.12) ? 'hash' : draw.chance(0.08) ? 'none' : 'no';
    this.name = this.words(2, 5) + draw.one(['论坛', '社区', '网', '', '之家', '贴吧', '问答', '的博客', '小站']);
  }

  /** Attribute of an element that plays a role; the same on the whole site. */
  as(role: Role): string {
    let name = this.#names.get(role);
    if (name === undefined) {
      const hash = this.draw.whole(1_000_000, 9_999_999).toString(36);
      const said = `${this.#prefix}${this.draw.one(NAMES[role].split(' '))}`;
      const attribute = this.draw.chance(0.15) ? 'id' : 'class';
      name = this.#mute === 'none' ? '' : ` ${attribute}="${this.#mute === 'hash' ? `css-${hash}` : said}"`;
      this.#names.set(role, name);
    }
    return role === 'post' ? name.replace(' id=', ' class=') : name;
  }

  sentence(): string {
    return this.draw.one(this.#sentences);
  }

  clause(): string {
    return this.draw.one(this.sentence().split(/[，。；]/)).slice(0, 24) || '嗯';
  }

  /** Some characters that read like a name or a heading. */
  words(least: number, most: number): string {
    return this.sentence()
      .replace(/[^\u4e00-\u9fff]/g, '')
      .slice(0, this.draw.whole(least, most));
  }

  paragraph(most: number): string {
    return Array.from({ length: this.draw.mostlySmall(1, most) }, () => this.sentence()).join('');
  }

  user(): string {
    const { draw } = this;
    if (draw.chance(0.5)) return this.words(2, 5) || '路人';
    return draw.one(['lin', 'xiao_', 'ah', 'max', 'w', 'tofu', 'qq']) + draw.whole(1, 9_999);
  }

  date(): string {
    const { draw } = this;
    const day = [draw.whole(2003, 2025), draw.whole(1, 12), draw.whole(1, 28)];
    const time = `${draw.whole(0, 23)}:${String(draw.whole(0, 59)).padStart(2, '0')}`;
    return draw.one([
      `${day.join('-')} ${time}`,
      `${day.join('/')} ${time}`,
      `${day[0]}年${day[1]}月${day[2]}日 ${time}`,
      `${draw.whole(1, 23)} 小时前`,
      `${draw.whole(1, 28)}天前`,
      `${day[0]}-${String(day[1]).padStart(2, '0')}-${String(day[2]).padStart(2, '0')}`,
    ]);
  }

  links(count: number, least = 2, most = 4): string {
    return Array.from({ length: count }, (_, i) => `<a href="/${i}">${this.words(least, most)}</a>`).join(
      this.draw.one([' ', '|', '</li><li>']),
    );
  }

  headlines(count: number): string {
    const items = Array.from(
      { length: count },
      (_, i) => `<li><a href="/t/${i}">${this.words(8, 22)}</a>${this.draw.chance(0.4) ? ` ${this.date()}` : ''}</li>`,
    );
    return `<ul>${items.join('')}</ul>`;
  }

  /** The kept text of paragraphs as the site writes it. */
  prose(paragraphs: string[], style: 'p' | 'br' | 'div'): string {
    if (style === 'br') return paragraphs.map(kept).join(this.draw.chance(0.3) ? '<br><br>' : '<br>');
    return paragraphs.map((text) => `<${style}>${kept(text)}</${style}>`).join('');
  }

  /** The page around `main`. */
  page(title: string, main: string): string {
    const { draw } = this;
    const notice = draw.chance(0.25)
      ? `<div${this.as('notice')}>${Array.from({ length: draw.whole(1, 4) }, () => `<p>${this.sentence()}</p>`).join('')}</div>`
      : '';
    const side = draw.chance(0.5) ? this.#side() : '';
    const body = `<div${this.as('wrap')}>${notice}${draw.chance(0.3) ? side + main : main + side}</div>`;
    return (
      `<!DOCTYPE html><html><head><meta charset="utf-8"><title>${title}${this.#suffix()}</title></head><body>` +
      `<div${this.as('nav')}><ul><li>${this.links(draw.whole(3, 12))}</li></ul>${draw.chance(0.5) ? '<a href="/login">登录</a> <a href="/reg">注册</a>' : ''}</div>` +
      `${draw.chance(0.5) ? `<div><a href="/">首页</a> › <a href="/b">${this.words(2, 5)}</a> › ${title}</div>` : ''}` +
      `${body}${this.#foot()}</body></html>`
    );
  }

  #suffix(): string {
    const board = this.draw.chance(0.5) ? ` - ${this.words(2, 5)}` : '';
    return `${board}${this.draw.one([' - ', '_', ' | ', ' · '])}${this.name}${this.draw.chance(0.2) ? ' - Powered by Discuz!' : ''}`;
  }

  #side(): string {
    const { draw } = this;
    const about = draw.chance(0.4) ? `<p>${this.paragraph(2)}</p>` : '';
    const heading = draw.one(['热门主题', '相关推荐', '最新文章', '关于作者', '社区公告', '猜你喜欢', '最近活跃']);
    return `<div${this.as('side')}><h3>${heading}</h3>${about}${this.headlines(draw.whole(3, 10))}</div>`;
  }

  #foot(): string {
    const { draw } = this;
    const more = draw.chance(0.4) ? `<p>本站内容由用户发表，不代表本站立场，如有侵权请联系我们删除。</p>` : '';
    return `<div${this.as('foot')}>${this.links(draw.whole(2, 8))}${more}<p>© ${draw.whole(2005, 2025)} ${this.name} 版权所有 京ICP备${draw.whole(10_000_000, 99_999_999)}号</p></div>`;
  }
}

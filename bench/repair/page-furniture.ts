/** Lines like those that templates put behind an article, written for the benchmark; the stage's own patterns were chosen apart from them. */
import type { Random } from './damage.ts';

const TITLES = [
  '秋日里走进一座老茶山，听采茶人讲三代人的故事',
  '小区加装电梯为何一拖再拖？居民与专家这样说',
  '他用十年时间，把荒坡变成了一片果园',
  '这几种食物搭配，很多人都吃错了',
  '新规下月起施行，这些变化与你有关',
  '一张老照片背后的寻亲之路',
  '手机电池不耐用？也许是这几个设置没有关',
  '周末去哪儿玩？城郊这条步道值得走一走',
  '从教室到田间：一名乡村教师的两种身份',
  '为什么越来越多的年轻人开始学做木工',
];

const LINES: readonly ((title: string, other: string) => string[])[] = [
  (title) => [`上一篇：${title}`],
  (title, other) => [
    `下一篇：${title}，${other}，以及更多你可能错过的内容都在这里，欢迎继续阅读本站的其他文章和最新的专题报道，我们每天更新`,
  ],
  (title, other) => ['热点话题', title, other],
  (title, other) => ['热点推荐', `· ${title}`, `· ${other}`],
  (title) => ['相关阅读：', title],
  (title, other) => ['猜你喜欢', `1${title}`, `2${other}`],
  () => ['相关热词搜索：茶山 采茶 老街 电梯 果园'],
  () => ['标签：茶叶，乡村，生活'],
  () => ['关键词：茶叶 乡村 生活'],
  () => ['头条'],
  () => ['Hi'],
  () => ['?'],
  () => ['分享到：微信 微博 空间'],
  () => ['返回首页'],
  () => ['网友评论', '暂无评论，快来抢沙发吧'],
  () => ['Copyright © 2019 某某网 版权所有'],
  () => ['本文由网友上传，如有侵权请联系我们删除'],
  (title) => ['最新文章', title, '查看更多'],
];

/** Two to six groups of lines. */
export function tailLines(random: Random): string[] {
  const count = 2 + Math.floor(random() * 5);
  const any = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  return Array.from({ length: count }, () => any(LINES)(any(TITLES), any(TITLES))).flat();
}

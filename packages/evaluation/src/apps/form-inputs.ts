/** Inputs on which the forms of verse are measured: fixed, so that models can be compared, and in no example of the gallery. */
import type { App } from '@tunan/protocol';
import { POEM_THEMES } from '../poems/themes.ts';

/** Upper lines, from poems of the Tang and Song; all end in an oblique tone. */
const UPPER_LINES = [
  ...['明月松间照', '大漠孤烟直', '星垂平野阔', '野旷天低树', '山随平野尽', '潮平两岸阔', '感时花溅泪', '烽火连三月'],
  ...['随风潜入夜', '野径云俱黑', '众鸟高飞尽', '白发三千丈', '空山新雨后', '树树皆秋色', '海日生残夜', '气蒸云梦泽'],
  ...['泉声咽危石', '曲径通幽处', '古木无人径', '草枯鹰眼疾', '无边落木萧萧下', '万里悲秋常作客', '穿花蛱蝶深深见'],
  ...['五更鼓角声悲壮', '三顾频烦天下计', '锦江春色来天地', '身无彩凤双飞翼', '春蚕到死丝方尽', '沧海月明珠有泪'],
  ...['几处早莺争暖树', '漠漠水田飞白鹭', '晴川历历汉阳树', '三山半落青天外', '山重水复疑无路', '小楼一夜听春雨'],
  ...['疏影横斜水清浅', '落红不是无情物', '竹外桃花三两点', '梨花院落溶溶月', '旧时茅店社林外'],
];

const HEADS = [
  ...[
    '梅兰竹菊',
    '琴棋书画',
    '风花雪月',
    '春华秋实',
    '金石为开',
    '天道酬勤',
    '山高水长',
    '清风明月',
    '国泰民安',
    '海阔天空',
  ],
  ...['春雨', '秋月', '江南', '长安', '松风', '福寿', '归来', '知音', '书香', '平湖'],
];

/** As many as are asked for: the list again with other seeds where it ends. */
export function formInputs(app: App, count: number): Record<string, string>[] {
  const [first, ...others] = app.inputs;
  const uses = app.checks.map(({ use }) => use);
  const list = uses.includes('couplet') ? UPPER_LINES : uses.includes('acrostic') ? HEADS : POEM_THEMES;
  return Array.from({ length: count }, (_, place) => {
    // One choice after the other, whenever the list has come round by one.
    const rest = others.map(({ name, choices, default: fallback }) => [
      name,
      choices?.[place % choices.length] ?? fallback ?? POEM_THEMES[place % POEM_THEMES.length]!,
    ]);
    return { ...Object.fromEntries(rest), [first!.name]: list[place % list.length]! };
  });
}

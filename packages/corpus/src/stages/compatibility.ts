/**
 * Characters that Unicode has twice: compatibility ideographs (U+F900), radicals of the Kangxi block and of the supplement, which PDF files
 * give for the characters they look like (⼈⼯, ⻢), and kana of half width become the ordinary ones. Marks, digits, letters and
 * units (①, ㎡, ℃, Ａ) stay.
 */

// Unicode's EquivalentUnifiedIdeograph.txt for the supplement of radicals, goals of the basic plane; NFKC has no mapping for most.
const RADICALS =
  '⺁厂⺂乛⺃乚⺄乙⺅亻⺆冂⺈刀⺉刂⺊卜⺋㔾⺌小⺍小⺎兀⺏尣⺐尢⺒巳⺓幺⺔彑⺖忄⺗心⺘扌⺙攵⺛旡⺜日⺝月⺞歺⺟母⺠民⺡氵⺢氺⺣灬⺤爫⺥爫⺦丬⺧牛⺨犭⺩王⺫目⺬示⺭礻⺯糹⺰纟⺱罓⺲罒⺴冗' +
  '⺶羊⺹耂⺺肀⺻聿⺼肉⺾艹⺿艹⻀艹⻁虎⻂衤⻃覀⻄西⻅见⻆角⻈讠⻉贝⻋车⻌辶⻍辶⻎辶⻏邑⻐钅⻑長⻒镸⻓长⻔门⻖阝⻗雨⻘青⻙韦⻚页⻛风⻜飞⻝食⻟飠⻠饣⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻫斉' +
  '⻬齐⻭歯⻮齿⻯竜⻰龙⻱龜⻲亀⻳龟';

const radicals = new Map(
  Array.from({ length: RADICALS.length / 2 }, (_, i) => [RADICALS[2 * i]!, RADICALS[2 * i + 1]!]),
);
// Kana take their voicing marks with them (ﾊﾞ → バ). Ideographs of the supplement (U+2F800) are pairs of surrogates.
export const COMPATIBLE = /[\u2E80-\u2FD5\uF900-\uFAD9]|[\uFF66-\uFF9F]+|\uD87E[\uDC00-\uDE1D]/g;

export function foldCompatibility(text: string): string {
  if (!isConcerned(text)) return text;
  return text.replace(COMPATIBLE, (found) => radicals.get(found) ?? found.normalize('NFKC'));
}

function isConcerned(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x2e80) continue;
    if (unit <= 0x2fd5 || unit === 0xd87e || (unit >= 0xf900 && unit <= 0xfad9) || (unit >= 0xff66 && unit <= 0xff9f))
      return true;
  }
  return false;
}

/**
 * Characters of the basic plane by the script that has them, and the Simplified form of each Traditional one: OpenCC's table of
 * characters (simplecc-wasm), and what it lacks. The Table of General Standard Chinese Characters (通用规范汉字表, 2013) has the last word: what it
 * keeps for names (喆 堃 邨) stays, and rare characters are not simplified by analogy to forms outside the basic plane that it lacks.
 * Characters with two forms (乾, 著) are told by what stands beside them (form-choice.ts).
 */
import { codeTable } from '@tunan/page/code-pages';
import { simplecc } from 'simplecc-wasm';
import { CHOICES } from './choices.ts';

/** Kinds of characters, as bits. */
export const SIMPLIFIED_ONLY = 1;
export const TRADITIONAL_ONLY = 2;
/** Has another Simplified form; stands in a Simplified text as a slip or a quotation. */
export const CONVERTS = 4;
/** Has another form in a Traditional text alone: in a Simplified one it is there on purpose, in a name most often. */
export const CONVERTS_IN_TRADITIONAL = 8;
/** Has two Simplified forms. */
export const CHOICE = 16;
export const JAPANESE_ONLY = 32;
export const SENTENCE_END = 64;
/** Its other form lies outside the basic plane. */
export const BEYOND_PLANE = 128;

// Kept for names and words of their own by the table.
const STANDARD = '仝劄叚喆堃椀淼澂爇犇筦絜耑菉阪邨龢哩坏像么扞薳';
// Kept by it too, or by people who are called so, but words of today in a Traditional text (蒜薹, 汎美).
const NAMES = '薹袷苧麽俬埰寀懞旂淩澐灕琱碕翫踰鏇鵰汎璿菴儁榘棊遡捱濛霑倖闇摺';
// Variants that Traditional print has and the table of characters lacks. In Simplified text the pronouns are the writer's choice.
const VARIANTS =
  '妳你牠它衞卫粧妆砲炮鎗枪擡抬擧举瞇眯朶朵姪侄壻婿隣邻閙闹鬬斗鬭斗髪发髙高靑青淸清顚颠愼慎塡填緖绪緜绵喩喻兪俞讐仇覩睹窻窗牕窗冩写讬托歛敛嬾懒闗关' +
  '逺远觧解鐡铁纎纤覧览懐怀繋系轝舆輭软聨联囓啮寳宝穉稚麤粗堦阶簷檐傚效痺痹剉锉勦剿暱昵肈肇湼涅牴抵鷿䴙鷈䴘嶴岙彞彝枱台';
// Forms of the basic plane that stand for a rarer one in the table, and goals outside it that the table has.
const BEYOND =
  '㠣䓣䡵䥕䮄僤勣埨塸塿墠娙嵽巘廞彄晛暐梜櫍欓浿湋漍潕澫濆熰燀燖璊璕璗瓅瓛睍礐篢紃紞絪絺綄綎綖綝綡綧綪縯繶繻纁纆纕膢蒍蔄蔿虉蝀襀訏詝詪詷諓諟諲諴謏譓譞軏軝輄輋輗輮輶' +
  '鄩鄳醲釴釿鈇鉊鉥鉧鉮鉷銈銶鋐鋗鋹錀錞錤鍭鎓鎝鏏鏻鐄鐇鐍鐏鐩鐽鑪闉闑隑隤隮頍頔頠頫頵顗餗饘馼駃駉駓駪駼騄騊騑騞騠騱騵驎鮀鮆鮈鮟鮠鮡鮸鯻鰊鰤鰶鱀鱇鱚鱲鵏鵟鶠鶱鷟鷭鸑齘齮齯齼';
// Characters that Japan simplified its own way.
const JAPANESE =
  '両乗亀亜仏仮伝価倶倹児円処剣剤剰労効勅勧勲単厳収呉唖営噛団囲図圏圧塁塩増壊壌壱売変奨嬢実寛対専尭巌巣巻帯帰庁広廃弐弾従徳徴応恵悩悪懐戦戯戸戻払抜択拝拠拡挙挿捜掲掻揺摂撃撹斉' +
  '斎晩暁暦曽栄桜検楽様権歓歩歯歳歴毎気浄涙渇済渉渋渓満溌滝瀬焼犠猟獣畳痩発県砕稲穂穏竜粋粛経絵継続総縁縄縦繊聡聴脳臓舎艶荘蔵薫薬蛍覇覚覧観訳読譲豊賛転軽辺逓遅郷酔醸釈鉄鉱銭' +
  '鋳錬関闘陥険隠隣雑霊頼顕駅駆験髄鶏鹸黒黙齢';

const SENTENCE_ENDS = '\n。！？!?；;';

interface Forms {
  kinds: Uint8Array;
  /** Goals in a text of either script; the unit itself where it has no other form, two, or one of `beyond`. */
  inSimplified: Uint16Array;
  inTraditional: Uint16Array;
  /** Forms outside the basic plane. */
  beyond: ReadonlyMap<string, string>;
  /** Index into CHOICES. */
  choiceOf: Uint8Array;
  /** What contexts are compared by. */
  fold: Uint16Array;
}

let forms: Forms | undefined;

/** All tables are by UTF-16 unit. */
export function characterForms(): Forms {
  forms ??= tables();
  return forms;
}

/** Every character as one form of all that it may have; letters, digits, marks and brackets of titles as one unit for each kind. */
export function folded(text: string): Uint16Array {
  return Uint16Array.from([...text], (character) => characterForms().fold[character.charCodeAt(0)]!);
}

/** A place's context reaches so many units to either side. */
export const REACH = 8;

/** The folded units around a place, which is the one at REACH; marks where the text has ended. The array is the next caller's too. */
export function contextOf(text: string, at: number): Uint16Array {
  const { fold } = characterForms();
  for (let i = -REACH; i <= REACH; i++) {
    const place = at + i;
    context[REACH + i] = place >= 0 && place < text.length ? fold[text.charCodeAt(place)]! : MARK;
  }
  return context;
}

const context = new Uint16Array(2 * REACH + 1);
const [LETTER, DIGIT, MARK, TITLE] = ['a', '0', '，', '《'].map((c) => c.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
];

function tables(): Forms {
  const kinds = new Uint8Array(65_536);
  const simplified = Uint16Array.from({ length: 65_536 }, (_, unit) => unit);
  const beyond = new Map<string, string>();
  const ideographs = Array.from({ length: 0xa000 - 0x3400 }, (_, i) => String.fromCharCode(0x3400 + i));
  // Line breaks keep phrases from forming across neighbours.
  const goals = simplecc(ideographs.join('\n'), 't2s').split('\n');
  for (const [i, character] of ideographs.entries()) {
    const goal = goals[i]!;
    if (goal === character || STANDARD.includes(character)) continue;
    if (goal.length === 1) simplified[character.charCodeAt(0)] = goal.charCodeAt(0);
    else if (BEYOND.includes(character)) beyond.set(character, goal);
    else continue;
    const kind = NAMES.includes(character) ? CONVERTS_IN_TRADITIONAL : CONVERTS;
    kinds[character.charCodeAt(0)] = goal.length === 1 ? kind : kind | BEYOND_PLANE;
  }
  for (let i = 0; i < VARIANTS.length; i += 2) {
    simplified[VARIANTS.charCodeAt(i)] = VARIANTS.charCodeAt(i + 1);
    kinds[VARIANTS.charCodeAt(i)] = CONVERTS_IN_TRADITIONAL;
  }
  for (const mark of SENTENCE_ENDS) kinds[mark.charCodeAt(0)] = SENTENCE_END;
  const choiceOf = new Uint8Array(65_536);
  for (const [i, { character }] of CHOICES.entries()) {
    choiceOf[character.charCodeAt(0)] = i;
    kinds[character.charCodeAt(0)] = CHOICE;
  }
  markScripts(kinds);
  for (const { character, keep, margin } of CHOICES) {
    const unit = character.charCodeAt(0);
    if (keep !== character || margin === 0) kinds[unit] = kinds[unit]! | TRADITIONAL_ONLY;
  }
  const inSimplified = simplified.map((goal, unit) => (kinds[unit]! & CONVERTS ? goal : unit));
  return { kinds, inSimplified, inTraditional: simplified, beyond, choiceOf, fold: foldTable(simplified) };
}

/** One script alone has what conversion changes and the other script's national character set lacks (so not 后, 里, 乾, which both have). */
function markScripts(kinds: Uint8Array): void {
  const [gbk, big5] = [codeTable('gbk').bytesOf, codeTable('big5').bytesOf];
  const ideographs = Array.from({ length: 0xa000 - 0x4e00 }, (_, i) => String.fromCharCode(0x4e00 + i));
  const traditional = simplecc(ideographs.join('\n'), 's2t').split('\n');
  for (const [i, character] of ideographs.entries()) {
    const unit = character.charCodeAt(0);
    if (kinds[unit]! & CONVERTS && !isGb2312(gbk[unit]!)) kinds[unit] = kinds[unit]! | TRADITIONAL_ONLY;
    else if (traditional[i] !== character && !isBig5Proper(big5[unit]!)) kinds[unit] = kinds[unit]! | SIMPLIFIED_ONLY;
  }
  for (const character of JAPANESE) kinds[character.charCodeAt(0)] = kinds[character.charCodeAt(0)]! | JAPANESE_ONLY;
  // Kana but の, which Chinese shops are fond of, and the mark between.
  for (let unit = 0x3041; unit <= 0x30fa; unit++) if (unit !== 0x306e) kinds[unit] = JAPANESE_ONLY;
}

function isGb2312(code: number): boolean {
  return code >> 8 >= 0xb0 && code >> 8 <= 0xf7 && (code & 0xff) >= 0xa1;
}

/** Big5 without the extensions that the decoder of browsers adds. */
function isBig5Proper(code: number): boolean {
  return code >= 0xa440 && code <= 0xf9d5;
}

function foldTable(simplified: Uint16Array): Uint16Array {
  const one = Uint16Array.from(simplified, (goal, unit) => {
    if ((unit >= 0x3400 && unit < 0xa000) || unit >= 0xd800) return goal;
    const character = String.fromCharCode(unit);
    return /\d/.test(character) ? DIGIT : /\p{L}/u.test(character) ? LETTER : MARK;
  });
  for (let unit = 0xd800; unit < 0xe000; unit++) one[unit] = 0xd800;
  for (let unit = 0xe000; unit < 0x10000; unit++) one[unit] = MARK;
  // 著《呐喊》 is what an author does.
  for (const mark of '《〈') one[mark.charCodeAt(0)] = TITLE;
  for (const { character, keep, change } of CHOICES) {
    for (const form of [character, keep, change]) one[form.charCodeAt(0)] = change.charCodeAt(0);
  }
  // 瀋 is 沈, which is one with 沉.
  return one.map((unit) => one[unit]!);
}

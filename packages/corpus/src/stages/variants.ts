/**
 * Graphic variants that stand for the same word in classical verse, folded to the form of today's standard. OpenCC's
 * t2s table leaves them alone, because they are no "traditional" forms; unfolded, they split the vocabulary and hide
 * duplicates. Only pairs that mean the same in every verse are listed (so not 祇, 沈, 著, 徵, 槃), chosen by frequency in
 * the collections of the recipe tiny-poet. In modern text many are names (钱锺书, 牛犇, 美孚新邨): a recipe asks for them.
 */
import type { Draft } from '../document.ts';

const PAIRS =
  '隠隐疎疏踈疏簷檐鴈雁遶绕鬰郁欝郁髪发頼赖浄净徧遍慙惭鶑莺鸎莺谿溪粧妆劒剑劔剑鬭斗鬬斗媿愧蘂蕊臯皋僊仙珮佩猨猿髙高' +
  '鼇鳌巵卮馿驴櫂棹煖暖嬾懒賸剩覩睹牋笺歛敛妬妒隣邻餠饼罇樽閙闹隄堤懽欢驩欢俛俯寛宽彊强椀碗盌碗懃勤鉏锄耡锄筯箸褭袅斾旆' +
  '鳯凤峩峨袴裤拏拿挐拿怱匆毬球缾瓶檝楫堦阶虀齑髣仿髴佛畧略燄焰迺乃廼乃遯遁穉稚潄漱犂犁鏁锁鎻锁鼈鳖飜翻廻回囘回麤粗' +
  '悮误怳恍欵款嚬颦邉边磵涧羮羹栢柏蜺霓槩概覊羁羇羁秔粳歳岁蔕蒂逈迥揺摇竝并烱炯穽阱暎映顇悴幙幕緜绵桮杯壻婿偪逼醆盏琖盏' +
  '殽肴纒缠薫熏姪侄輙辄讐雠擡抬牓榜朶朵碁棋毎每蠧蠹螘蚁諠喧憇憩瑯琅呌叫鵶鸦柂舵貍狸翺翱餽馈瓌瑰倐倏皷鼓荅答藂丛濬浚' +
  '廐厩邨村躭耽臙胭糵蘖濶阔懐怀蕚萼粃秕寖浸氊毡葅菹澣浣渇渴揜掩髠髡効效傚效戯戏逺远厓崖棃梨毘毗塲场様样艶艳噉啖啗啖駮驳' +
  '啣衔闗关飡餐朞期箒帚呪咒寜宁觧解醤酱脇胁衞卫窻窗牕窗牎窗穏稳澁涩寃冤斚斝嚢囊輭软狥徇汚污勲勋虵蛇袠帙鐡铁逰游倣仿勅敕' +
  '釡釜籖签歴历黙默淛浙趂趁勗勖甆瓷凖准飇飙覔觅髩鬓徃往刼劫轝舆痩瘦匳奁撃击専专尅克湼涅氷冰嵒岩嵓岩菓果鷰燕襃褒糢模璚琼' +
  '覇霸掲揭貎貌覧览眀明曵曳帯带纎纤濵滨昻昂捜搜恡吝聨联塼砖僣僭涙泪騣鬃颿帆㸔看莾莽隂阴恠怪畆亩凢凡鎗枪寳宝頥颐' +
  '犇奔炰炮韈袜鶵雏幷并惣总揔总冩写囓啮敎教旣既卽即眞真靑青淸清巌岩夀寿喩喻兪俞愼慎塡填顚颠緖绪瀬濑豓艳臈腊蜋螂蠏蟹' +
  '筞策笇算筭算駈驱繋系嬝袅㳺游痺痹皁皂馀余锺钟讬托砲炮';

/** Variant → standard form. */
export const VARIANTS: ReadonlyMap<string, string> = pairs(PAIRS);

const VARIANT = new RegExp(`[${[...VARIANTS.keys()].join('')}]`, 'gu');

export function foldVariants(draft: Draft): Draft {
  const fold = (text: string) => text.replace(VARIANT, (character) => VARIANTS.get(character)!);
  const meta = Object.fromEntries(Object.entries(draft.meta).map(([key, value]) => [key, fold(value)]));
  return { ...draft, title: fold(draft.title), body: fold(draft.body), meta };
}

function pairs(text: string): Map<string, string> {
  const characters = [...text];
  const map = new Map<string, string>();
  for (let i = 0; i < characters.length; i += 2) map.set(characters[i]!, characters[i + 1]!);
  return map;
}

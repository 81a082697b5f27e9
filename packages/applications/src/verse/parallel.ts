/**
 * What a program can honestly say of parallelism (对仗) between two lines: as many characters, none of the other line, repetitions and doublings at
 * the same places, and words of some small classes against their like: numbers, colours, directions, and words that bear on others (不, 已, 犹 …).
 *
 * The classes are of our own making. Words in `asks` stand against their like in more than half of the middle couplets of Tang regulated verse
 * (against a word of any function in three of five); those in `takes` may answer them, and ask for nothing, since poets use them in other senses
 * as often. Whether other words are parallel, in class or in sense, needs a reader, and so does a name such as 西施 that only looks like a
 * direction: places that depart are counted, and how many may is the caller's to say.
 */
import { partsOf, repetitionFaults, sharedFaults } from './couplet.ts';
import { type Judgement, refusedFor, type Spoken } from './judgement.ts';

interface WordClass {
  readonly name: Spoken;
  /** Against these stands a word of the class. */
  readonly asks: ReadonlySet<string>;
  /** All words of the class. */
  readonly takes: ReadonlySet<string>;
}

const wordClass = (zh: string, en: string, asks: string, more: string): WordClass => ({
  name: { zh, en },
  asks: new Set(asks),
  takes: new Set(asks + more),
});

/** Simplified and Traditional. */
export const WORD_CLASSES: readonly WordClass[] = [
  wordClass('数目', 'number', '一二三四五六七八九十百千万萬两兩双雙', '亿億半孤独獨几幾数數单單'),
  wordClass('颜色', 'colour', '白青红紅碧绿綠黄黃紫朱绯緋皓绛絳', '黑赤蓝藍翠丹苍蒼素玄金银銀粉黛乌烏'),
  wordClass('方位', 'direction', '东東西南北中上前外内內边邊里裏间間左右', '下后後旁傍'),
  wordClass(
    '虚词',
    'function word',
    '不未莫已犹猶又亦岂豈似',
    '无無非勿休何谁誰孰安那几幾宁寧之乎者也矣焉哉兮而于於以其则則与與且所自将將欲初尚还還更复復皆俱空徒唯惟独獨偏才正方便应應须須可能曾长長常共同相如若疑因为為得难難',
  ),
];

/** The class that asks for its like where these two stand against each other, and does not get it. */
export function departs(above: string, below: string): Spoken | undefined {
  const one = WORD_CLASSES.find(
    ({ asks, takes }) => (asks.has(above) && !takes.has(below)) || (asks.has(below) && !takes.has(above)),
  );
  return one?.name;
}

/**
 * @param couplets upper and lower lines
 * @param departures places of one couplet that may depart in word class
 */
export function judgeParallel(couplets: readonly (readonly [string, string])[], departures: number): Judgement {
  const faults: Spoken[] = [];
  let seen = 0;
  for (const [upper, lower] of couplets) {
    const [above, below] = [partsOf(upper).characters, partsOf(lower).characters];
    const label = couplets.length > 1 ? `“${above.join('')}”` : '';
    if (above.length !== below.length) {
      faults.push({
        zh: `${label}上句 ${above.length} 字，下句 ${below.length} 字`,
        en: `${label}the first line has ${above.length} characters, the second ${below.length}`,
      });
      continue;
    }
    faults.push(...sharedFaults(above, below), ...repetitionFaults(above, below));
    const departing = above.flatMap((character, place) => {
      const name = departs(character, below[place]!);
      if (name === undefined) return [];
      const [zh, en] = [`“${character}”对“${below[place]}”`, `${character} against ${below[place]}`];
      return [{ zh: `${label}${zh}，${name.zh}不相对`, en: `${label}${en}: a ${name.en} without its like` }];
    });
    seen += departing.length;
    if (departing.length > departures) faults.push(...departing);
  }
  if (faults.length > 0) return refusedFor(faults);
  const [zh, en] = seen === 0 ? ['', ''] : [`，${seen} 处不合`, `, ${seen} places depart`];
  return {
    passed: true,
    message: {
      zh: `对仗可查者相合（重字、叠字、数目、颜色、方位、虚词${zh}）；其余词性与意思是否相对，程序不能判断`,
      en: `what can be checked of parallelism fits (repetitions, numbers, colours, directions, function words${en}); whether other words and the sense are parallel, no program can tell`,
    },
  };
}

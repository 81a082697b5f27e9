/** What a study shows, in sentences: the answer first, then what it rests on and what it does not say. */
import type { Said } from '@tunan/protocol/mistakes';
import type { StudyReport } from './study-report.ts';

/** Below this, resampling judges or texts says little of how they vary. */
const FEW = 10;

export function studyVerdicts(report: StudyReport): Said[] {
  return [
    answer(report),
    ...bias(report),
    ...fewOf(report),
    ...excluded(report),
    ...unchecked(report),
    ...incomplete(report),
  ];
}

function answer({ overall, power: { claim, needed } }: StudyReport): Said {
  const { share, judgements, clustered } = overall;
  const { low, high } = clustered ?? overall.exact;
  const limit = Math.round(100 * claim.limit);
  const right = {
    en: `${percent(share)} right (${percent(low)} – ${percent(high)})`,
    zh: `正确率 ${percent(share)}（${percent(low)} – ${percent(high)}）`,
  };
  // One judge, or one text, shows nothing of others.
  if (clustered !== undefined && high < claim.limit) {
    return {
      en: `People are right in fewer than ${limit} of 100 cases: ${right.en}.`,
      zh: `人们判断正确的不到 ${limit} %：${right.zh}。`,
    };
  }
  if (clustered !== undefined && low > 0.5) {
    return {
      en: `People tell the texts apart better than by guessing: ${right.en}.`,
      zh: `人们的辨别好于瞎猜：${right.zh}。`,
    };
  }
  const more = Math.max(0, needed - judgements);
  return {
    en: `Not shown either way yet: ${right.en}; ${more} more judgements would show less than ${limit} %, if people guess.`,
    zh: `尚无定论：${right.zh}；若人们只是猜，再有 ${more} 个判断可证明低于 ${limit} %。`,
  };
}

/** Accuracy alone does not tell guessing from always saying the same. */
function bias({ saidFirst, study }: StudyReport): Said[] {
  const all = Object.values(saidFirst);
  const [said, judgements] = [
    all.reduce((sum, one) => sum + one.said, 0),
    all.reduce((sum, one) => sum + one.judgements, 0),
  ];
  const share = said / judgements;
  if (Math.abs(share - 0.5) < 0.1) return [];
  const what =
    study.design === 'single'
      ? { en: 'said to be human', zh: '被说成人写的' }
      : { en: 'answered with the first text', zh: '选了第一篇' };
  return [
    {
      en: `${percent(share)} of all texts were ${what.en}, where half are: judges lean to one answer, which draws accuracy towards 50 %.`,
      zh: `全部判断中 ${percent(share)} ${what.zh}，而实际为一半：评审者偏向一方，这会把正确率拉向 50 %。`,
    },
  ];
}

function fewOf({ judges, texts }: StudyReport): Said[] {
  const counted = judges.judged - judges.excluded;
  if (counted >= FEW && texts >= FEW) return [];
  return [
    {
      en: `${counted} judges and ${texts} texts are few: the interval over both may be too narrow.`,
      zh: `只有 ${counted} 位评审者、${texts} 篇文本：考虑两者的区间可能偏窄。`,
    },
  ];
}

function excluded({ judges }: StudyReport): Said[] {
  if (judges.excluded === 0) return [];
  return [
    {
      en: `${judges.excluded} judges failed at least half of their checks of attention and are left out; the last row has them too.`,
      zh: `${judges.excluded} 位评审者至少一半注意力检查未通过，未计入；表末一行含他们。`,
    },
  ];
}

function unchecked({ search }: StudyReport): Said[] {
  if (search !== null) return [];
  return [
    {
      en: 'Nobody has looked whether the texts stand in the training text: some may be copies of what people wrote.',
      zh: '未检查文本是否在训练语料中：有的可能照抄了人写的文本。',
    },
  ];
}

function incomplete({ judges }: StudyReport): Said[] {
  const stopped = judges.judged - judges.finished;
  const leavers: Said[] =
    judges.left === 0
      ? []
      : [{ en: `${judges.left} judges took their judgements back.`, zh: `${judges.left} 位评审者撤回了自己的判断。` }];
  if (stopped === 0) return leavers;
  return [
    {
      en: `${stopped} of ${judges.judged} judges have not come to the end; what they judged counts.`,
      zh: `${judges.judged} 位评审者中有 ${stopped} 位未做完；其已做的判断计入。`,
    },
    ...leavers,
  ];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

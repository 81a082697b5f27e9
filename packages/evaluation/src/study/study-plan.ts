/**
 * How many judges and texts a study needs. Judgements of one judge, or of one text, have something in common, so that they say less than as
 * many of others: what so many are worth is counted in independent judgements, and those against the binomial distribution.
 */
import { EvaluationError } from '../errors.ts';
import { CLAIM, type Claim, powerOf, trialsNeeded } from '../statistics/binomial.ts';

export interface StudySize {
  readonly judges: number;
  /** Texts that a judge is asked about. */
  readonly each: number;
  /** Texts or pairs that are judged at all. */
  readonly items: number;
}

export interface StudyPlan extends StudySize {
  readonly judgements: number;
  /** What they are worth in independent ones, if judges and texts differ as assumed. */
  readonly independent: number;
  readonly claim: Claim;
  /** The chance to show the claim. */
  readonly power: number;
  /** Independent judgements for the power that is wanted. */
  readonly needed: number;
}

/** Assumed until a study has measured them: standard deviations, between judges and between texts, of the chance to be right. */
const JUDGE_SPREAD = 0.05;
const TEXT_SPREAD = 0.1;

export function planStudy(size: StudySize, claim: Claim = CLAIM): StudyPlan {
  const independent = Math.floor(independentOf(size));
  return {
    ...{ ...size, judgements: size.judges * size.each, independent, claim },
    ...{ power: powerOf(independent, claim), needed: trialsNeeded(claim) },
  };
}

function independentOf({ judges, each, items }: StudySize): number {
  const left = 0.25 - JUDGE_SPREAD ** 2 - TEXT_SPREAD ** 2;
  return 0.25 / (JUDGE_SPREAD ** 2 / judges + TEXT_SPREAD ** 2 / items + left / (judges * each));
}

/** Searched for up to here. */
const MOST = 10_000;

/** The least of something that makes a study large enough; undefined where no number up to 10 000 does. */
function least(size: (count: number) => StudySize, needed: number): number | undefined {
  if (independentOf(size(MOST)) < needed) return undefined;
  let [low, high] = [0, MOST];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (independentOf(size(middle)) >= needed) high = middle;
    else low = middle;
  }
  return high;
}

export interface StudyTexts {
  /** Human texts that can be used. */
  readonly prompts: number;
  /** Texts that a judge would be asked about if there were enough. */
  readonly wanted: number;
  /** Texts, or pairs, that come of so many human ones. */
  readonly itemsOf: (prompts: number) => number;
}

/** @throws EvaluationError EVALUATION_TOO_FEW_SAMPLES that says how many are needed */
export function requireEnough(plan: StudyPlan, { prompts, wanted, itemsOf }: StudyTexts): void {
  if (plan.independent >= plan.needed) return;
  const { judges, judgements, independent, needed, claim } = plan;
  const morePrompts = least((count) => ({ judges, each: Math.min(count, wanted), items: itemsOf(count) }), needed);
  const moreJudges = least((count) => ({ judges: count, each: plan.each, items: plan.items }), needed);
  const ways = [
    morePrompts !== undefined && {
      en: `${morePrompts} human texts (of each kind alike) with ${judges} judges`,
      zh: `${judges} 位评审者时需 ${morePrompts} 篇人写文本（各类均匀）`,
    },
    moreJudges !== undefined && {
      en: `${moreJudges} judges with the texts at hand`,
      zh: `现有文本下需 ${moreJudges} 位评审者`,
    },
  ].filter((way) => way !== false);
  const [limit, percent] = [Math.round(100 * claim.limit), Math.round(100 * claim.power)];
  throw new EvaluationError('EVALUATION_TOO_FEW_SAMPLES', {
    en: `${prompts} usable human texts and ${judges} judges give ${judgements} judgements, worth about ${independent} independent ones; to show an accuracy below ${limit} % with a chance of ${percent} % takes ${needed}: ${ways.map(({ en }) => en).join(', or ') || 'more of both, texts and judges'}; --pilot makes the study all the same`,
    zh: `${prompts} 篇可用的人写文本与 ${judges} 位评审者共得 ${judgements} 个判断，约合 ${independent} 个独立判断；要以 ${percent} % 的把握证明正确率低于 ${limit} %，需要 ${needed} 个：${ways.map(({ zh }) => zh).join('，或') || '文本与评审者都需增加'}；加 --pilot 可仍然建立研究`,
  });
}

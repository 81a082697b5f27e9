/** `tunan study report`: from judgements to what they show. Everything that is decided here was decided before anybody judged. */
import type { Interval } from '@tunan/classifier/proportion';
import type { StudyKind } from '@tunan/protocol/studies';
import { EvaluationError } from '../errors.ts';
import { binomialAtMost, type Claim, clopperPearson, halfP, powerOf, trialsNeeded } from '../statistics/binomial.ts';
import type { BootstrapOptions } from '../statistics/bootstrap.ts';
import { nominalAlpha } from '../statistics/krippendorff.ts';
import {
  type ResampledStatistic,
  slopeInsideJudges,
  twoWayBootstrap,
  weightedMean,
} from '../statistics/two-way-bootstrap.ts';
import type { JudgedStudy, Judgement } from './read-judgements.ts';

export interface Accuracy {
  readonly right: number;
  readonly judgements: number;
  readonly share: number;
  /** Clopper-Pearson, 95 %: as if every judgement were of another judge and another text. */
  readonly exact: Interval;
  /** Two-sided, against guessing. */
  readonly p: number;
  /** One-sided, against a share of the claim's limit or more. */
  readonly pLimit: number;
  /** Over judges and texts, 95 %; undefined where there are not two of each. */
  readonly clustered: ResampledStatistic | undefined;
  /** Krippendorff's, of what was said. */
  readonly alpha: number | undefined;
}

/** Judgements side by side in the order of something, in parts of equal size. */
export interface Part {
  readonly from: number;
  readonly to: number;
  readonly right: number;
  readonly judgements: number;
}

export interface StudyReport {
  readonly study: {
    readonly id: string;
    readonly title: string;
    readonly design: 'single' | 'pair';
    readonly model: string;
  };
  readonly judges: JudgedStudy['judges'] & {
    readonly judged: number;
    /** Who failed at least half of their checks; what they said counts nowhere but in `withExcluded`. */
    readonly excluded: number;
  };
  readonly checks: { readonly shown: number; readonly passed: number };
  readonly texts: number;
  readonly overall: Accuracy;
  readonly kinds: Readonly<Partial<Record<StudyKind, Accuracy>>>;
  readonly withExcluded: Accuracy;
  /** By what is true, how often the first of the two answers was given: human, or the first text of a pair. */
  readonly saidFirst: Readonly<
    Record<string, { readonly said: number; readonly judgements: number; readonly exact: Interval }>
  >;
  readonly order: { readonly slope: ResampledStatistic | undefined; readonly parts: readonly Part[] };
  readonly time: {
    readonly slope: ResampledStatistic | undefined;
    readonly parts: readonly Part[];
    readonly median: number;
  };
  readonly confidence: readonly (Part & { readonly level: number })[];
  readonly power: {
    readonly claim: Claim;
    /** How many times the variance of independent judgements the variance is. */
    readonly designEffect: number;
    /** Judgements that show the claim with its power, if people guess. */
    readonly needed: number;
    /** The power of those that there are. */
    readonly now: number;
  };
  readonly search: NonNullable<JudgedStudy['key']['search']> | null;
  readonly given: JudgedStudy['key']['texts'];
}

/** Of the effects of order and time. */
const PARTS = 4;

/** @throws EvaluationError EVALUATION_TOO_FEW_SAMPLES where nobody has judged yet */
export function reportStudy(
  { study, key, judgements, judges }: JudgedStudy,
  options: BootstrapOptions = {},
): StudyReport {
  const checks = judgements.filter(({ check }) => check);
  const excluded = inattentive(judgements);
  const all = judgements.filter(({ check }) => !check);
  const counted = all.filter(({ judge }) => !excluded.has(judge));
  if (counted.length === 0) throw nothingYet(study.id, excluded.size);
  const { claim } = key.plan;
  const byKind = Map.groupBy(counted, ({ kind }) => kind);
  const overall = accuracyOf(counted, claim, options);
  const rightly = counted.map(({ right }) => Number(right));
  const slopes = slopesOf(counted, rightly, options);
  const first = study.design === 'single' ? 'human' : 'first';
  const designEffect = designEffectOf(overall);
  return {
    study: { id: study.id, title: study.title.zh, design: study.design, model: key.model },
    judges: { ...judges, judged: new Set(all.map(({ judge }) => judge)).size, excluded: excluded.size },
    checks: { shown: checks.length, passed: checks.filter(({ right }) => right).length },
    texts: new Set(counted.map(({ text }) => text)).size,
    overall,
    kinds: Object.fromEntries([...byKind].map(([kind, ofKind]) => [kind, accuracyOf(ofKind, claim, options)])),
    withExcluded: accuracyOf(all, claim, options),
    saidFirst: Object.fromEntries(
      [...Map.groupBy(counted, ({ truth }) => truth)].map(([truth, ofTruth]) => {
        const said = ofTruth.filter((one) => one.said === first).length;
        return [truth, { said, judgements: ofTruth.length, exact: clopperPearson(said, ofTruth.length) }];
      }),
    ),
    order: { slope: slopes.order, parts: partsOf(counted, ({ place }) => place) },
    time: {
      ...{ slope: slopes.time, parts: partsOf(counted, ({ seconds }) => seconds) },
      median: counted.map(({ seconds }) => seconds).sort((a, b) => a - b)[counted.length >> 1]!,
    },
    confidence: [1, 2, 3, 4, 5].flatMap((level) => {
      const ofLevel = counted.filter(({ confidence }) => confidence === level);
      return ofLevel.length === 0 ? [] : [{ level, ...partOf(ofLevel, level, level) }];
    }),
    power: {
      ...{ claim, designEffect, needed: Math.ceil(trialsNeeded(claim) * designEffect) },
      now: powerOf(Math.floor(counted.length / designEffect), claim),
    },
    search: key.search ?? null,
    given: key.texts,
  };
}

/** Judges who failed at least half of the checks that they came to. */
export function inattentive(judgements: readonly Judgement[]): ReadonlySet<string> {
  const byJudge = Map.groupBy(
    judgements.filter(({ check }) => check),
    ({ judge }) => judge,
  );
  const failing = [...byJudge].filter(([, own]) => 2 * own.filter(({ right }) => right).length <= own.length);
  return new Set(failing.map(([judge]) => judge));
}

function accuracyOf(judgements: readonly Judgement[], { limit }: Claim, options: BootstrapOptions): Accuracy {
  const values = judgements.map(({ right }) => Number(right));
  const right = values.reduce((sum, value) => sum + value, 0);
  const texts = Map.groupBy(judgements, ({ text }) => text);
  const judges = new Set(judgements.map(({ judge }) => judge));
  const isCrossed = texts.size > 1 && judges.size > 1;
  return {
    ...{ right, judgements: values.length, share: right / values.length, exact: clopperPearson(right, values.length) },
    ...{ p: halfP(right, values.length), pLimit: binomialAtMost(right, values.length, limit) },
    clustered: isCrossed ? shareOf(twoWayBootstrap(judgements, [weightedMean(values)], options)[0]!) : undefined,
    alpha: nominalAlpha([...texts.values()].map((ofText) => ofText.map(({ said }) => said))),
  };
}

const shareOf = (found: ResampledStatistic): ResampledStatistic => ({
  ...{ ...found, low: Math.max(0, found.low), high: Math.min(1, found.high) },
});

/** From the first text to the last; for every doubling of the time. Undefined where judges have one judgement each, or no two differ. */
function slopesOf(judgements: readonly Judgement[], right: readonly number[], options: BootstrapOptions) {
  const places = judgements.map(({ place }) => place);
  const doublings = judgements.map(({ seconds }) => Math.log2(Math.max(0.1, seconds)));
  const [order, time] = twoWayBootstrap(
    judgements,
    [slopeInsideJudges(judgements, places, right), slopeInsideJudges(judgements, doublings, right)],
    options,
  );
  const known = (slope: ResampledStatistic | undefined) =>
    slope === undefined || ![slope.value, slope.error, slope.low, slope.high].every(Number.isFinite)
      ? undefined
      : slope;
  return { order: known(order), time: known(time) };
}

function partsOf(judgements: readonly Judgement[], by: (judgement: Judgement) => number): Part[] {
  const sorted = judgements.toSorted((a, b) => by(a) - by(b));
  return Array.from({ length: PARTS }, (_, i) => {
    const [from, to] = [i, i + 1].map((edge) => Math.floor((edge * sorted.length) / PARTS));
    const part = sorted.slice(from, to);
    return part.length === 0 ? [] : [partOf(part, by(part[0]!), by(part.at(-1)!))];
  }).flat();
}

const partOf = (judgements: readonly Judgement[], from: number, to: number): Part => ({
  ...{ from, to, judgements: judgements.length, right: judgements.filter(({ right }) => right).length },
});

/** At least 1: that judges and texts make judgements more alike, never less, is what clusters are for. */
function designEffectOf({ clustered, judgements, share }: Accuracy): number {
  const single = (share * (1 - share)) / judgements;
  return clustered === undefined || single === 0 ? 1 : Math.max(1, clustered.error ** 2 / single);
}

function nothingYet(id: string, excluded: number): EvaluationError {
  return new EvaluationError('EVALUATION_TOO_FEW_SAMPLES', {
    en: `study ${id} has no judgement that counts yet (${excluded} judges failed the checks of attention): serve it with tunan study serve, and give its link to judges`,
    zh: `研究 ${id} 还没有可计入的判断（${excluded} 位评审者未通过注意力检查）：请用 tunan study serve 提供，并将链接交给评审者`,
  });
}

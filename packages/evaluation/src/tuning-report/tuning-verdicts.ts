/**
 * What the numbers of a tuned model mean, in sentences for people who have tuned none before. Where a number is missing the sentence is left
 * out, but for general text, whose absence is said: forgetting is never seen unless it is asked for.
 */

import type { Said } from '@tunan/protocol/mistakes';
import type { Verdict } from '../training-report/verdicts.ts';
import type { Answerer, AnswerScores, Measured } from './answer-scores.ts';
import type { GeneralText, TestScores, TuningFacts } from './tuning-facts.ts';

export interface TuningVerdict {
  readonly kind: 'unfinished' | 'learnt' | 'overfit' | 'more' | 'baseline' | 'forgetting';
  readonly grade: Verdict['grade'];
  readonly said: Said;
}

/** Bits per character of general text may rise by so much before it is called forgetting. */
const FORGOTTEN = 0.02;
/** Of all that the loss fell: what the last tenth of the run still gained, for more steps to be advised. */
const STILL_FALLING = 0.01;

export function judgeTuning(facts: TuningFacts): {
  readonly answer: TuningVerdict['grade'];
  readonly verdicts: TuningVerdict[];
} {
  const verdicts = [
    unfinished(facts),
    learnt(facts),
    course(facts),
    baseline(facts.scores),
    forgetting(facts.general),
  ].filter((verdict) => verdict !== undefined);
  const has = (grade: Verdict['grade']) => verdicts.some((verdict) => verdict.grade === grade);
  return { answer: has('bad') ? 'bad' : has('hint') ? 'hint' : 'good', verdicts };
}

function unfinished({ done }: TuningFacts): TuningVerdict | undefined {
  if (done >= 1) return undefined;
  const percent = `${(100 * done).toFixed(0)} %`;
  return {
    kind: 'unfinished',
    grade: 'hint',
    said: {
      en: `The run stands at ${percent} of its steps. Go on with --resume.`,
      zh: `训练完成了 ${percent} 的步数，可用 --resume 继续。`,
    },
  };
}

function learnt({ validation }: TuningFacts): TuningVerdict | undefined {
  const after = validation?.steps.at(-1)?.loss;
  if (validation?.before === undefined || after === undefined) return undefined;
  const [was, is] = [validation.before, after].map((loss) => loss.toFixed(3));
  if (after < validation.before) {
    return {
      kind: 'learnt',
      grade: 'good',
      said: {
        en: `On what was held out the loss fell from ${was} to ${is} nats.`,
        zh: `验证损失从 ${was} 降到 ${is}（nat）。`,
      },
    };
  }
  return {
    kind: 'learnt',
    grade: 'bad',
    said: {
      en: `On what was held out the loss did not fall (${was} before, ${is} after): lower the learning rate, or give more examples.`,
      zh: `验证损失没有下降（此前 ${was}，此后 ${is}）：请降低学习率，或增加样例。`,
    },
  };
}

/** Whether it went on too long or ended too early. */
function course({ validation, best, done }: TuningFacts): TuningVerdict | undefined {
  const steps = validation?.steps ?? [];
  const last = steps.at(-1);
  if (last === undefined || steps.length < 2) return undefined;
  const lowest = steps.reduce((low, one) => (one.loss < low.loss ? one : low));
  if (lowest.loss < last.loss) {
    const [low, end] = [lowest.loss, last.loss].map((loss) => loss.toFixed(3));
    const take: Said =
      best === undefined
        ? { en: 'tune again with fewer passes (--epochs)', zh: '请减少遍历次数（--epochs）重新微调' }
        : { en: `take ${best}, which is of that step`, zh: `请取用该步所存的 ${best}` };
    return {
      kind: 'overfit',
      grade: 'hint',
      said: {
        en: `It overfits: the loss on what was held out was lowest at step ${lowest.step} (${low}) and rose to ${end}; ${take.en}.`,
        zh: `出现过拟合：验证损失在第 ${lowest.step} 步最低（${low}），此后升至 ${end}；${take.zh}。`,
      },
    };
  }
  const fell = (validation?.before ?? steps[0]!.loss) - last.loss;
  const gained = (steps.at(-2)!.loss - last.loss) / fell;
  if (done < 1 || gained < STILL_FALLING) return undefined;
  return {
    kind: 'more',
    grade: 'hint',
    said: {
      en: 'The loss on what was held out was still falling at the end: more passes (--epochs) or a higher --learning-rate may help.',
      zh: '结束时验证损失仍在下降：增加遍历次数（--epochs）或提高 --learning-rate 可能更好。',
    },
  };
}

export const ANSWERERS: Readonly<Record<Answerer, Said>> = {
  before: { en: 'the model before', zh: '微调前的模型' },
  after: { en: 'the tuned model', zh: '微调后的模型' },
  best: { en: 'the step with the lowest loss', zh: '验证损失最低的一步' },
  copy: { en: 'a copy of the question', zh: '照抄问题' },
  nearest: { en: 'the answer of the nearest example', zh: '最相近样例的答案' },
  majority: { en: 'always the most frequent label', zh: '总答最常见的标签' },
};

/** Answerers that need no model. */
const BASELINES: ReadonlySet<Answerer> = new Set(['copy', 'nearest', 'majority']);

/** By labels the share that is right, otherwise chrF: exact matches of whole sentences are too rare to say much. */
function metricOf({ labels }: TestScores): 'exact' | 'chrf' {
  return labels === undefined ? 'chrf' : 'exact';
}

function baseline(scores: TestScores | undefined): TuningVerdict | undefined {
  if (scores === undefined) return undefined;
  const metric = metricOf(scores);
  const rivals = scores.scores.filter(({ answerer }) => BASELINES.has(answerer));
  const strongest = rivals.reduce((high, one) => (one[metric].value > high[metric].value ? one : high));
  const own = scores.scores.find(({ answerer }) => answerer === 'after')!;
  const ahead = strongest.ahead![metric];
  const name = ANSWERERS[strongest.answerer];
  const numbers = {
    en: `${shown(own, metric)} against ${shown(strongest, metric)} of ${name.en}, ${difference(ahead, metric)}`,
    zh: `${shown(own, metric)}，${name.zh}为 ${shown(strongest, metric)}，相差 ${difference(ahead, metric)}`,
  };
  const what: Said =
    metric === 'exact' ? { en: 'labels that are right', zh: '标签准确率' } : { en: 'chrF', zh: 'chrF' };
  if (ahead.low > 0) {
    return {
      kind: 'baseline',
      grade: 'good',
      said: {
        en: `${upper(what.en)}: ${numbers.en}: the tuning is worth it.`,
        zh: `${what.zh}：${numbers.zh}：微调有效。`,
      },
    };
  }
  return {
    kind: 'baseline',
    grade: ahead.high < 0 ? 'bad' : 'hint',
    said: {
      en: `${upper(what.en)}: ${numbers.en}: it does not beat what needs no model. More examples, a larger base, or another task.`,
      zh: `${what.zh}：${numbers.zh}：没有胜过不用模型的办法。请增加样例、换更大的基座，或换一个任务。`,
    },
  };
}

/** With its interval. */
export function shown(scores: Pick<AnswerScores, 'exact' | 'chrf'>, metric: 'exact' | 'chrf'): string {
  const [value, low, high] = inPercent(scores[metric], metric);
  return `${value} (${low}–${high})`;
}

export function difference(ahead: Measured, metric: 'exact' | 'chrf'): string {
  const [value, low, high] = inPercent(ahead, metric);
  return `${ahead.value < 0 ? '' : '+'}${value} (${low} … ${high})`;
}

function inPercent({ value, low, high }: Measured, metric: 'exact' | 'chrf'): [string, string, string] {
  const factor = metric === 'exact' ? 100 : 1;
  return [value, low, high].map((one) => (factor * one).toFixed(1)) as [string, string, string];
}

const upper = (text: string) => text[0]!.toUpperCase() + text.slice(1);

function forgetting(general: GeneralText | undefined): TuningVerdict {
  if (general === undefined) {
    return {
      kind: 'forgetting',
      grade: 'hint',
      said: {
        en: 'What it forgot was not measured: give text like that it was first trained on by --general FILE.',
        zh: '未测量遗忘：请用 --general FILE 给出与最初训练相似的文本。',
      },
    };
  }
  const { before, after } = general;
  const rise = after / before - 1;
  const numbers = `${before.toFixed(3)} → ${after.toFixed(3)}`;
  const change = `${rise < 0 ? '−' : '+'}${Math.abs(100 * rise).toFixed(1)} %`;
  if (rise <= FORGOTTEN) {
    return {
      kind: 'forgetting',
      grade: 'good',
      said: {
        en: `On general text it needs as much as before: ${numbers} bits per character (${change}).`,
        zh: `在一般文本上与此前相当：每字 ${numbers} 比特（${change}）。`,
      },
    };
  }
  return {
    kind: 'forgetting',
    grade: 'hint',
    said: {
      en: `It forgot: on general text it needs ${numbers} bits per character (${change}). Where that matters, mix such text in by --replay FILE, or lower the learning rate.`,
      zh: `有所遗忘：在一般文本上每字 ${numbers} 比特（${change}）。若有影响，请用 --replay FILE 混入此类文本，或降低学习率。`,
    },
  };
}

/**
 * Whether the loss of a run is normal, in sentences for people who have trained no model before. Every sentence is decided by numbers of
 * the run; where a number is missing the sentence is left out.
 */
import type { Said } from '@tunan/protocol/mistakes';
import type { LossCurve } from '@tunan/training';
import { bitsOfLoss, type ShardBaselines } from '../ngram/shard-baselines.ts';
import type { TextTraits } from './sample-traits.ts';

export interface TrainingFacts {
  /** Bits per character on held-out documents, the same ones for model and baselines. */
  readonly modelBits: number;
  readonly baselines: ShardBaselines;
  readonly curve: LossCurve;
  /** Nats a token at the end, on the same windows of the validation shards all along; absent where the run evaluated none. */
  readonly validation: { readonly last: number; readonly best: number } | undefined;
  /** Nats a token that were promised for it. */
  readonly promised: { readonly loss: number; readonly low: number; readonly high: number } | undefined;
  /** Tokens seen for each different token of the data. */
  readonly epochs: number;
  /** Share of the planned steps that were done. */
  readonly done: number;
  /** Written by the model, and of held-out documents. */
  readonly samples: TextTraits;
  readonly real: TextTraits;
}

export interface Verdict {
  readonly kind: 'level' | 'promise' | 'trend' | 'jumps' | 'memory' | 'ends' | 'repeats' | 'unfinished';
  /** 'good': as it should be; 'hint': something to gain; 'bad': something is wrong. */
  readonly grade: 'good' | 'hint' | 'bad';
  readonly said: Said;
}

/** The verdicts, and the answer that they add up to. */
export function judgeTraining(facts: TrainingFacts): {
  readonly answer: Verdict['grade'];
  readonly verdicts: Verdict[];
} {
  const verdicts = [
    unfinished(facts),
    level(facts),
    promise(facts),
    trend(facts),
    jumps(facts),
    memory(facts),
    ends(facts),
    repeats(facts),
  ].filter((verdict) => verdict !== undefined);
  const has = (grade: Verdict['grade']) => verdicts.some((verdict) => verdict.grade === grade);
  return { answer: has('bad') ? 'bad' : has('hint') ? 'hint' : 'good', verdicts };
}

function unfinished({ done }: TrainingFacts): Verdict | undefined {
  if (done >= 1) return undefined;
  return {
    kind: 'unfinished',
    grade: 'hint',
    said: {
      en: `The run stands at ${percent(done)} of its steps; most schedules gain much in their last part. Go on with --resume.`,
      zh: `训练完成了 ${percent(done)} 的步数；多数学习率计划在最后阶段收获很大。可用 --resume 继续。`,
    },
  };
}

/** Worse than the unigram is a model that has learnt nothing that counting does not give. */
function level({ modelBits, baselines }: TrainingFacts): Verdict {
  const { uniform, unigram, ngram, counted, whole } = baselines;
  const [one, many] = [unigram.bitsPerCharacter, ngram.bitsPerCharacter];
  const [bits, blind, frequent, context] = [modelBits, uniform, one, many].map((value) => value.toFixed(2)) as [
    string,
    string,
    string,
    string,
  ];
  const text = whole ? ['the training text', '训练文本'] : [millions(counted), `${millions(counted)} 字`];
  const scale: Said = {
    en: `Guessing blindly needs ${blind}, knowing how frequent each character is ${frequent}, having counted all runs of ${ngram.order} in ${text[0]}${whole ? '' : ' characters'} ${context}.`,
    zh: `盲猜需 ${blind}，只知字频需 ${frequent}，统计过${text[1]}中所有 ${ngram.order} 字组合需 ${context}。`,
  };
  const place =
    modelBits > one
      ? {
          grade: 'bad' as const,
          en: 'It has not even learnt the frequencies: train far longer, or look at rate and data.',
          zh: '连字频都还没有学会：请大幅延长训练，或检查学习率与数据。',
        }
      : modelBits > many
        ? {
            grade: 'good' as const,
            en: `It is ${percent(1 - modelBits / one)} below the first count and has gone ${percent((one - modelBits) / (one - many))} of the way to the second, as small models do in short runs.`,
            zh: `比字频低 ${percent(1 - modelBits / one)}，走完了通往后者的 ${percent((one - modelBits) / (one - many))}；小模型短时训练多是如此。`,
          }
        : {
            grade: 'good' as const,
            en: `It is ${percent(1 - modelBits / many)} below what counting gives: it has learnt more than runs of characters.`,
            zh: `比计数所得低 ${percent(1 - modelBits / many)}：学到的已不止是字的组合。`,
          };
  return {
    kind: 'level',
    grade: place.grade,
    said: {
      en: `The model needs ${bits} bits for a character of text it has not seen. ${scale.en} ${place.en}`,
      zh: `模型对未见文本每字需 ${bits} 比特。${scale.zh}${place.zh}`,
    },
  };
}

/** The span is of the law; runs differ by some per cent beyond it. */
const PROMISE_MARGIN = 0.02;

function promise({ promised, validation, baselines, done }: TrainingFacts): Verdict | undefined {
  if (promised === undefined || validation === undefined || done < 1) return undefined;
  const [low, high] = [promised.low * (1 - PROMISE_MARGIN), promised.high * (1 + PROMISE_MARGIN)];
  const bits = (nats: number) => bitsOfLoss(nats, baselines).toFixed(2);
  const span: Said = {
    en: `Sizing promised ${bits(promised.loss)} (${bits(low)} to ${bits(high)}) on the validation shards, the run came to ${bits(validation.last)}`,
    zh: `定规模时的预期为 ${bits(promised.loss)}（${bits(low)} 至 ${bits(high)}），训练得到 ${bits(validation.last)}`,
  };
  if (validation.last > high) {
    return {
      kind: 'promise',
      grade: 'bad',
      said: {
        en: `${span.en}: worse than it should be. Look for jumps, another rate, other data than sizing saw.`,
        zh: `${span.zh}：差于应有水平。请检查损失跳变、学习率，以及数据是否与定规模时不同。`,
      },
    };
  }
  const how =
    validation.last < low ? { en: 'better than promised', zh: '好于预期' } : { en: 'as promised', zh: '符合预期' };
  return { kind: 'promise', grade: 'good', said: { en: `${span.en}: ${how.en}.`, zh: `${span.zh}：${how.zh}。` } };
}

/** A gain below this share of the loss with twice the tokens is none to wait for. */
const WORTH_MORE = 0.01;

function trend({ curve, baselines }: TrainingFacts): Verdict | undefined {
  if (curve.perDoubling === undefined) return undefined;
  const { change, error } = curve.perDoubling;
  const bits = Math.abs(bitsOfLoss(change, baselines)).toFixed(2);
  if (change > 2 * error && change > WORTH_MORE * curve.last) {
    return {
      kind: 'trend',
      grade: 'bad',
      said: {
        en: `The loss rose in the second half, by ${bits} bits with each doubling of the tokens: the rate is too high, or the data changed.`,
        zh: `后半程损失上升，词元每翻一倍升 ${bits} 比特：学习率过高，或数据有变。`,
      },
    };
  }
  if (-change > 2 * error && -change > WORTH_MORE * curve.last) {
    return {
      kind: 'trend',
      grade: 'hint',
      said: {
        en: `It still falls: in the second half each doubling of the tokens brought ${bits} bits. A longer run will be better.`,
        zh: `损失仍在下降：后半程词元每翻一倍降 ${bits} 比特。训练更久会更好。`,
      },
    };
  }
  return {
    kind: 'trend',
    grade: 'good',
    said: {
      en: 'The loss has levelled off: a longer run of this size would bring little, a larger model or more text more.',
      zh: '损失已趋平：同一规模再训练收效不大，更大的模型或更多文本更有用。',
    },
  };
}

function jumps({ curve: { spikes, clipped } }: TrainingFacts): Verdict {
  const lost = spikes.find(({ recovered }) => recovered === undefined);
  if (lost !== undefined) {
    return {
      kind: 'jumps',
      grade: 'bad',
      said: {
        en: `At step ${lost.step} the loss jumped from ${lost.before.toFixed(2)} to ${lost.loss.toFixed(2)} and did not come back: go on from a checkpoint before it with a lower rate.`,
        zh: `第 ${lost.step} 步损失从 ${lost.before.toFixed(2)} 跳到 ${lost.loss.toFixed(2)} 且未恢复：请从此前的检查点以更低的学习率继续。`,
      },
    };
  }
  if (spikes.length > 0) {
    const longest = Math.max(...spikes.map(({ recovered }) => recovered!));
    return {
      kind: 'jumps',
      grade: 'hint',
      said: {
        en: `The loss jumped ${spikes.length === 1 ? 'once' : `${spikes.length} times`} (step ${spikes
          .map(({ step }) => step)
          .slice(0, 5)
          .join(', ')}) and came back within ${longest} steps: harmless, a lower rate or a longer warm-up avoids it.`,
        zh: `损失跳变 ${spikes.length} 次（第 ${spikes
          .map(({ step }) => step)
          .slice(0, 5)
          .join('、')} 步），均在 ${longest} 步内恢复：无大碍，降低学习率或延长预热可避免。`,
      },
    };
  }
  const all = clipped > 0.9;
  return {
    kind: 'jumps',
    grade: 'good',
    said: {
      en: `No jumps of the loss.${all ? ` The gradient was clipped in ${percent(clipped)} of the steps, which small models bear.` : ''}`,
      zh: `损失没有跳变。${all ? `${percent(clipped)} 的步裁剪了梯度，小模型可以承受。` : ''}`,
    },
  };
}

/** Held-out loss above that of training by so much is memory. */
const MEMORY_GAP = 0.05;

function memory({ validation, curve, epochs }: TrainingFacts): Verdict | undefined {
  if (validation === undefined) return undefined;
  const gap = validation.last / curve.last - 1;
  const rose = validation.last / validation.best - 1;
  const seen: Said = {
    en: epochs < 1 ? `${percent(epochs)} of the text was seen` : `the text was seen ${epochs.toFixed(1)} times`,
    zh: epochs < 1 ? `读过文本的 ${percent(epochs)}` : `文本读过 ${epochs.toFixed(1)} 遍`,
  };
  const said: Said = {
    en: `On text kept out of training the loss is ${signed(gap)} beside that of training; ${seen.en}`,
    zh: `未参与训练的文本上，损失与训练损失相差 ${signed(gap)}；${seen.zh}`,
  };
  if (epochs > 1 && (gap > MEMORY_GAP || rose > MEMORY_GAP / 2)) {
    return {
      kind: 'memory',
      grade: 'bad',
      said: {
        en: `${said.en}${rose > MEMORY_GAP / 2 ? `, and it is ${percent(rose)} above its best` : ''}: the model learns the text by heart. Stop earlier, take a smaller model or more text.`,
        zh: `${said.zh}${rose > MEMORY_GAP / 2 ? `，且比最好时高 ${percent(rose)}` : ''}：模型在死记文本。请早停，或用更小的模型、更多的文本。`,
      },
    };
  }
  return {
    kind: 'memory',
    grade: 'good',
    said: { en: `${said.en}: it is not learnt by heart.`, zh: `${said.zh}：没有死记。` },
  };
}

function ends({ samples, real }: TrainingFacts): Verdict | undefined {
  if (samples.texts === 0 || real.ended < 0.1) return undefined;
  const said: Said = {
    en: `${percent(samples.ended)} of ${samples.texts} samples end by themselves; of real documents ${percent(real.ended)} are as short`,
    zh: `${samples.texts} 个样本中 ${percent(samples.ended)} 自行结束；真实文档中 ${percent(real.ended)} 有这样短`,
  };
  const short = samples.ended < real.ended - 2 * deviation(real.ended, samples.texts) - 0.05;
  const tail = short
    ? { en: ': it has not learnt yet when a text is over.', zh: '：模型尚未学会何时收尾。' }
    : { en: ': ends are learnt.', zh: '：已学会收尾。' };
  return { kind: 'ends', grade: short ? 'hint' : 'good', said: { en: said.en + tail.en, zh: said.zh + tail.zh } };
}

function repeats({ samples, real }: TrainingFacts): Verdict | undefined {
  if (samples.texts === 0) return undefined;
  const said: Said = {
    en: `${percent(samples.repeated)} of the samples' characters repeat what the same sample said before; ${percent(real.repeated)} in real documents`,
    zh: `样本中 ${percent(samples.repeated)} 的字重复了同一样本的前文；真实文档中为 ${percent(real.repeated)}`,
  };
  const many = samples.repeated > 2 * real.repeated + 0.05;
  const tail = many
    ? { en: ': it goes round in circles, a sign of too little training.', zh: '：原地打转，多因训练不足。' }
    : { en: ': normal.', zh: '：正常。' };
  return { kind: 'repeats', grade: many ? 'hint' : 'good', said: { en: said.en + tail.en, zh: said.zh + tail.zh } };
}

/** Of a share over so many draws. */
function deviation(share: number, draws: number): number {
  return Math.sqrt((share * (1 - share)) / draws);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;
}

function signed(share: number): string {
  return `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(1)} M`;
}

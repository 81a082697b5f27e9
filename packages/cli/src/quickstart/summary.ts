/** summary.json: what a quickstart measured, and the lines that tell it to a person. */
import { SIGNS, type Verdict } from '@tunan/evaluation';
import { spoken, text } from '../language.ts';
import { QUICKSTART_STAGES, type QuickstartStage } from '../stage-names.ts';
import type { PoemReport } from './poems.ts';

export interface Bits {
  readonly bitsPerCharacter: number;
  readonly chineseBitsPerCharacter: number | undefined;
}

export interface QuickstartSummary {
  readonly recipe: string;
  readonly minutes: number;
  readonly documents: { readonly read: number; readonly kept: number; readonly dropped: number };
  /** Dropped documents by `stage: reason`. */
  readonly droppedByReason: Readonly<Record<string, number>>;
  readonly characters: number;
  readonly vocabularySize: number;
  /** The largest that was allowed. */
  readonly askedVocabularySize: number;
  /** Of the training split. */
  readonly tokens: number;
  readonly model: { readonly layers: number; readonly width: number; readonly directory: string };
  readonly parameters: number;
  readonly precision: string;
  readonly steps: number;
  /** Seen in training. */
  readonly trainedTokens: number;
  readonly trainingSeconds: number;
  readonly tokensPerSecond: number;
  readonly shareOfGemmPeak: number;
  readonly validation: {
    readonly documents: number;
    /** Predicted, newlines and ends included. */
    readonly characters: number;
    readonly model: Bits;
    readonly unigram: Bits;
    readonly ngram: Bits & { readonly order: number };
  };
  /** The model that tunan brings along, where it was there, and this run's over the same documents of validation. */
  readonly shipped?: {
    readonly name: string;
    readonly documents: number;
    readonly own: Bits;
    readonly model: Bits;
  };
  readonly poems: PoemReport;
  /** Whether the loss is normal, and why. */
  readonly verdicts: readonly Verdict[];
  /** Wall time of each stage of the run that did it. */
  readonly seconds: Readonly<Record<string, number>>;
}

const count = (value: number) => value.toLocaleString('en');
const fixed = (value: number, digits = 2) => value.toFixed(digits);
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

/** How much smaller `value` is than `reference`, in per cent with its sign. */
function against(value: number, reference: number): string {
  const change = (100 * (value - reference)) / reference;
  return `${change > 0 ? '+' : '−'}${Math.abs(change).toFixed(1)} %`;
}

/** Display width in columns: a Chinese character takes two. */
function pad(label: string, columns: number): string {
  const width = [...label].reduce((sum, character) => sum + (character.charCodeAt(0) > 0x2e80 ? 2 : 1), 0);
  return label + ' '.repeat(Math.max(0, columns - width));
}

export function summaryLines(summary: QuickstartSummary): string[] {
  const verdicts = summary.verdicts.map(({ grade, said }) => `  ${SIGNS[grade]} ${spoken(said)}`);
  const heading = text('is this loss normal?', '这个损失正常吗？');
  return [
    ...validationLines(summary),
    '',
    ...poemLines(summary.poems),
    '',
    heading,
    ...verdicts,
    '',
    ...modelLines(summary),
  ];
}

function validationLines({ validation, shipped }: QuickstartSummary): string[] {
  const { model, unigram, ngram } = validation;
  const row = (label: string, bits: Bits, note: string) =>
    `  ${pad(label, 30)}${fixed(bits.bitsPerCharacter, 3).padStart(8)}${(bits.chineseBitsPerCharacter?.toFixed(3) ?? '—').padStart(12)}   ${note}`;
  return [
    text(
      `validation, bits per character over ${count(validation.characters)} characters of ${count(validation.documents)} documents`,
      `验证集：${count(validation.documents)} 篇 ${count(validation.characters)} 字，每字比特数（越低越好）`,
    ),
    `  ${' '.repeat(30)}${text('     all     Chinese', '    全部        汉字')}`,
    row(
      text('this model', '本模型'),
      model,
      `${text('against the unigram', '较一元模型')} ${against(model.bitsPerCharacter, unigram.bitsPerCharacter)}, ${text(`the ${ngram.order}-gram`, `较 ${ngram.order} 元模型`)} ${against(model.bitsPerCharacter, ngram.bitsPerCharacter)}`,
    ),
    row(text('unigram', '一元模型'), unigram, ''),
    row(text(`Kneser-Ney ${ngram.order}-gram`, `Kneser-Ney ${ngram.order} 元模型`), ngram, ''),
    ...(shipped === undefined ? [] : [shippedLine(shipped)]),
  ];
}

function shippedLine({ name, documents, own, model }: NonNullable<QuickstartSummary['shipped']>): string {
  const [theirs, ours] = [fixed(model.bitsPerCharacter, 3), fixed(own.bitsPerCharacter, 3)];
  const change = against(own.bitsPerCharacter, model.bitsPerCharacter);
  return text(
    `  over ${documents} of these documents: ${name}, which comes with tunan, ${theirs}; this model ${ours} (${change})`,
    `  其中 ${documents} 篇：随 tunan 提供的 ${name} 为 ${theirs}，本模型为 ${ours}（${change}）`,
  );
}

function poemLines({ shown, form, samples, overlap, association, regular }: PoemReport): string[] {
  const contrast = (label: string, value: typeof overlap, digits: number) =>
    text(
      `  ${label}: ${fixed(value.own, digits)}, under shuffled themes ${fixed(value.shuffled, digits)} (p = ${fixed(value.chance, 4)})`,
      `  ${label}：${fixed(value.own, digits)}，主题打乱后 ${fixed(value.shuffled, digits)}（p = ${fixed(value.chance, 4)}）`,
    );
  return [
    ...shown.flatMap(({ theme, poem }) => [`  《${theme}》`, ...poem.split('\n').map((line) => `    ${line}`), '']),
    text(
      `  form: ${form.five + form.seven} of ${samples} samples are quatrains (${form.five} of five, ${form.seven} of seven characters)`,
      `  格式：${samples} 首中 ${form.five + form.seven} 首为绝句（五言 ${form.five}，七言 ${form.seven}）`,
    ),
    text(
      `  written from nothing: ${percent(regular.share)} of ${regular.samples} poems have four or eight verses of five or seven; ${percent(regular.real)} of the corpus`,
      `  自由写作：${regular.samples} 首中 ${percent(regular.share)} 为四句或八句的五、七言；语料中为 ${percent(regular.real)}`,
    ),
    contrast(text('theme overlap', '主题用字重合'), overlap, 3),
    ...(association === undefined
      ? []
      : [contrast(text('theme association, bits', '主题关联（比特）'), association, 3)]),
  ];
}

function modelLines(summary: QuickstartSummary): string[] {
  const { model, parameters, trainedTokens, tokensPerSecond, shareOfGemmPeak, trainingSeconds, precision } = summary;
  return [
    text(
      `model: ${fixed(parameters / 1e6, 1)} M parameters (${model.layers} layers, width ${model.width}), ${fixed(trainedTokens / 1e6, 1)} M tokens in ${Math.round(trainingSeconds)} s`,
      `模型：${fixed(parameters / 1e6, 1)} M 参数（${model.layers} 层，宽 ${model.width}），${Math.round(trainingSeconds)} 秒训练 ${fixed(trainedTokens / 1e6, 1)} M 词元`,
    ),
    text(
      `speed: ${count(Math.round(tokensPerSecond))} tokens/s, ${percent(shareOfGemmPeak)} of the measured ${precision} GEMM peak`,
      `速度：${count(Math.round(tokensPerSecond))} 词元/秒，为实测 ${precision} 矩阵乘峰值的 ${percent(shareOfGemmPeak)}`,
    ),
    text('time: ', '用时：') +
      Object.entries(summary.seconds)
        .map(([stage, seconds]) => `${QUICKSTART_STAGES[stage as QuickstartStage]} ${fixed(seconds, 1)} s`)
        .join(text(', ', '，')),
  ];
}

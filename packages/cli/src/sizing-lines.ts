/** What `tunan train size` found, for a terminal: the sizes with a chart of their promises, the choice, and how far the baselines are. */
import { bitsOfLoss, type ShardBaselines } from '@tunan/evaluation';
import type { SizedCandidate, SizedRun } from '@tunan/training';
import { text } from './language.ts';
import { alignedTable } from './table.ts';

/** Places of the chart. */
const PLACES = 32;

export function sizingLines(sized: SizedRun, baselines: ShardBaselines): string[] {
  const { candidates, chosen, batch, context, learningRate, matrixLearningRate, precision, fit, points, seconds } =
    sized;
  const bits = (nats: number) => bitsOfLoss(nats, baselines);
  const one = baselines.unigram.bitsPerCharacter;
  const many = baselines.ngram.bitsPerCharacter;
  const promised = bits(chosen.loss);
  const scale = chartScale(candidates, baselines);
  const rows = candidates.map((candidate) => [
    `${candidate === chosen ? '→' : ' '} ${candidate.layers} x ${candidate.width}`,
    `${(candidate.parameters / 1e6).toFixed(1)} M`,
    Math.round(candidate.tokensPerSecond).toLocaleString('en'),
    `${(candidate.tokens / 1e6).toFixed(1)} M`,
    minutesOf(candidate),
    bits(candidate.loss).toFixed(2),
    chartRow(candidate, baselines, scale),
  ]);
  const heads = [
    text('  layers x width', '  层 x 宽'),
    text('parameters', '参数'),
    text('tokens/s', '词元/秒'),
    text('tokens', '词元'),
    text('minutes', '分钟'),
    text('bits', '比特/字'),
    chartHead(baselines, scale),
  ];
  const steps = Math.max(1, Math.floor(chosen.tokens / (batch * context)));
  return [
    ...alignedTable(heads, rows),
    '',
    text(
      `take ${chosen.layers} x ${chosen.width}: samples of ${context} tokens, batch ${batch}, learning rates ${learningRate.toPrecision(2)} (AdamW) and ${matrixLearningRate.toPrecision(2)} (Muon), ${steps.toLocaleString('en')} steps, ${precision}, ${minutesOf(chosen)} minutes`,
      `建议 ${chosen.layers} x ${chosen.width}：样本长 ${context} 词元，批量 ${batch}，学习率 ${learningRate.toPrecision(2)}（AdamW）与 ${matrixLearningRate.toPrecision(2)}（Muon），${steps.toLocaleString('en')} 步，${precision}，${minutesOf(chosen)} 分钟`,
    ),
    text(
      `expect ${promised.toFixed(2)} bits per character (${bits(chosen.low).toFixed(2)} to ${bits(chosen.high).toFixed(2)} with a point left out): ${against(promised, one, 'unigram', '字频')}, ${against(promised, many, `${baselines.ngram.order}-gram`, `${baselines.ngram.order} 元模型`)}`,
      `预期每字 ${promised.toFixed(2)} 比特（逐点剔除后 ${bits(chosen.low).toFixed(2)} 至 ${bits(chosen.high).toFixed(2)}）：${against(promised, one, 'unigram', '字频')}，${against(promised, many, `${baselines.ngram.order}-gram`, `${baselines.ngram.order} 元模型`)}`,
    ),
    text(
      `law fitted to ${points.length} short runs (residual ${(100 * fit.residual).toFixed(2)} %), the longest of ${longest(sized)} M tokens: the promise goes ${(chosen.tokens / 1e6 / Number(longest(sized))).toFixed(0)} times beyond; sizing took ${Math.round(seconds)} s`,
      `由 ${points.length} 次短训练拟合（残差 ${(100 * fit.residual).toFixed(2)} %），最长的 ${longest(sized)} M 词元，预期外推 ${(chosen.tokens / 1e6 / Number(longest(sized))).toFixed(0)} 倍；共用 ${Math.round(seconds)} 秒`,
    ),
  ];
}

function longest({ points }: SizedRun): string {
  return (Math.max(...points.map(({ tokens }) => tokens)) / 1e6).toFixed(2);
}

function minutesOf({ seconds }: SizedCandidate): string {
  return (seconds / 60).toFixed(seconds < 600 ? 1 : 0);
}

function against(bits: number, reference: number, english: string, chinese: string): string {
  const change = (100 * (bits - reference)) / reference;
  const size = `${Math.abs(change).toFixed(1)} %`;
  return change <= 0
    ? text(`${size} below the ${english}`, `比${chinese}低 ${size}`)
    : text(`${size} above the ${english}`, `比${chinese}高 ${size}`);
}

interface Scale {
  readonly low: number;
  readonly high: number;
}

/** From the best promise, or the n-gram if that is better, to the unigram, or the worst promise. */
function chartScale(candidates: readonly SizedCandidate[], baselines: ShardBaselines): Scale {
  const { unigram, ngram } = baselines;
  const values = [
    unigram.bitsPerCharacter,
    ngram.bitsPerCharacter,
    ...candidates.flatMap(({ low, high }) => [low, high].map((nats) => bitsOfLoss(nats, baselines))),
  ];
  return { low: Math.min(...values), high: Math.max(...values) };
}

function place(value: number, { low, high }: Scale): number {
  return Math.round(((PLACES - 1) * (value - low)) / (high - low || 1));
}

/** 5 where the n-gram is, 1 where the unigram is. */
function chartHead({ unigram, ngram }: ShardBaselines, scale: Scale): string {
  const row = Array<string>(PLACES).fill(' ');
  row[place(ngram.bitsPerCharacter, scale)] = String(ngram.order);
  row[place(unigram.bitsPerCharacter, scale)] = '1';
  return row.join('');
}

/** The span of the promise as a line, the promise on it, and both baselines. */
function chartRow({ loss, low, high }: SizedCandidate, baselines: ShardBaselines, scale: Scale): string {
  const { unigram, ngram } = baselines;
  const row = Array<string>(PLACES).fill('·');
  for (const baseline of [unigram, ngram]) row[place(baseline.bitsPerCharacter, scale)] = '|';
  const at = (nats: number) => place(bitsOfLoss(nats, baselines), scale);
  row.fill('─', at(low), at(high) + 1);
  row[at(loss)] = '●';
  return row.join('');
}

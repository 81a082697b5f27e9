/**
 * What the classifier must beat: a softmax regression, trained with the same engine, that knows only how long a text and its lines are
 * and how it is punctuated.
 */
import { tensor } from '@tunan/torch';
import { ExampleDrawer } from '../draw-examples.ts';
import type { Example } from '../example.ts';
import { seededRandom } from '../random.ts';
import { SoftmaxRegression } from '../softmax-regression.ts';

const MARKS = ['，,', '。.', '！!', '？?', '、', '：:', '；;', '“”"「」', '（）()', '【】[]', '…', '-_|·~'];
const STEPS = 400;
const BATCH = 256;

/** Logarithms of lengths in characters and lines, the mean line, and the share of each kind of mark. */
function surface(text: string): number[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const length = Math.max(1, text.length);
  const marks = MARKS.map((group) => {
    let found = 0;
    for (const character of text) if (group.includes(character)) found++;
    return found / length;
  });
  const any = marks.reduce((sum, share) => sum + share, 0);
  return [Math.log(length), Math.log(1 + lines.length), Math.log(length / Math.max(1, lines.length)), any, ...marks];
}

/** Tells the label of a text. */
export function trainSurfaceBaseline(
  examples: readonly Example[],
  labels: readonly string[],
  seed: number,
): (text: string) => string {
  const rows = examples.map(({ text }) => surface(text));
  const scales = standardisation(rows);
  const known = new Map(examples.map(({ text }, i) => [text, scaled(rows[i]!, scales)]));
  const drawer = new ExampleDrawer(examples, labels, seededRandom(seed));
  using regression = new SoftmaxRegression(rows[0]!.length, labels.length, { learningRate: 0.05, weightDecay: 0 });
  for (let step = 0; step < STEPS; step++) {
    // Whole documents: their length is what this baseline lives on.
    const drawn = Array.from({ length: BATCH }, () => drawer.drawWhole());
    const features = drawn.map(({ text }) => known.get(text)!);
    const targets = drawn.map(({ label }) => label);
    regression.step((weight) => tensor(features).matmul(weight), targets);
  }
  const { weight, bias } = regression;
  return (text) => {
    const x = scaled(surface(text), scales);
    const logits = labels.map((_, label) =>
      x.reduce((sum, value, feature) => sum + value * weight[feature * labels.length + label]!, bias[label]!),
    );
    return labels[logits.indexOf(Math.max(...logits))]!;
  };
}

interface Scale {
  readonly mean: number;
  readonly deviation: number;
}

function standardisation(rows: readonly (readonly number[])[]): Scale[] {
  return rows[0]!.map((_, column) => {
    const mean = rows.reduce((sum, row) => sum + row[column]!, 0) / rows.length;
    const variance = rows.reduce((sum, row) => sum + (row[column]! - mean) ** 2, 0) / rows.length;
    return { mean, deviation: Math.sqrt(variance) || 1 };
  });
}

function scaled(row: readonly number[], scales: readonly Scale[]): number[] {
  return row.map((value, i) => (value - scales[i]!.mean) / scales[i]!.deviation);
}

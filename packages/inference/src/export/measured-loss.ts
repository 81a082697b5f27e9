/** Bits per character on a text: what the model costs as it was, and as the file holds it. */
export interface MeasuredLoss {
  readonly text: string;
  readonly characters: number;
  readonly original: number;
  readonly exported: number;
}

/** Of the difference, with its sign. */
export function lossInPercent({ original, exported }: MeasuredLoss): string {
  const share = (100 * (exported - original)) / original;
  const size = Math.abs(share).toFixed(2);
  const sign = size === '0.00' ? '' : share < 0 ? '−' : '+';
  return `${sign}${size} %`;
}

/** A row of a card's table. */
export function lossRow(measured: MeasuredLoss): [string, string] {
  const { original, exported, characters, text } = measured;
  const loss = `${original.toFixed(4)} before, ${exported.toFixed(4)} in this file (${lossInPercent(measured)})`;
  return ['bits per character', `${loss}, on ${characters.toLocaleString('en-US')} characters of ${text}`];
}

/** The two charts of evaluation pages as inline SVG. */

import type { Interval } from '@tunan/classifier/proportion';
import type { CalibrationBin } from '../statistics/classification.ts';

/** A bar from 0 to 1 with the whisker of its interval and ticks at the scores to beat. */
export function scoreBar(share: number, { low, high }: Interval, ticks: readonly number[]): string {
  const x = (value: number) => (200 * value).toFixed(1);
  const marks = ticks.map((tick) => `<line class="tick" x1="${x(tick)}" y1="1" x2="${x(tick)}" y2="17"/>`);
  return `<svg viewBox="0 0 200 18" role="img" aria-label="${(100 * share).toFixed(1)} %"><line class="grid" x1="0" y1="17.5" x2="200" y2="17.5"/><rect class="bar" x="0" y="4" width="${x(share)}" height="10" opacity=".75"/><path class="whisker" d="M${x(low)} 9H${x(high)}M${x(low)} 6v6M${x(high)} 6v6"/>${marks.join('')}</svg>`;
}

const SIDE = 220;
const LEFT = 34;
const TOP = 8;

/** Confidence on the x axis, share of right answers on the y axis; honest probabilities lie on the diagonal. */
export function calibrationChart(curve: readonly CalibrationBin[]): string {
  const x = (value: number) => LEFT + SIDE * value;
  const y = (value: number) => TOP + SIDE * (1 - value);
  const at = (px: number, py: number) => `${px.toFixed(1)} ${py.toFixed(1)}`;
  const steps = [0, 0.25, 0.5, 0.75, 1];
  const grid = steps.map(
    (step) =>
      `<path class="grid" d="M${at(x(0), y(step))}H${x(1)}M${at(x(step), y(0))}V${y(1)}"/><text x="${LEFT - 6}" y="${(y(step) + 4).toFixed(1)}" text-anchor="end">${100 * step}</text><text x="${x(step).toFixed(1)}" y="${TOP + SIDE + 16}" text-anchor="middle">${100 * step}</text>`,
  );
  const line = curve.map(({ confidence, accuracy }, i) => `${i === 0 ? 'M' : 'L'}${at(x(confidence), y(accuracy))}`);
  const dots = curve.map(
    ({ confidence, accuracy, examples }) =>
      `<circle class="dot" cx="${x(confidence).toFixed(1)}" cy="${y(accuracy).toFixed(1)}" r="3.5"><title>${(100 * confidence).toFixed(1)} % → ${(100 * accuracy).toFixed(1)} % (${examples})</title></circle>`,
  );
  return `<svg viewBox="0 0 ${LEFT + SIDE + 12} ${TOP + SIDE + 36}" style="max-width:22rem" role="img" aria-label="calibration curve">${grid.join('')}<path class="grid" stroke-dasharray="4 4" d="M${at(x(0), y(0))}L${at(x(1), y(1))}"/><path class="line" d="${line.join('')}"/>${dots.join('')}<text x="${x(0.5)}" y="${TOP + SIDE + 32}" text-anchor="middle">置信度 confidence, %　纵轴 right, %</text></svg>`;
}

const SHARE_WIDTH = 420;
const SHARE_HEIGHT = 170;

/** Shares side by side, each with its interval, beside a level to compare with. */
export function shareChart(
  title: string,
  points: readonly (Interval & { readonly label: string; readonly share: number })[],
  level: number,
): string {
  const bottom = TOP + SHARE_HEIGHT;
  const y = (share: number) => (TOP + SHARE_HEIGHT * (1 - share)).toFixed(1);
  const x = (i: number) => (LEFT + ((SHARE_WIDTH - LEFT) * (i + 0.5)) / points.length).toFixed(1);
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<path class="grid" d="M${LEFT} ${y(share)}H${SHARE_WIDTH}"/><text x="${LEFT - 6}" y="${Number(y(share)) + 4}" text-anchor="end">${100 * share}</text>`,
  );
  const marks = points.map(
    ({ label, share, low, high }, i) =>
      `<path class="whisker" d="M${x(i)} ${y(low)}V${y(high)}"/><circle class="dot" cx="${x(i)}" cy="${y(share)}" r="4.5"><title>${label}: ${(100 * share).toFixed(1)} %</title></circle><text x="${x(i)}" y="${bottom + 16}" text-anchor="middle">${label}</text>`,
  );
  return `<svg viewBox="0 0 ${SHARE_WIDTH + 4} ${bottom + 24}" style="max-width:30rem" role="img" aria-label="${title}">${grid.join('')}<path class="tick" stroke-dasharray="5 4" fill="none" d="M${LEFT} ${y(level)}H${SHARE_WIDTH}"/>${marks.join('')}</svg>`;
}

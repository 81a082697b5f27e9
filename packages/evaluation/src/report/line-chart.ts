/** Losses over tokens as inline SVG: lines, points with whiskers, levels to compare with; the x axis is logarithmic. */
import { escapeHtml } from './page-style.ts';

export interface ChartLine {
  readonly label: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Dots, each with the span of its value where it has one, instead of a line. */
  readonly dots?: boolean;
}

export interface LineChart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly ChartLine[];
  readonly levels: readonly { readonly label: string; readonly y: number }[];
  readonly marks: readonly {
    readonly label: string;
    readonly x: number;
    readonly y: number;
    readonly low: number;
    readonly high: number;
  }[];
}

const WIDTH = 720;
const HEIGHT = 340;
const LEFT = 44;
const RIGHT = 120;
const TOP = 10;
const BOTTOM = 40;
/** Hues of the lines, one after the other around the circle. */
const HUES = [210, 25, 140, 280, 60, 330];

export function lineChart({ title, x, y, lines, levels, marks }: LineChart): string {
  const points = [...lines.flatMap((line) => line.points), ...marks];
  if (points.length === 0) return '';
  const [left, right] = [Math.min(...points.map((p) => p.x)), Math.max(...points.map((p) => p.x))];
  const heights = [
    ...points.map((p) => p.y),
    ...marks.flatMap(({ low, high }) => [low, high]),
    ...levels.map((level) => level.y),
  ];
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const margin = 0.05 * (high - low || 1);
  const across = (value: number) =>
    LEFT + ((WIDTH - LEFT - RIGHT) * Math.log(value / left)) / (Math.log(right / left) || 1);
  const up = (value: number) => TOP + ((HEIGHT - TOP - BOTTOM) * (high + margin - value)) / (high - low + 2 * margin);
  const at = (p: { x: number; y: number }) => `${across(p.x).toFixed(1)} ${up(p.y).toFixed(1)}`;
  const parts = [
    ...ticks(low, high).map(
      (tick) =>
        `<path class="grid" d="M${LEFT} ${up(tick).toFixed(1)}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${(up(tick) + 4).toFixed(1)}" text-anchor="end">${Number(tick.toFixed(3))}</text>`,
    ),
    ...powers(left, right).map(
      (power) =>
        `<path class="grid" d="M${across(power).toFixed(1)} ${TOP}V${HEIGHT - BOTTOM}"/><text x="${across(power).toFixed(1)}" y="${HEIGHT - BOTTOM + 15}" text-anchor="middle">${shortCount(power)}</text>`,
    ),
    ...levels.map(
      (level) =>
        `<path class="tick" stroke-dasharray="5 4" fill="none" d="M${LEFT} ${up(level.y).toFixed(1)}H${WIDTH - RIGHT}"/><text x="${WIDTH - RIGHT + 6}" y="${(up(level.y) + 4).toFixed(1)}">${escapeHtml(level.label)}</text>`,
    ),
    ...lines.map((line) => drawn(line, hueOf(line, lines), at)),
    ...marks.map(
      (mark) =>
        `<path class="whisker" fill="none" d="M${at({ x: mark.x, y: mark.low })}L${at({ x: mark.x, y: mark.high })}"/><circle class="dot" cx="${across(mark.x).toFixed(1)}" cy="${up(mark.y).toFixed(1)}" r="5"><title>${escapeHtml(mark.label)}</title></circle><text x="${(across(mark.x) + 9).toFixed(1)}" y="${(up(mark.y) + 4).toFixed(1)}">${escapeHtml(mark.label)}</text>`,
    ),
    `<text x="${LEFT}" y="${HEIGHT - 6}">${escapeHtml(x)}　${escapeHtml(y)}</text>`,
  ];
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">${parts.join('')}</svg>${legend(lines)}`;
}

function drawn({ label, points, dots }: ChartLine, hue: number, at: (p: { x: number; y: number }) => string): string {
  const colour = `hsl(${hue} 60% 50%)`;
  const named = `<title>${escapeHtml(label)}</title>`;
  if (dots !== true) {
    const path = points.map((point, i) => `${i === 0 ? 'M' : 'L'}${at(point)}`).join('');
    return `<path fill="none" stroke="${colour}" stroke-width="2" d="${path}">${named}</path>`;
  }
  return points
    .map((point) => {
      const [cx, cy] = at(point).split(' ');
      return `<circle fill="${colour}" cx="${cx}" cy="${cy}" r="3.5">${named}</circle>`;
    })
    .join('');
}

/** Lines and dots of one label have one colour. */
function hueOf({ label }: ChartLine, lines: readonly ChartLine[]): number {
  return HUES[[...new Set(lines.map((line) => line.label))].indexOf(label) % HUES.length]!;
}

function legend(lines: readonly ChartLine[]): string {
  const firsts = lines.filter((line, i) => lines.findIndex(({ label }) => label === line.label) === i);
  const names = firsts.map(
    (line) => `<span style="color:hsl(${hueOf(line, lines)} 60% 50%)">■</span> ${escapeHtml(line.label)}`,
  );
  return `<p class="soft">${names.join('　')}</p>`;
}

/** Four to eight round values. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** 1, 2 and 5 times the powers of ten between two values. */
function powers(low: number, high: number): number[] {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const factor of [1, 2, 5]) all.push(factor * 10 ** power);
  }
  const inside = all.filter((value) => value >= low && value <= high);
  return inside.length > 9 ? inside.filter((value) => Number.isInteger(Math.log10(value))) : inside;
}

function shortCount(value: number): string {
  return value >= 1e6 ? `${value / 1e6} M` : value >= 1e3 ? `${value / 1e3} k` : String(value);
}

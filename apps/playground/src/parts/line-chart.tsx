/** Lines and dots over one axis, with the values under the pointer. Beside it its owner tells the figures as text: it says nothing to a screen reader. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { number } from '../language.ts';
import './line-chart.css';

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
}

export interface ChartLine {
  readonly label: string;
  readonly points: readonly ChartPoint[];
  readonly kind: 'main' | 'second' | 'expected';
  readonly dots?: boolean;
}

interface LineChartProps {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  /** A range at the right end: low to high. */
  readonly mark?:
    | { readonly x: number; readonly low: number; readonly high: number; readonly label: string }
    | undefined;
  /** Equal factors of x, not equal steps, are equally wide. */
  readonly isLog: boolean;
  readonly digits: number;
  /** Of x in words. */
  readonly nameOf: (x: number) => string;
}

/** Pixels: drawn as wide as there is room, so that letters and lines are as large on a narrow window as on a wide one. */
const [FIRST_WIDTH, LEFT, RIGHT, TOP, BOTTOM] = [900, 60, 16, 12, 28];
const TICKS = 5;
const TICK_WIDTH = 90;
const heightOf = (width: number): number => Math.min(300, 140 + width / 5);

export function LineChart({ title, lines, mark, isLog, digits, nameOf }: LineChartProps) {
  const [pointed, setPointed] = useState<number>();
  const frame = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(FIRST_WIDTH);
  useEffect(() => {
    const sized = new ResizeObserver(([entry]) => entry && setWidth(Math.round(entry.contentRect.width)));
    if (frame.current !== null) sized.observe(frame.current);
    return () => sized.disconnect();
  }, []);
  const height = heightOf(width);
  const scale = useMemo(() => scaleOf(lines, mark, isLog, width), [lines, mark, isLog, width]);
  if (scale === undefined) return <figure class="line-chart" ref={frame} />;
  const { xAt, yAt, xOf, xTicks, yTicks } = scale;
  const point = (event: PointerEvent & { readonly currentTarget: Element }) => {
    setPointed(xOf(event.clientX - event.currentTarget.getBoundingClientRect().left));
  };
  const read =
    pointed === undefined
      ? []
      : lines.flatMap((line) => nearest(line, pointed, isLog).map((found) => ({ line, found })));
  return (
    <figure class="line-chart" ref={frame}>
      <figcaption>
        <strong>{title}</strong>
        {lines.map(({ label, kind, dots }) => (
          <span key={label} class="faint small-text">
            <span class={`line-chart-mark ${kind}${dots ? ' dots' : ''}`} aria-hidden="true" /> {label}
          </span>
        ))}
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        aria-hidden="true"
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => setPointed(undefined)}
      >
        {yTicks.map((y) => (
          <g key={y}>
            <line class="grid" x1={LEFT} x2={width - RIGHT} y1={yAt(y)} y2={yAt(y)} />
            <text x={LEFT - 8} y={yAt(y) + 4} text-anchor="end">
              {number(y, digits)}
            </text>
          </g>
        ))}
        {xTicks.map((x, i) => (
          <text key={x} x={xAt(x)} y={height - 8} text-anchor={i === xTicks.length - 1 ? 'end' : 'middle'}>
            {nameOf(x)}
          </text>
        ))}
        {mark !== undefined && (
          <g class="mark">
            <line x1={xAt(mark.x)} x2={xAt(mark.x)} y1={yAt(mark.low)} y2={yAt(mark.high)} />
            <text x={xAt(mark.x) - 8} y={yAt(mark.high) - 6} text-anchor="end">
              {mark.label}
            </text>
          </g>
        )}
        {lines.map((line) =>
          line.dots ? (
            line.points.map(({ x, y }) => <circle key={x} class={line.kind} cx={xAt(x)} cy={yAt(y)} r="3.5" />)
          ) : (
            <path
              key={line.label}
              class={line.kind}
              d={line.points
                .map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${xAt(x).toFixed(1)} ${yAt(y).toFixed(1)}`)
                .join('')}
            />
          ),
        )}
        {pointed !== undefined && read.length > 0 && (
          <line class="pointer" x1={xAt(read[0]!.found.x)} x2={xAt(read[0]!.found.x)} y1={TOP} y2={height - BOTTOM} />
        )}
      </svg>
      <p class="line-chart-read small-text">
        {read.length === 0
          ? ' '
          : `${nameOf(read[0]!.found.x)}: ${read.map(({ line, found }) => `${line.label} ${number(found.y, digits + 1)}`).join(' · ')}`}
      </p>
    </figure>
  );
}

function scaleOf(lines: readonly ChartLine[], mark: LineChartProps['mark'], isLog: boolean, width: number) {
  const points = lines.flatMap((line) => line.points).filter(({ x, y }) => Number.isFinite(y) && (!isLog || x > 0));
  if (points.length === 0) return undefined;
  const shown = mark === undefined ? points : [...points, { x: mark.x, y: mark.low }, { x: mark.x, y: mark.high }];
  const xs = shown.map(({ x }) => x);
  const ys = shown.map(({ y }) => y);
  const [xLow, xHigh] = spread(Math.min(...xs), Math.max(...xs));
  const [low, high] = spread(Math.min(...ys), Math.max(...ys));
  const step = roundStep((high - low) / TICKS);
  const [yLow, yHigh] = [Math.floor(low / step) * step, Math.ceil(high / step) * step];
  const shift = (x: number) => (isLog ? Math.log(x) : x);
  const inner = Math.max(1, width - LEFT - RIGHT);
  const xCount = Math.max(2, Math.min(TICKS, Math.floor(inner / TICK_WIDTH) + 1));
  const ratio = inner / (shift(xHigh) - shift(xLow));
  const xOf = (at: number) => {
    const shifted = shift(xLow) + (at - LEFT) / ratio;
    return isLog ? Math.exp(shifted) : shifted;
  };
  return {
    xAt: (x: number) => LEFT + (shift(Math.max(x, xLow)) - shift(xLow)) * ratio,
    yAt: (y: number) => TOP + ((yHigh - y) / (yHigh - yLow)) * (heightOf(width) - TOP - BOTTOM),
    xOf,
    xTicks: Array.from({ length: xCount }, (_, i) => xOf(LEFT + (inner * i) / (xCount - 1))),
    yTicks: Array.from({ length: Math.round((yHigh - yLow) / step) + 1 }, (_, i) => yLow + i * step),
  };
}

/** Two different ends, whatever there is. */
function spread(low: number, high: number): [number, number] {
  return low < high ? [low, high] : [low * 0.9 - (low === 0 ? 1 : 0), high * 1.1 + (high === 0 ? 1 : 0)];
}

function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return [1, 2, 5, 10].find((one) => one * power >= step)! * power;
}

/** The point nearest to where the pointer is, unless the line ends before. */
function nearest({ points }: ChartLine, x: number, isLog: boolean): ChartPoint[] {
  const distance = (point: ChartPoint) => Math.abs(isLog ? Math.log(point.x / x) : point.x - x);
  const [first] = points;
  if (first === undefined) return [];
  return [points.reduce((best, point) => (distance(point) < distance(best) ? point : best), first)];
}

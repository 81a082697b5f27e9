/** Tokens of each day as a bar, those of prompts below those of answers. The figures are a table for screen readers. */
import { number } from '../../language.ts';
import type { UsageSum } from './usage-sums.ts';
import { say } from './words.ts';
import './day-bars.css';

const WIDTH = 900;
const HEIGHT = 190;
const [LEFT, BOTTOM, TOP] = [84, 24, 10];
const PLOT_HEIGHT = HEIGHT - BOTTOM - TOP;
/** Dates written below the bars. */
const DATES = 5;

interface DayBarsProps {
  readonly days: readonly string[];
  readonly sums: ReadonlyMap<string, UsageSum>;
}

export function DayBars({ days, sums }: DayBarsProps) {
  const most = Math.max(1, ...[...sums.values()].map((sum) => sum.promptTokens + sum.completionTokens));
  const top = roundUp(most);
  const step = (WIDTH - LEFT) / days.length;
  const heightOf = (tokens: number) => (tokens / top) * PLOT_HEIGHT;
  const base = TOP + PLOT_HEIGHT;
  const every = Math.ceil(days.length / DATES);
  return (
    <figure class="day-bars">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line x1={LEFT} x2={WIDTH} y1={base - share * PLOT_HEIGHT} y2={base - share * PLOT_HEIGHT} />
            <text x={LEFT - 8} y={base - share * PLOT_HEIGHT + 4} text-anchor="end">
              {number(share * top)}
            </text>
          </g>
        ))}
        {days.map((day, i) => {
          const { requests, promptTokens, completionTokens } = sums.get(day) ?? EMPTY;
          const x = LEFT + i * step + step * 0.15;
          const prompt = heightOf(promptTokens);
          const completion = heightOf(completionTokens);
          return (
            <g key={day}>
              <title>{say().dayTold(day, number(requests), number(promptTokens), number(completionTokens))}</title>
              <rect class="all" x={LEFT + i * step} y={TOP} width={step} height={PLOT_HEIGHT} />
              <rect class="prompt" x={x} y={base - prompt} width={step * 0.7} height={prompt} />
              <rect class="completion" x={x} y={base - prompt - completion} width={step * 0.7} height={completion} />
              {i % every === 0 && (
                <text x={LEFT + i * step} y={HEIGHT - 6}>
                  {day.slice(5)}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <figcaption class="faint small-text">
        <span class="day-bars-mark prompt" aria-hidden="true" /> {say().promptTokens}
        <span class="day-bars-mark completion" aria-hidden="true" /> {say().completionTokens}
        <span class="day-bars-days">{say().inChina}</span>
      </figcaption>
      <div class="for-readers">
        <table>
          <caption>{say().byDay}</caption>
          <tbody>
            {[...sums].map(([day, sum]) => (
              <tr key={day}>
                <th scope="row">{day}</th>
                <td>{number(sum.requests)}</td>
                <td>{number(sum.promptTokens)}</td>
                <td>{number(sum.completionTokens)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}

const EMPTY = { requests: 0, promptTokens: 0, completionTokens: 0 };

/** To 1, 2 or 5 times a power of ten; even, so that the half is whole. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const first = [1, 2, 5, 10].find((one) => one * power >= value)!;
  return Math.max(2, first * power);
}

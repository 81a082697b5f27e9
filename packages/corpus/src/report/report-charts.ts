/** Charts of the report as inline SVG: they need no script, no network, and follow the colours of the page. */

export interface FunnelRow {
  label: string;
  documents: number;
  dropped: number;
  /** Undefined where it was not counted. */
  bytes: number | undefined;
}

const WIDTH = 960;
const NAME = 300;
const BAR = 430;
const ROW = 44;

/** A row a stage: documents that came in, the part that it dropped at the end of the bar, bytes as a line below. */
export function funnelChart(rows: FunnelRow[]): string {
  const most = Math.max(1, ...rows.map((row) => row.documents));
  const mostBytes = Math.max(1, ...rows.map((row) => row.bytes ?? 0));
  const drawn = rows.map(({ label, documents, dropped, bytes }, i) => {
    const y = i * ROW;
    const width = (n: number, of: number, full: number) => ((n / of) * full).toFixed(1);
    const kept = width(documents - dropped, most, BAR);
    const lost =
      dropped === 0
        ? ''
        : `<rect class="drop" x="${NAME + Number(kept)}" y="${y + 6}" width="${Math.max(1.5, Number(width(dropped, most, BAR)))}" height="16"><title>−${group(dropped)}</title></rect>`;
    const line =
      bytes === undefined
        ? ''
        : `<rect class="bytes" x="${NAME}" y="${y + 26}" width="${width(bytes, mostBytes, BAR)}" height="4"><title>${formatBytes(bytes)}</title></rect>`;
    const note = [group(documents), ...(dropped > 0 ? [`−${group(dropped)}`] : [])].join('  ');
    const size =
      bytes === undefined ? '' : `<text class="soft" x="${NAME + BAR + 14}" y="${y + 36}">${formatBytes(bytes)}</text>`;
    return `<text x="${NAME - 12}" y="${y + 20}" text-anchor="end">${escapeHtml(label)}</text><rect x="${NAME}" y="${y + 6}" width="${kept}" height="16"/>${lost}${line}<text x="${NAME + BAR + 14}" y="${y + 20}">${note}</text>${size}`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${rows.length * ROW + 4}" role="img" aria-label="funnel">${drawn.join('')}</svg>`;
}

/** Bars of equal width; `bounds` are the values at their left ends, and the end of the last. */
export function histogram(
  counts: number[],
  bounds: number[],
  format: (value: number) => string,
  label: string,
): string {
  const top = Math.max(1, ...counts);
  const width = 720 / Math.max(1, counts.length);
  const every = Math.max(1, Math.ceil(counts.length / 12));
  const bars = counts.map((n, i) => {
    const height = (n / top) * 160;
    const axis = i % every === 0 ? `<text x="${(i * width).toFixed(1)}" y="196">${format(bounds[i]!)}</text>` : '';
    const tip = `<title>${format(bounds[i]!)} – ${format(bounds[i + 1]!)}: ${group(n)}</title>`;
    return `<rect x="${(i * width + 1).toFixed(1)}" y="${(180 - height).toFixed(1)}" width="${(width - 2).toFixed(1)}" height="${height.toFixed(1)}">${tip}</rect>${axis}`;
  });
  return `<svg viewBox="0 0 720 204" role="img" aria-label="${label}"><line x1="0" y1="180" x2="720" y2="180"/>${bars.join('')}</svg>`;
}

/** Parts of one whole, side by side, with a legend. */
export function partsChart(parts: { label: string; count: number; kind: string }[]): string {
  const whole = Math.max(
    1,
    parts.reduce((n, { count }) => n + count, 0),
  );
  let at = 0;
  const drawn = parts.map(({ label, count, kind }) => {
    const x = at;
    at += (count / whole) * WIDTH;
    return `<rect class="${kind}" x="${x.toFixed(1)}" y="0" width="${Math.max(0, at - x - 1).toFixed(1)}" height="26"><title>${escapeHtml(label)}: ${group(count)}</title></rect>`;
  });
  const legend = parts.map(
    ({ label, count, kind }) =>
      `<span class="key"><i class="${kind}"></i>${escapeHtml(label)} ${group(count)} (${((100 * count) / whole).toFixed(1)} %)</span>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} 26" role="img" aria-label="parts">${drawn.join('')}</svg><p class="soft">${legend.join(' ')}</p>`;
}

export function group(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** judgements.csv: every judgement as it counts, for whoever computes again. No names, no times of day, no tokens. */
import type { Judgement } from './read-judgements.ts';

const HEADS = [
  ...['judge', 'text', 'kind', 'truth', 'said', 'right', 'confidence', 'place', 'seconds', 'seen_seconds'],
  ...['check', 'excluded', 'characters', 'source'],
];

/** RFC 4180, with a head. @param excluded judges who failed the checks */
export function studyCsv(judgements: readonly Judgement[], excluded: ReadonlySet<string>): string {
  const rows = judgements.map((one) => [
    ...[one.judge, one.text, one.kind, one.truth, one.said, Number(one.right), one.confidence],
    ...[one.place.toFixed(4), one.seconds.toFixed(1), one.seenSeconds.toFixed(1)],
    ...[Number(one.check), Number(excluded.has(one.judge)), one.characters.join(' '), one.source],
  ]);
  return [HEADS, ...rows].map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
}

/** Sources are others' words: a table program must not take one for a formula. */
function cell(value: string | number): string {
  const text = String(value);
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** What a stage decided about a page, in words: one line, and under it the first places that it changed. */
import type { StageDecision } from '@tunan/corpus';
import { text } from './language.ts';

/** What `meta.repaired` may name. */
const REPAIRED: Record<string, string> = {
  references: text('character references decoded', '还原字符实体'),
  pinyin: text('inserted pinyin taken out', '去掉夹入的拼音'),
  charset: text('wrong charset undone', '还原读错的编码'),
  'cut-characters': text('characters that were cut in half put together', '接回被切断的汉字'),
  'private-use': text('private-use characters replaced', '处理私用区字符'),
  'injected-spam': text('injected spam cut off', '切除植入的垃圾词'),
};

/** Reasons that do not speak for themselves. */
const REASONS: Record<string, string> = {
  'lost-characters': text(
    'characters were lost before the page came here, and nothing can bring them back',
    '网页到来之前文字已经丢失，无法还原',
  ),
  garbled: text('part of the text is no language, and no reading makes it one', '部分内容是乱码，任何编码都读不通'),
};

export function describeDecision({
  stage,
  before,
  after,
  changed,
  places,
  marks,
  reason,
  detail,
}: StageDecision): string {
  if (reason !== undefined) {
    const because = [REASONS[reason], detail].filter((part) => part !== undefined).join('; ');
    const why = because === '' ? reason : `${reason} (${because})`;
    return `${stage}: ${text(`dropped: ${why}`, `剔除：${why}`)}`;
  }
  const notes = Object.entries(marks).map(([key, value]) => (key === 'repaired' ? repaired(value) : `${key} ${value}`));
  const line = `${stage}: ${[effectOf(before, after, changed), ...notes].join('; ')}`;
  return [line, ...places.flatMap(placeLines)].join('\n');
}

function effectOf(before: number, after: number, changed: boolean): string {
  if (!changed) return text('unchanged', '未改动');
  if (before === after) return text(`changed, ${after} characters`, `有改动，${after} 字`);
  return text(`${before} → ${after} characters`, `${before} → ${after} 字`);
}

function repaired(kinds: string): string {
  return kinds
    .split(',')
    .map((kind) => REPAIRED[kind] ?? kind)
    .join(', ');
}

function placeLines(place: { before: string; after: string }): string[] {
  return [
    ...(place.before === '' ? [] : [`    - ${place.before}`]),
    ...(place.after === '' ? [] : [`    + ${place.after}`]),
  ];
}

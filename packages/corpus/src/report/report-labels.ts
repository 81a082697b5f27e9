/** Names of stages, reasons and splits in both languages; those of a stage stand with the stage. */
import type { Said } from '@tunan/protocol/mistakes';
import { DOCUMENT_REASONS } from '../documents/unreadable.ts';
import { STAGE_WORDS } from '../stages/stages.ts';

const LABELS: Readonly<Record<string, Said>> = {
  ...DOCUMENT_REASONS,
  'no-such-sheet': { zh: '没有这个工作表', en: 'no such sheet' },
  'not-json': { zh: '不是 JSON', en: 'not JSON' },
  'not-an-object': { zh: '不是 JSON 对象', en: 'no JSON object' },
  'no-text': { zh: '没有正文字段', en: 'no field with the text' },
  'not-a-text': { zh: '字段不是文本', en: 'a field is no text' },
  'wrong-columns': { zh: '列数不符', en: 'wrong number of columns' },
  'unclosed-quote': { zh: '引号未闭合', en: 'quotation mark not closed' },
  read: { zh: '读取', en: 'Reading' },
  'file-too-large': { zh: '文件过大', en: 'file too large' },
  'record-too-large': { zh: '记录过大', en: 'record too large' },
  'truncated-gzip': { zh: 'gzip 截断', en: 'gzip cut short' },
  'damaged-gzip': { zh: 'gzip 损坏', en: 'damaged gzip' },
  'truncated-zstd': { zh: 'zstd 截断', en: 'zstd cut short' },
  'damaged-zstd': { zh: 'zstd 损坏', en: 'damaged zstd' },
  'no-archive': { zh: '不是存档文件', en: 'no archive' },
  'truncated-record': { zh: '记录截断', en: 'record cut short' },
  'wrong-length': { zh: '长度不符', en: 'wrong length' },
  'not-a-record': { zh: '非记录内容', en: 'no record' },
  'malformed-header': { zh: '记录头损坏', en: 'malformed header' },
  'malformed-http': { zh: 'HTTP 头损坏', en: 'malformed HTTP' },
  'damaged-content-encoding': { zh: '压缩内容损坏', en: 'damaged content encoding' },
  train: { zh: '训练', en: 'train' },
  validation: { zh: '验证', en: 'validation' },
  test: { zh: '测试', en: 'test' },
};

const OF_STAGES: ReadonlyMap<string, Said> = new Map([
  ...[...STAGE_WORDS.values()].flatMap(({ names = {} }) => Object.entries(names)),
  ...[...STAGE_WORDS].map(([use, { label }]) => [use, label] as const),
]);

/** One that has no name here is shown by its own. */
export function labelOf(name: string): Said {
  return LABELS[name] ?? OF_STAGES.get(name) ?? { en: name, zh: name };
}

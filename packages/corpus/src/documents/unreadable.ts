/** Why a document gives no text: its reason as counted among the rejects, and what a person does about it. */
import type { Said } from '@tunan/protocol/mistakes';

const REASONS = {
  'empty-file': ['the file is empty', '文件为空'],
  'no-text-inside': ['it holds no text', '其中没有文字'],
  encrypted: [
    'it is protected by a password: open it with its program, take the password off and save it again',
    '有密码保护：请用原程序打开，去掉密码后重新保存',
  ],
  'scanned-document': [
    'its pages are pictures without text: run text recognition (OCR) on it first',
    '页面是图片，没有文字：请先做文字识别（OCR）',
  ],
  'characters-unknown': [
    'its fonts do not say which characters they show: print or export it again, or run text recognition (OCR)',
    '字体未说明各字形是什么字：请重新导出，或做文字识别（OCR）',
  ],
  'old-word-file': ['an old Word or WPS file: save it as .docx', '旧式 Word 或 WPS 文件：请另存为 .docx'],
  'old-excel-file': ['an old Excel or WPS file: save it as .xlsx', '旧式 Excel 或 WPS 文件：请另存为 .xlsx'],
  'old-powerpoint-file': [
    'an old PowerPoint or WPS file: save it as .pptx',
    '旧式 PowerPoint 或 WPS 文件：请另存为 .pptx',
  ],
  'old-office-file': [
    'a file of an old office program: save it as .docx, .xlsx, .pptx or PDF',
    '旧式办公软件的文件：请另存为 .docx、.xlsx、.pptx 或 PDF',
  ],
  'rich-text-file': ['rich text (RTF): save it as .docx', 'RTF 文件：请另存为 .docx'],
  'not-a-document': [
    'its content is that of no document that is read (Word, Excel, PowerPoint, OpenDocument, EPUB, PDF, page, text)',
    '内容不是可读的文档（Word、Excel、PowerPoint、OpenDocument、EPUB、PDF、网页、文本）',
  ],
  'damaged-document': [
    'it is damaged: get it again, or open it and save it again',
    '文件损坏：请重新获取，或打开后重新保存',
  ],
  'document-too-large': ['it is larger than a document may be: split it', '超过文档的大小上限：请拆分'],
  'bomb-inside': ['it unpacks to far more than a document holds: not read', '解压后远大于正常文档：不予读取'],
  'document-too-slow': [
    'reading it took too long: split it, or raise "seconds" in the source of the recipe',
    '读取耗时过长：请拆分，或在配方的来源中调高 "seconds"',
  ],
  'document-out-of-memory': ['reading it took too much memory: split it', '读取所需内存过多：请拆分'],
} as const satisfies Record<string, readonly [en: string, zh: string]>;

export type UnreadableReason = keyof typeof REASONS;

/** Names of the reasons in short, for the report. */
export const DOCUMENT_REASONS: Readonly<Record<UnreadableReason, Said>> = {
  'empty-file': { en: 'empty file', zh: '空文件' },
  'no-text-inside': { en: 'no text inside', zh: '没有文字' },
  encrypted: { en: 'encrypted', zh: '有密码' },
  'scanned-document': { en: 'scanned', zh: '扫描件' },
  'characters-unknown': { en: 'fonts without characters', zh: '字体缺少字符' },
  'old-word-file': { en: 'old Word file', zh: '旧式 Word 文件' },
  'old-excel-file': { en: 'old Excel file', zh: '旧式 Excel 文件' },
  'old-powerpoint-file': { en: 'old PowerPoint file', zh: '旧式 PowerPoint 文件' },
  'old-office-file': { en: 'old office file', zh: '旧式办公文件' },
  'rich-text-file': { en: 'rich text (RTF)', zh: 'RTF 文件' },
  'not-a-document': { en: 'no document', zh: '不是文档' },
  'damaged-document': { en: 'damaged document', zh: '文档损坏' },
  'document-too-large': { en: 'document too large', zh: '文档过大' },
  'bomb-inside': { en: 'unpacks to too much', zh: '解压过大' },
  'document-too-slow': { en: 'read too slowly', zh: '读取过慢' },
  'document-out-of-memory': { en: 'out of memory', zh: '内存不足' },
};

/** Thrown by the readers of this room, and caught where a document is asked for; it never leaves the room. */
export class Unreadable extends Error {
  readonly reason: UnreadableReason;

  constructor(reason: UnreadableReason, options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
  }
}

export function whyUnreadable(reason: UnreadableReason): Said {
  const [en, zh] = REASONS[reason];
  return { en, zh };
}

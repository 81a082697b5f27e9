/** What is said of files that no source of a corpus reads. */
import { text } from './language.ts';

const OFFICE = ['doc', 'docx', 'wps', 'rtf', 'odt', 'pdf', 'epub', 'mobi', 'azw3', 'xls', 'xlsx', 'ppt', 'pptx'];

function nameOf(ending: string): string {
  if (ending === 'hidden') return text('hidden', '隐藏文件');
  return ending === 'without ending' ? text(ending, '无扩展名') : ending;
}

/** Files that nothing reads, by kind; of documents of office programs and books it is said what can be done. */
export function unreadLines(unread: Readonly<Record<string, number>> = {}): string[] {
  const kinds = Object.entries(unread).map(([ending, count]) => `${nameOf(ending)} ${count}`);
  if (kinds.length === 0) return [];
  const office = Object.keys(unread).some((ending) => OFFICE.includes(ending));
  return [
    text(
      `  not read: ${kinds.join(', ')}${office ? ' (Word, PDF and EPUB are not read yet: save them as text or HTML)' : ''}`,
      `  未读取：${kinds.join('、')}${office ? '（尚不能读取 Word、PDF、EPUB：请另存为文本或 HTML）' : ''}`,
    ),
  ];
}

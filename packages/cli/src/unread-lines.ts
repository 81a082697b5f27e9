/** What is said of files that no source of a corpus reads. */
import { text } from './language.ts';

const NOT_READ = ['odt', 'ods', 'odp', 'mobi', 'azw3', 'ofd'];

function nameOf(ending: string): string {
  if (ending === 'hidden') return text('hidden', '隐藏文件');
  return ending === 'without ending' ? text(ending, '无扩展名') : ending;
}

/** Files that nothing reads, by kind; of documents of office programs and books it is said what can be done. */
export function unreadLines(unread: Readonly<Record<string, number>> = {}): string[] {
  const kinds = Object.entries(unread).map(([ending, count]) => `${nameOf(ending)} ${count}`);
  if (kinds.length === 0) return [];
  const office = Object.keys(unread).some((ending) => NOT_READ.includes(ending));
  return [
    text(
      `  not read: ${kinds.join(', ')}${office ? ' (save these as .docx, .epub, .pdf or text)' : ''}`,
      `  未读取：${kinds.join('、')}${office ? '（请另存为 .docx、.epub、.pdf 或文本）' : ''}`,
    ),
  ];
}

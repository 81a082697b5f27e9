/** `tunan corpus remove` */
import { readFile } from 'node:fs/promises';
import { defineCommand } from '../command.ts';
import { CommandLineError, UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { staleLine } from '../stale-line.ts';

export default defineCommand({
  positionals: { dir: { help: text('folder of a corpus', '语料目录') } },
  options: {
    id: { type: 'string', value: 'ID', help: text('the document with this id', '该编号的文档') },
    url: {
      type: 'string',
      value: 'URL',
      help: text(
        'documents of this address; with * at its end, of all that begin so',
        '该地址的文档；以 * 结尾表示以此开头的全部地址',
      ),
    },
    list: {
      type: 'string',
      value: 'FILE',
      help: text('a file with one id or address a line', '每行一个编号或地址的文件'),
    },
    tokens: {
      type: 'string',
      value: 'DIR,…',
      help: text('token shards to check, besides DIR/tokens', '除 DIR/tokens 外还要检查的词元分片目录'),
    },
  },
  examples: [
    'tunan corpus remove runs/corpus --url https://example.com/article',
    'tunan corpus remove runs/corpus --list takedown.txt --json',
  ],
  reports: true,
  run: async ({ dir, id, url, list, tokens }) => {
    const { removeDocuments } = await import('@tunan/corpus');
    const listed = list === undefined ? [] : await lines(list);
    const isUrl = (entry: string) => /^https?:\/\//i.test(entry);
    const takeDown = {
      ids: [...(id === undefined ? [] : [id]), ...listed.filter((entry) => !isUrl(entry))],
      urls: [...(url === undefined ? [] : [url]), ...listed.filter(isUrl)],
    };
    if (takeDown.ids.length + takeDown.urls.length === 0) {
      throw new UsageError(text('give --id, --url or --list', '请给出 --id、--url 或 --list'));
    }
    const result = await removeDocuments(dir, takeDown, tokens?.split(',') ?? []);
    const { removed, rejects, staleTokens, manifest } = result;
    return {
      data: { removed, rejects, staleTokens, counts: manifest.counts },
      lines: [
        text(
          `removed ${removed.length} documents and ${rejects} rejects; ${manifest.counts.kept} documents are left`,
          `已移除 ${removed.length} 篇文档与 ${rejects} 条剔除记录，余 ${manifest.counts.kept} 篇`,
        ),
        ...staleTokens.map(staleLine),
      ],
    };
  },
});

async function lines(file: string): Promise<string[]> {
  try {
    const content = await readFile(file, 'utf8');
    return content
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '');
  } catch (cause) {
    const { message } = cause as Error;
    throw new CommandLineError('CLI_INPUT', text(`cannot read ${file}: ${message}`, `无法读取 ${file}：${message}`), {
      cause,
    });
  }
}

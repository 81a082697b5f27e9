/** `tunan corpus extract` */
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';

export default defineCommand({
  positionals: {
    dir: { help: text('folder of pages (.html, .htm, .xhtml, .shtml)', '网页目录（.html、.htm、.xhtml、.shtml）') },
  },
  options: {
    out: {
      type: 'string',
      value: 'OUT',
      required: true,
      help: text('folder of the texts: {name}.txt, UTF-8', '正文的输出目录：{name}.txt，UTF-8 编码'),
    },
    simplified: {
      type: 'boolean',
      help: text('Traditional text in Simplified script (default: as written)', '繁体转为简体（默认保持原样）'),
    },
  },
  examples: ['tunan corpus extract pages --out texts', 'tunan corpus extract pages --out texts --simplified --json'],
  reports: true,
  run: async ({ dir, out, simplified }) => {
    const { extractFolder } = await import('@tunan/corpus');
    const progress = new ProgressLine();
    const result = await extractFolder(dir, {
      out,
      simplified,
      onProgress: (done, total) => progress.show(percent(done, total)),
    });
    progress.end();
    const { pages, written, reasons, encodings } = result;
    const lines = [
      text(
        `${written} of ${pages} pages have a main text${written === 0 ? '' : ` (${list(encodings)})`}`,
        `${pages} 个网页中 ${written} 个有正文${written === 0 ? '' : `（${list(encodings)}）`}`,
      ),
    ];
    if (written < pages) {
      lines.push(
        text(`${pages - written} rejected: ${list(reasons)}`, `${pages - written} 个被拒绝：${list(reasons)}`),
      );
    }
    return { data: { out, ...result }, lines, failed: written === 0 };
  },
});

/** `name count`, most first. */
function list(counts: Record<string, number>): string {
  return Object.entries(counts)
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

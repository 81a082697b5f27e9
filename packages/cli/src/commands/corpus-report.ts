/** `tunan corpus report` */
import path from 'node:path';
import { defineCommand } from '../command.ts';
import { corpusSummary } from '../corpus-summary.ts';
import { text } from '../language.ts';

export default defineCommand({
  positionals: { dir: { help: text('folder of a corpus', '语料目录') } },
  options: {},
  examples: ['tunan corpus report runs/corpus', 'tunan corpus report runs/corpus --json'],
  reports: true,
  run: async ({ dir }) => {
    const { labelOf, openCorpus } = await import('@tunan/corpus');
    const { manifest } = openCorpus(dir);
    const page = path.join(dir, 'report.html');
    return {
      data: manifest,
      lines: [...corpusSummary(manifest, labelOf), text(`with samples: ${page}`, `含样例的报告：${page}`)],
    };
  },
});

/** `tunan corpus train-perplexity` */
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { ProgressLine } from '../progress.ts';

export default defineCommand({
  positionals: {
    reference: {
      help: text('good texts: a corpus, or JSON lines {text}', '优质文本：语料目录，或 JSON 行 {text}'),
    },
  },
  options: {
    out: { type: 'string', value: 'DIR', required: true, help: text('folder of the model', '模型目录') },
    sample: {
      type: 'string',
      value: 'FILE',
      help: text(
        'texts like those that will be sorted; the buckets are their thirds',
        '与待筛选文本同类的样本；三档按其三分位划分',
      ),
    },
    order: { type: 'number', value: 'N', default: 4, help: text('characters of an n-gram', 'n 元组的字数') },
  },
  examples: ['tunan corpus train-perplexity runs/corpus --out runs/perplexity --sample crawl.jsonl'],
  reports: true,
  run: async ({ reference, out, sample, order }) => {
    const { trainPerplexity } = await import('@tunan/corpus');
    const progress = new ProgressLine();
    const result = await trainPerplexity(reference, {
      out,
      order,
      sample,
      onProgress: (documents) => {
        if (documents % 100 === 0) progress.show(`${text('counting', '统计')} ${documents.toLocaleString('en')}`);
      },
    });
    progress.end();
    const { documents, limits, sampled } = result;
    return {
      data: { out, ...result },
      lines: [
        text(`${documents} documents counted`, `已统计 ${documents} 篇文档`),
        text(
          `head up to perplexity ${limits.head.toFixed(1)}, middle up to ${limits.middle.toFixed(1)} (from ${sampled} documents)`,
          `head 困惑度上限 ${limits.head.toFixed(1)}，middle 上限 ${limits.middle.toFixed(1)}（取自 ${sampled} 篇）`,
        ),
      ],
    };
  },
});

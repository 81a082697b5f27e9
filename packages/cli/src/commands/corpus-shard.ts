/** `tunan corpus shard` */
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';

export default defineCommand({
  positionals: { dir: { help: text('folder of a corpus', '语料目录') } },
  options: {
    tokenizer: { type: 'string', value: 'FILE', required: true, help: text('a tokenizer.json', 'tokenizer.json 文件') },
    out: {
      type: 'string',
      value: 'DIR',
      help: text('folder of the shards (default DIR/tokens)', '分片目录（默认为语料目录下的 tokens）'),
    },
    workers: {
      type: 'number',
      value: 'N',
      help: text('threads; the result does not depend on it', '线程数，不影响结果'),
    },
  },
  examples: ['tunan corpus shard runs/corpus --tokenizer runs/tokenizer.json'],
  reports: true,
  run: async ({ dir, tokenizer, out, workers }) => {
    const { labelOf, shardCorpus } = await import('@tunan/corpus');
    const progress = new ProgressLine();
    const { tokens, directory, resumed } = await shardCorpus(dir, {
      tokenizerFile: tokenizer,
      out,
      workers,
      onProgress: ({ done, total }) => progress.show(percent(done, total)),
    });
    progress.end();
    const lines = Object.entries(tokens.splits).map(([name, split]) => {
      const rate = split.tokens === 0 ? undefined : (split.characters / split.tokens).toFixed(3);
      return text(
        `${name}: ${split.documents} documents, ${split.tokens} tokens${rate === undefined ? '' : `, ${rate} characters a token`}`,
        `${labelOf(name).zh}：${split.documents} 篇，${split.tokens} 个词元${rate === undefined ? '' : `，每词元 ${rate} 字`}`,
      );
    });
    const state = resumed ? text('were there already', '此前已建成') : text('written', '已写出');
    return {
      data: { directory, resumed, ...tokens },
      lines: [...lines, text(`${directory}: ${state}`, `${directory}：${state}`)],
    };
  },
});

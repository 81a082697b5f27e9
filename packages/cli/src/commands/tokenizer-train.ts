/** `tunan tokenizer train` */
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';

const stages = {
  sampling: text('reading', '读取'),
  counting: text('counting', '统计'),
  merging: text('merging', '合并'),
} as const;

export default defineCommand({
  positionals: { corpus: { help: text('folder of a corpus; its training split is used', '语料目录；使用其训练集') } },
  options: {
    out: {
      type: 'string',
      value: 'FILE',
      required: true,
      help: text('the tokenizer.json to write', '写出的 tokenizer.json'),
    },
    vocabulary: {
      type: 'number',
      value: 'N',
      default: 8192,
      help: text('tokens, specials and the 256 bytes included', '词表大小，含特殊符号与 256 个字节'),
    },
    'sample-mib': {
      type: 'number',
      value: 'N',
      default: 64,
      help: text('text to train on at most, in MiB', '训练文本上限（MiB）'),
    },
    seed: { type: 'number', value: 'N', default: 1, help: text('of the sample, where the text is larger', '抽样种子') },
  },
  examples: ['tunan tokenizer train runs/corpus --vocabulary 8192 --out runs/tokenizer.json'],
  reports: true,
  run: async ({ corpus, out, vocabulary, 'sample-mib': sampleMib, seed }) => {
    const [{ openCorpus }, { Tokenizer, trainBpe }] = await Promise.all([
      import('@tunan/corpus'),
      import('@tunan/tokenizer'),
    ]);
    const progress = new ProgressLine();
    const file = await trainBpe(textsOf(openCorpus(corpus).documents('train')), {
      vocabularySize: vocabulary,
      sampleBytes: sampleMib * 2 ** 20,
      seed,
      onProgress: ({ stage, done, total }) =>
        progress.show(`${stages[stage]} ${total === undefined ? done : percent(done, total)}`),
    });
    progress.end();
    const tokenizer = Tokenizer.fromFile(file);
    tokenizer.save(out);
    const data = { file: out, vocabularySize: tokenizer.vocabularySize, preTokenizer: tokenizer.preTokenizer };
    return { data, lines: [text(`${out}: ${vocabulary} tokens`, `${out}：${vocabulary} 个词元`)] };
  },
});

async function* textsOf(documents: AsyncIterable<{ readonly text: string }>): AsyncGenerator<string> {
  for await (const document of documents) yield document.text;
}

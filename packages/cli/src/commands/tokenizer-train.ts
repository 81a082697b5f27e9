/** `tunan tokenizer train` */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';
import { TOKENIZER_STAGES } from '../stage-names.ts';

export default defineCommand({
  positionals: {
    corpus: {
      help: text(
        'folder of a corpus, of which the training split is used; or a file or folder of text, JSON lines, CSV …',
        '语料目录（使用其训练集），或文本、JSON 行、CSV 等文件或目录',
      ),
    },
  },
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
  examples: [
    'tunan tokenizer train runs/corpus --vocabulary 8192 --out runs/tokenizer.json',
    'tunan tokenizer train my-texts --vocabulary 4096 --out runs/tokenizer.json',
  ],
  reports: true,
  run: async ({ corpus, out, vocabulary, 'sample-mib': sampleMib, seed }) => {
    const [{ openCorpus, ownTexts }, { Tokenizer, trainBpe }] = await Promise.all([
      import('@tunan/corpus'),
      import('@tunan/tokenizer'),
    ]);
    const progress = new ProgressLine();
    const isCorpus = existsSync(path.join(corpus, 'manifest.json'));
    const size = { characters: 0 };
    const texts = isCorpus ? textsOf(openCorpus(corpus).documents('train')) : ownTexts([corpus]);
    const file = await trainBpe(measured(texts, size), {
      vocabularySize: vocabulary,
      sampleBytes: sampleMib * 2 ** 20,
      seed,
      onProgress: ({ stage, done, total }) =>
        progress.show(`${TOKENIZER_STAGES[stage]} ${total === undefined ? done : percent(done, total)}`),
    });
    progress.end();
    const tokenizer = Tokenizer.fromFile(file);
    tokenizer.save(out);
    const data = { file: out, vocabularySize: tokenizer.vocabularySize, preTokenizer: tokenizer.preTokenizer };
    const lines = [
      text(`${out}: ${vocabulary} tokens`, `${out}：${vocabulary} 个词元`),
      ...tooMany(vocabulary, size.characters),
    ];
    return { data, lines };
  },
});

/** With fewer characters for each token most tokens are pieces of single passages, which other text does not have. */
const LEAST_CHARACTERS_A_TOKEN = 100;
const LEAST_VOCABULARY = 512;

function tooMany(vocabulary: number, characters: number): string[] {
  if (characters >= LEAST_CHARACTERS_A_TOKEN * vocabulary) return [];
  const fitting = 2 ** Math.floor(Math.log2(Math.max(LEAST_VOCABULARY, characters / LEAST_CHARACTERS_A_TOKEN)));
  if (fitting >= vocabulary) return [];
  const seen = characters.toLocaleString('en');
  return [
    text(
      `warning: ${vocabulary} tokens are many for ${seen} characters: most stand for passages of this text alone; try --vocabulary ${fitting}, or give more text`,
      `警告：${vocabulary} 个词元对 ${seen} 字的文本偏多，其中多数只适用于这些文本；可试 --vocabulary ${fitting}，或提供更多文本`,
    ),
  ];
}

async function* measured(texts: AsyncIterable<string>, size: { characters: number }): AsyncGenerator<string> {
  for await (const one of texts) {
    size.characters += one.length;
    yield one;
  }
}

async function* textsOf(documents: AsyncIterable<{ readonly text: string }>): AsyncGenerator<string> {
  for await (const document of documents) yield document.text;
}

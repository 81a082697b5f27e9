/** `tunan model tokenizer` */
import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';
import { TOKENIZER_STAGES } from '../stage-names.ts';

/** Of a tokenizer, beside tokenizer.json. */
const BESIDE = ['tokenizer_config.json', 'chat_template.jinja'];

export default defineCommand({
  positionals: { model: { help: text('model directory', '模型目录') } },
  options: {
    extend: {
      type: 'string',
      value: 'PLACE',
      help: text(
        'add tokens that these texts need: a corpus directory or text file',
        '按这些文本增加词元：语料目录或文本文件',
      ),
    },
    tokens: {
      type: 'number',
      value: 'N',
      help: text('with --extend: how many (500)', '与 --extend 一起：增加的数目（500）'),
    },
    exchange: {
      type: 'string',
      value: 'TOKENIZER',
      help: text('take this tokenizer.json, or that of this directory', '改用此 tokenizer.json，或此目录中的'),
    },
    out: { type: 'string', value: 'DIR', required: true, help: text('model directory to write', '写出的模型目录') },
    measure: {
      type: 'string',
      value: 'PLACE',
      help: text(
        'text for bits per character before and after (that of --extend)',
        '测量前后每字比特数所用的文本（缺省为 --extend 的文本）',
      ),
    },
    limit: {
      type: 'number',
      value: 'N',
      default: 200,
      help: text('documents to measure on, the first N', '测量所用的文档数，取前 N 篇'),
    },
  },
  examples: [
    'tunan model tokenizer runs/base --extend manuals.txt --tokens 500 --out runs/base-more',
    'tunan model tokenizer runs/base --exchange other/tokenizer.json --measure manuals.txt --out runs/base-other',
  ],
  reports: true,
  run: async ({ model, extend, exchange, tokens, out, measure = extend, limit }) => {
    if ((extend === undefined) === (exchange === undefined))
      throw new UsageError(text('give one of --extend and --exchange', '--extend 与 --exchange 须给出其一'));
    if (exchange !== undefined && tokens !== undefined)
      throw new UsageError(text('--tokens goes with --extend', '--tokens 须与 --extend 一起使用'));
    if (path.resolve(model) === path.resolve(out))
      throw new UsageError(
        text('--out is the model itself: give another directory', '--out 就是该模型本身：请换一个目录'),
      );
    const { readDocuments } = await import('../evaluation/read-documents.ts');
    const { Tokenizer, vocabularyPieces } = await import('@tunan/tokenizer');
    const { exchangeVocabulary, LanguageModel } = await import('@tunan/model');
    const old = Tokenizer.load(model);
    const measured = measure === undefined ? undefined : await readDocuments(measure, 'validation', limit);
    const aside = mkdtempSync(path.join(tmpdir(), 'tunan-tokenizer-'));
    try {
      const file =
        exchange === undefined ? await extended(old, model, extend!, tokens ?? 500, aside) : fileOf(exchange);
      const next = Tokenizer.load(file);
      const pieces = vocabularyPieces(old, next);
      const config = exchangeVocabulary(model, out, {
        pieces,
        oldSize: old.vocabularySize,
        tokenizerFile: file,
        endOfDocumentId: next.eod,
      });
      const loss = measured && (await bits(LanguageModel, model, out, [old, next], measured));
      const kept = pieces.filter((from) => from.length === 1).length;
      const sizes = { before: old.vocabularySize, after: next.vocabularySize, kept, rows: config.vocabularySize };
      return {
        data: { directory: out, ...sizes, loss },
        lines: [
          text(
            `${out}: ${sizes.after} tokens (${sizes.before} before), ${kept} of them with the embedding that they had, the others with the mean of their pieces`,
            `${out}：${sizes.after} 个词元（原 ${sizes.before}），其中 ${kept} 个沿用原嵌入，其余取其各部分嵌入的平均`,
          ),
          ...(loss === undefined ? [] : lossLines(loss)),
        ],
      };
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
  },
});

async function extended(
  old: import('@tunan/tokenizer').Tokenizer,
  model: string,
  place: string,
  tokens: number,
  aside: string,
): Promise<string> {
  const { readDocuments } = await import('../evaluation/read-documents.ts');
  const { extendTokenizer, Tokenizer } = await import('@tunan/tokenizer');
  const progress = new ProgressLine();
  const content = await extendTokenizer(old, await readDocuments(place, 'train'), {
    tokens,
    onProgress: ({ stage, done, total }) =>
      progress.show(
        total === undefined ? TOKENIZER_STAGES[stage] : `${TOKENIZER_STAGES[stage]} ${percent(done, total)}`,
      ),
  });
  progress.end();
  for (const name of BESIDE.filter((one) => existsSync(path.join(model, one))))
    cpSync(path.join(model, name), path.join(aside, name));
  const file = path.join(aside, 'tokenizer.json');
  Tokenizer.fromFile(content).save(file);
  return file;
}

function fileOf(place: string): string {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() ? path.join(place, 'tokenizer.json') : place;
}

interface Bits {
  readonly bitsPerCharacter: number;
  readonly tokens: number;
}

async function bits(
  { load }: typeof import('@tunan/model').LanguageModel,
  before: string,
  after: string,
  tokenizers: readonly [import('@tunan/tokenizer').Tokenizer, import('@tunan/tokenizer').Tokenizer],
  documents: readonly string[],
): Promise<{ readonly before: Bits; readonly after: Bits }> {
  const { evaluateBitsPerCharacter } = await import('@tunan/evaluation');
  const of = async (directory: string, place: 0 | 1): Promise<Bits> => {
    using model = load(directory);
    const { bitsPerCharacter, tokens } = await evaluateBitsPerCharacter(model, tokenizers[place], documents);
    return { bitsPerCharacter, tokens };
  };
  return { before: await of(before, 0), after: await of(after, 1) };
}

function lossLines({ before, after }: { readonly before: Bits; readonly after: Bits }): string[] {
  const [was, is] = [before, after].map((one) => one.bitsPerCharacter.toFixed(3));
  return [
    text(
      `bits per character: ${was} before, ${is} now; tokens of the same text: ${before.tokens} and ${after.tokens}`,
      `每字比特数：此前 ${was}，现在 ${is}；同一文本的词元数：${before.tokens} 与 ${after.tokens}`,
    ),
    text(
      'the new tokens have yet to be learnt: train on such text (tunan train tune with {"text": …}, or train run --from)',
      '新词元尚待学习：请用此类文本训练（tunan train tune 的 {"text": …}，或 train run --from）',
    ),
  ];
}

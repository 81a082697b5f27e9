/** The suite `perplexity`: what a model needs for a corpus, a token, a character and a byte. */
import path from 'node:path';
import type { ModelBits } from '@tunan/evaluation';
import { makeFolder, writeWhole } from '@tunan/files';
import type { Report } from '../command.ts';
import { text } from '../language.ts';
import { loadModel } from '../model-options.ts';
import { ProgressLine, percent } from '../progress.ts';
import { alignedTable } from '../table.ts';
import { readDocuments } from './read-documents.ts';

const FILE = 'perplexity.json';

export async function measurePerplexity(options: {
  readonly model: string;
  readonly corpus: string;
  readonly split: string;
  readonly limit: number | undefined;
  readonly out: string | undefined;
  readonly device: string;
  readonly dtype: string;
}): Promise<Report> {
  const { split, limit, out, corpus } = options;
  const documents = await readDocuments(corpus, split, limit);
  const { evaluateBitsPerCharacter, modelIdentity } = await import('@tunan/evaluation');
  const { model, tokenizer } = await loadModel(options.model, options);
  const progress = new ProgressLine();
  const bits = await evaluateBitsPerCharacter(model, tokenizer, documents, {
    onProgress: (done, total) => progress.show(percent(done, total)),
  });
  progress.end();
  const data = { suite: 'perplexity', split, documents: documents.length, ...bits };
  const lines = table(documents.length, bits);
  if (out === undefined) return { data, lines };
  const identity = modelIdentity(options.model, `${model.dtype} ${options.device}`);
  const named = { name: path.basename(path.resolve(options.model)), identity };
  const file = writeBits(out, { ...data, corpus, limit, model: named });
  return { data: { ...data, out: file }, lines: [...lines, '', text(`results: ${file}`, `结果：${file}`)] };
}

/** @returns the file that was written */
export function writeBits(out: string, content: object): string {
  makeFolder(out);
  const file = path.join(out, FILE);
  writeWhole(file, `${JSON.stringify(content, undefined, 2)}\n`);
  return file;
}

function table(documents: number, bits: ModelBits): string[] {
  const number = (value: number | undefined) => (value === undefined ? '—' : value.toFixed(4));
  const count = (value: number) => value.toLocaleString('en');
  const rows: [string, string][] = [
    [text('bits per character', '每字比特数'), number(bits.bitsPerCharacter)],
    [text('bits per Chinese character', '每汉字比特数'), number(bits.chineseBitsPerCharacter)],
    [text('bits per byte', '每字节比特数'), number(bits.bitsPerByte)],
    [text('nats per token', '每词元奈特数'), number(bits.natsPerToken)],
    [text('perplexity, of a token', '困惑度（词元）'), number(bits.perplexity)],
    [text('perplexity, of a character', '困惑度（字）'), number(bits.characterPerplexity)],
    [text('perplexity, of a byte', '困惑度（字节）'), number(bits.bytePerplexity)],
    [text('documents', '文档数'), count(documents)],
    [text('characters, an end a document included', '字数（含每篇的结束）'), count(bits.characters)],
    [text('Chinese characters', '汉字数'), count(bits.chineseCharacters)],
    [text('tokens, an end a document included', '词元数（含每篇的结束）'), count(bits.tokens)],
    [text('bytes', '字节数'), count(bits.bytes)],
  ];
  return alignedTable([text('measure', '指标'), text('value', '数值')], rows);
}

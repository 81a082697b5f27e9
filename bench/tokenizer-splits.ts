/**
 * Which pre-tokenization to train Chinese vocabularies with: characters per token on texts kept apart, distinct words
 * (what the trainer must hold), the longest tokens, the training time, and broken prompts: of texts cut behind a
 * punctuation mark, the share whose ids are not the beginning of the whole text's ids. A model never saw such a
 * beginning in training, and prompts ("答：") end just there.
 *
 *   node bench/tokenizer-splits.ts [--corpora DIR] [--megabytes N] [--sizes 8000,50000] [--only NAME,…] [--data poems|corpora] [--json]
 *
 * Poems come from the npm package chinese-poetry; --corpora takes a folder of zstd JSON lines with a field `text`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { preTokenizerNames, Tokenizer, type TrainingOptions, trainBpe } from '@tunan/tokenizer';

const { values: options } = parseArgs({
  options: {
    corpora: { type: 'string' },
    megabytes: { type: 'string', default: '24' },
    sizes: { type: 'string', default: '8000,50000' },
    only: { type: 'string' },
    data: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

type Split = NonNullable<TrainingOptions['preTokenizer']>;
const deepseek = (run: string): Split => ({
  patterns: [
    '\\p{N}{1,3}',
    run,
    '[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
  ],
});

/** Splits that llama.cpp knows, then one that it does not, for comparison. */
const candidates: Record<string, Split> = {
  ...Object.fromEntries(preTokenizerNames.map((name) => [name, name])),
  bloom: { patterns: [' ?[^(\\s|\\.,!?…。，、।۔،)]+'] },
  'runs of up to 4 (not in llama.cpp)': deepseek('[一-龥]{1,4}'),
};

function poems(): string[] {
  const root = path.join(path.dirname(createRequire(import.meta.url).resolve('chinese-poetry/package.json')), 'dist');
  const texts: string[] = [];
  for (const folder of ['quantangshi', 'songci', 'yuanqu']) {
    for (const name of readdirSync(path.join(root, folder)).sort()) {
      if (!/^(poet|ci|yuanqu)\..*json$/.test(name)) continue;
      const file: { title?: string; rhythmic?: string; paragraphs?: string[] }[] = JSON.parse(
        readFileSync(path.join(root, folder, name), 'utf8'),
      );
      for (const { title, rhythmic, paragraphs } of file) {
        if (paragraphs?.length) texts.push(`${title ?? rhythmic ?? ''}\n${paragraphs.join('\n')}`);
      }
    }
  }
  return texts;
}

function corpora(folder: string): string[] {
  const texts: string[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.jsonl.zst')) continue;
    const lines = zstdDecompressSync(readFileSync(path.join(folder, name)))
      .toString('utf8')
      .split('\n');
    for (const line of lines) if (line !== '') texts.push((JSON.parse(line) as { text: string }).text);
  }
  return texts;
}

interface Row {
  data: string;
  split: string;
  vocabulary: number;
  charactersPerToken: number;
  distinctWords: number;
  /** Tokens of more than eight characters. */
  longTokens: number;
  /** Share of prompts, in percent. */
  brokenPrompts: number;
  seconds: number;
}

function brokenPrompts(tokenizer: Tokenizer, texts: readonly string[]): number {
  let broken = 0;
  let prompts = 0;
  for (const text of texts.slice(0, 4000)) {
    const start = text.slice(0, 400);
    const whole = tokenizer.encode(start);
    for (const { index } of start.matchAll(/(?<=\p{P})(?=\p{Script=Han})/gu)) {
      const ids = tokenizer.encode(start.slice(0, index));
      prompts++;
      if (ids.some((id, i) => id !== whole[i])) broken++;
    }
  }
  return (100 * broken) / prompts;
}

async function measure(data: string, texts: string[], split: string, vocabularySize: number): Promise<Row> {
  const held = texts.filter((_, i) => i % 25 === 0);
  const train = texts.filter((_, i) => i % 25 !== 0);
  let distinctWords = 0;
  const start = performance.now();
  const file = await trainBpe(train, {
    vocabularySize,
    preTokenizer: candidates[split]!,
    sampleBytes: Number(options.megabytes) << 20,
    onProgress: (progress) => {
      distinctWords = progress.distinctWords ?? distinctWords;
    },
  });
  const seconds = (performance.now() - start) / 1000;
  const tokenizer = Tokenizer.fromFile(file);
  let characters = 0;
  let tokens = 0;
  for (const text of held) {
    for (const _ of text) characters++;
    tokens += tokenizer.encode(text).length;
  }
  let longTokens = 0;
  for (let id = 5; id < tokenizer.vocabularySize; id++) {
    if (Buffer.from(tokenizer.tokenBytes(id)).toString().length > 8) longTokens++;
  }
  return {
    data,
    split,
    vocabulary: vocabularySize,
    charactersPerToken: Number((characters / tokens).toFixed(4)),
    distinctWords,
    longTokens,
    brokenPrompts: Number(brokenPrompts(tokenizer, held).toFixed(1)),
    seconds: Number(seconds.toFixed(1)),
  };
}

const sources: [string, string[]][] = [['poems', poems()]];
if (options.corpora) sources.push(['corpora', corpora(options.corpora)]);
const rows: Row[] = [];
for (const [data, texts] of sources) {
  if (options.data && data !== options.data) continue;
  for (const vocabulary of options.sizes.split(',').map(Number)) {
    for (const split of Object.keys(candidates)) {
      if (options.only && !options.only.split(',').includes(split)) continue;
      const row = await measure(data, texts, split, vocabulary);
      rows.push(row);
      if (!options.json) {
        const { charactersPerToken, distinctWords, longTokens, seconds } = row;
        const broken = `${row.brokenPrompts.toFixed(1).padStart(5)} % broken prompts`;
        console.log(
          `${data.padEnd(8)} ${String(vocabulary).padStart(6)} ${split.padEnd(38)} ${charactersPerToken.toFixed(3)} characters/token ` +
            `${String(distinctWords).padStart(8)} words ${String(longTokens).padStart(5)} long tokens ${broken} ${seconds.toFixed(1).padStart(6)} s`,
        );
      }
    }
  }
}
if (options.json) console.log(JSON.stringify(rows, undefined, 2));

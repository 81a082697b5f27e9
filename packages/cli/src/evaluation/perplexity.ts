/** The suite `perplexity`: what a model needs for a corpus, a token, a character and a byte. */
import { readFileSync } from 'node:fs';
import type { Report } from '../command.ts';
import { CommandLineError, UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { loadModel } from '../model-options.ts';
import { ProgressLine, percent } from '../progress.ts';
import { StopSignal } from '../stop-signal.ts';

const splits = ['validation', 'test', 'train'] as const;
type SplitName = (typeof splits)[number];

export async function measurePerplexity(options: {
  readonly model: string;
  readonly corpus: string;
  readonly split: string;
  readonly limit: number | undefined;
  readonly device: string;
  readonly dtype: string;
}): Promise<Report> {
  const { split, limit } = options;
  const documents = await readDocuments(options.corpus, split, limit);
  const { evaluateBitsPerCharacter } = await import('@tunan/evaluation');
  const { model, tokenizer } = await loadModel(options.model, options);
  const progress = new ProgressLine();
  using stop = new StopSignal();
  const bits = await evaluateBitsPerCharacter(model, tokenizer, documents, {
    onProgress: (done, total) => progress.show(percent(done, total)),
    signal: stop.signal,
  });
  progress.end();
  return {
    data: { suite: 'perplexity', split, documents: documents.length, ...bits },
    lines: Object.entries(bits).map(([name, value]) => `${name}: ${value}`),
  };
}

/**
 * Documents of a corpus directory, of JSON lines with a `text` each, or one text file.
 * @throws UsageError, CommandLineError
 */
export async function readDocuments(place: string, split: string, limit = Number.POSITIVE_INFINITY): Promise<string[]> {
  if (place.endsWith('.jsonl')) return readTextLines(place).slice(0, limit);
  if (place.endsWith('.txt')) return [readFileSync(place, 'utf8')];
  const { openCorpus } = await import('@tunan/corpus');
  const texts: string[] = [];
  for await (const document of openCorpus(place).documents(readSplit(split))) {
    if (texts.length >= limit) break;
    texts.push(document.text);
  }
  return texts;
}

function readTextLines(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, i) => (line === '' ? [] : [readText(line, `${file}:${i + 1}`)]));
}

function readText(line: string, place: string): string {
  try {
    const { text: found } = JSON.parse(line) as { text?: unknown };
    if (typeof found === 'string') return found;
  } catch (cause) {
    throw new CommandLineError('CLI_DAMAGED', text(`${place}: not JSON`, `${place}：不是 JSON`), { cause });
  }
  throw new CommandLineError('CLI_DAMAGED', text(`${place}: no "text"`, `${place}：缺少 "text"`));
}

function readSplit(name: string): SplitName {
  const split = splits.find((known) => known === name);
  if (split === undefined)
    throw new UsageError(text(`--split is one of ${splits.join(', ')}`, `--split 应为 ${splits.join('、')} 之一`));
  return split;
}

/** Documents to evaluate on: of a corpus directory, of JSON lines, or one text file, in whatever charset. */
import { readFileSync, statSync } from 'node:fs';
import { systemProblem } from '@tunan/protocol/mistakes';
import { CommandLineError, UsageError } from '../errors.ts';
import { spoken, text } from '../language.ts';

const splits = ['validation', 'test', 'train'] as const;
type SplitName = (typeof splits)[number];

const LINES = /\.(jsonl|ndjson)$/i;
const TEXT = /\.(txt|text|md|markdown)$/i;

/**
 * @param limit documents at most
 * @throws UsageError, CommandLineError
 */
export async function readDocuments(place: string, split: string, limit = Number.POSITIVE_INFINITY): Promise<string[]> {
  if (!(limit >= 1 && (Number.isInteger(limit) || limit === Number.POSITIVE_INFINITY))) {
    throw new UsageError(text('--limit is a whole number, at least 1', '--limit 应为整数，至少为 1'));
  }
  if (isFile(place)) {
    if (LINES.test(place)) return (await readTextLines(place)).slice(0, limit);
    if (TEXT.test(place)) return [await readText(place)];
    throw new UsageError(
      text(
        `${place}: give a corpus directory, JSON lines (.jsonl) with a "text" each, or a text file (.txt, .md)`,
        `${place}：请给出语料目录、每行含 "text" 的 .jsonl 文件，或文本文件（.txt、.md）`,
      ),
    );
  }
  const { openCorpus } = await import('@tunan/corpus');
  const texts: string[] = [];
  for await (const document of openCorpus(place).documents(readSplit(split))) {
    if (texts.length >= limit) break;
    texts.push(document.text);
  }
  return texts;
}

function isFile(place: string): boolean {
  try {
    return statSync(place).isFile();
  } catch (cause) {
    throw unreadable(place, cause);
  }
}

/** The bytes decide on the charset; one that is not UTF-8 is told. */
async function readText(file: string): Promise<string> {
  const { AUTO_ENCODING, decodeWhole } = await import('@tunan/corpus');
  const decoded = decodeWhole(readBytes(file), AUTO_ENCODING);
  if ('damaged' in decoded && decoded.damaged === 'empty') {
    throw new CommandLineError('CLI_DAMAGED', text(`${file}: the file is empty`, `${file}：文件是空的`));
  }
  if ('damaged' in decoded) {
    throw new CommandLineError(
      'CLI_DAMAGED',
      text(
        `${file}: no text, or in a charset that cannot be detected; save it as UTF-8`,
        `${file}：不是文本，或编码无法识别；请存为 UTF-8`,
      ),
    );
  }
  const { text: content, encoding } = decoded;
  if (encoding !== 'utf-8')
    process.stderr.write(`${text(`${file}: read as ${encoding}`, `${file}：按 ${encoding} 读取`)}\n`);
  return content.replace(/^\ufeff/, '');
}

async function readTextLines(file: string): Promise<string[]> {
  const lines = (await readText(file)).split('\n');
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [readLine(line, `${file}:${i + 1}`)]));
}

function readLine(line: string, place: string): string {
  let value: { text?: unknown } | null;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new CommandLineError(
      'CLI_DAMAGED',
      text(`${place}: not JSON; fix or remove the line`, `${place}：不是 JSON；请修正或删去这一行`),
      { cause },
    );
  }
  if (typeof value?.text === 'string') return value.text;
  throw new CommandLineError(
    'CLI_DAMAGED',
    text(
      `${place}: the field text is missing or no text; fix or remove the line`,
      `${place}：字段 text 缺失或不是文本；请修正或删去这一行`,
    ),
  );
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(place: string, cause: unknown): CommandLineError {
  const { message } = cause as Error;
  const why = spoken(systemProblem(cause) ?? { en: message, zh: message });
  return new CommandLineError('CLI_INPUT', text(`cannot read ${place}: ${why}`, `无法读取 ${place}：${why}`), {
    cause,
  });
}

function readSplit(name: string): SplitName {
  const split = splits.find((known) => known === name);
  if (split !== undefined) return split;
  throw new UsageError(text(`--split is one of ${splits.join(', ')}`, `--split 应为 ${splits.join('、')} 之一`));
}

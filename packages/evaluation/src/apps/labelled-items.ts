/** The public sets by which applications are judged, as inputs and answers. None of them is part of this program. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { split } from '@tunan/applications';
import type { App, AppMeasure } from '@tunan/protocol';
import { z } from 'zod';
import { EvaluationError } from '../errors.ts';
import { seededRandom, shuffledIndices } from '../random.ts';
import { csl } from '../tasks/csl.ts';
import { eprstmt } from '../tasks/eprstmt.ts';
import { lineReader } from '../tasks/line-reader.ts';
import type { Task } from '../tasks/task.ts';
import { readTaskData } from '../tasks/task-data.ts';
import { tnews } from '../tasks/tnews.ts';
import { formInputs } from './form-inputs.ts';

export interface LabelledItem {
  readonly inputs: Readonly<Record<string, string>>;
  /** What the answer is held against; undefined where its form alone is judged. */
  readonly gold: string | undefined;
}

export interface ItemOptions {
  /** Folder that has `fewclue/` or the folders of its tasks, and `classical-modern-pairs.jsonl(.zst)`, there or in `corpora/`. */
  readonly data: string | undefined;
  /** Most items. */
  readonly items: number;
  readonly seed: number;
}

/** Drawn by the seed. @throws EvaluationError EVALUATION_MISSING_DATA, EVALUATION_BAD_DATA */
export function labelledItems(app: App, measure: AppMeasure, { data, items, seed }: ItemOptions): LabelledItem[] {
  if (measure === 'form') return formInputs(app, items).map((inputs) => ({ inputs, gold: undefined }));
  if (data === undefined) throw missing(app.name, measure);
  const pairs = READERS[measure](data);
  const first = app.inputs[0]!;
  const rest = Object.fromEntries(
    app.inputs.slice(1).flatMap(({ name, choices, default: fallback }) => [[name, fallback ?? choices?.[0] ?? '']]),
  );
  return shuffledIndices(pairs.length, seededRandom(seed))
    .map((place) => pairs[place]!)
    .filter(({ input }) => Array.from(input).length <= first.most)
    .slice(0, items)
    .map(({ input, gold }) => ({ inputs: { ...rest, [first.name]: first.lines === 1 ? flat(input) : input }, gold }));
}

interface Pair {
  readonly input: string;
  readonly gold: string;
}

/** How labels are said in an application's answers. */
const SENTIMENTS: Readonly<Record<string, string>> = { Positive: '正面', Negative: '负面' };

/** TNEWS with the keywords of a news item, of which its headline is to be made. */
const headlines: Task = {
  ...tnews,
  read: lineReader(
    z.object({ id: z.union([z.int(), z.string()]), sentence: z.string().min(1), keywords: z.string() }),
    ({ id, sentence, keywords }) => ({ id, fields: { keywords, sentence }, gold: undefined }),
  ),
};

const READERS: Readonly<Record<Exclude<AppMeasure, 'form'>, (data: string) => Pair[]>> = {
  eprstmt: (data) =>
    clue(eprstmt, data).map(({ fields, gold }) => ({ input: fields.sentence!, gold: SENTIMENTS[gold!]! })),
  // Of the others one keyword is false.
  csl: (data) =>
    clue(csl, data)
      .filter(({ gold }) => gold === '1')
      .map(({ fields }) => ({ input: fields.abst!, gold: fields.keywords! })),
  tnews: (data) =>
    clue(headlines, data)
      .map(({ fields }) => ({ input: split(fields.keywords!, ',，').join('，'), gold: fields.sentence! }))
      .filter(({ input }) => input !== ''),
  classical: (data) => classicalPairs(data),
};

const clue = (task: Task, data: string) => {
  const inside = path.join(data, 'fewclue');
  return readTaskData(task, existsSync(inside) ? inside : data, 'test_public');
};

/** Longer ones are whole paragraphs, of which a small context has no room. */
const LONGEST_PAIR = 120;

function classicalPairs(data: string): Pair[] {
  const names = ['classical-modern-pairs.jsonl', 'classical-modern-pairs.jsonl.zst'];
  const places = [data, path.join(data, 'corpora')].flatMap((folder) => names.map((name) => path.join(folder, name)));
  const file = places.find((place) => existsSync(place));
  if (file === undefined) {
    throw new EvaluationError('EVALUATION_MISSING_DATA', {
      en: `${data} has no ${names[0]}, in it or in corpora/: JSON lines whose text has 古文：… and 现代文：… (github.com/NiuTrans/Classical-Modern)`,
      zh: `${data} 及其 corpora/ 中没有 ${names[0]}：每行一个 JSON，其 text 含“古文：…”与“现代文：…”（github.com/NiuTrans/Classical-Modern）`,
    });
  }
  const bytes = readFileSync(file);
  const text = (file.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString('utf8');
  return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : pairsOf(line, file)));
}

function pairsOf(line: string, file: string): Pair[] {
  let value: unknown;
  try {
    value = (JSON.parse(line) as { text?: unknown }).text;
  } catch {
    value = undefined;
  }
  if (typeof value !== 'string') {
    throw new EvaluationError('EVALUATION_BAD_DATA', {
      en: `${file}: a line is no JSON with a text; fetch the data again`,
      zh: `${file}：有一行不是含 text 的 JSON；请重新获取数据`,
    });
  }
  const found = [...value.matchAll(/^古文：(.+)\n现代文：(.+)$/gm)].map(([, input, gold]) => ({
    input: input!,
    gold: gold!,
  }));
  return found.filter(({ input, gold }) => Array.from(input + gold).length <= LONGEST_PAIR);
}

const flat = (text: string): string => text.replace(/\s*\n\s*/g, ' ');

function missing(app: string, measure: AppMeasure): EvaluationError {
  return new EvaluationError('EVALUATION_MISSING_DATA', {
    en: `${app} is measured on ${measure}, which is not part of this program: give the folder that has it with --data DIR`,
    zh: `${app} 以 ${measure} 衡量，本程序不含该数据：请用 --data DIR 给出其所在目录`,
  });
}

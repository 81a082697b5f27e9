/**
 * Examples that tunan-tiny's adapters learn from, one pair of files a task: NAME.train.jsonl of the train splits of both corpora,
 * NAME.test.jsonl of what no base was trained on (validation and test). Prompts are those of the gallery's applications, in every second example of training with the
 * application's own examples in front, as a run has them. `tunan train tune` reads the files.
 *
 *   npm run tunan-tiny:tuning -- --prose data/tunan-tiny/prose --poems data/tunan-tiny/poems --out data/tunan-tiny/tuning
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { promptText, readApp } from '@tunan/applications';
import { openCorpus } from '@tunan/corpus';
import { makeFolder, writeWhole } from '@tunan/files';
import type { App } from '@tunan/protocol';

/** A question in the form of an application's input, or a prompt of its own, and its answer. */
interface Example {
  readonly input?: string;
  readonly prompt?: string;
  readonly completion: string;
}

interface Task {
  /** The application whose prompt is taken. */
  readonly app: string;
  readonly corpus: 'prose' | 'poems';
  examplesOf(text: string, collection: string): Example[];
}

/** Of a task at most: an hour of tuning on an old machine. */
const MOST = { train: 20_000, test: 400 };
const FIELD: Readonly<Record<string, string>> = {
  poem: 'theme',
  couplet: 'upper',
  'classical-modern': 'text',
  dialogue: 'message',
  title: 'content',
};

const TASKS: Readonly<Record<string, Task>> = {
  poems: { app: 'poem', corpus: 'poems', examplesOf: quatrain },
  couplets: { app: 'couplet', corpus: 'poems', examplesOf: middleCouplets },
  riddles: { app: 'couplet', corpus: 'prose', examplesOf: riddle },
  'classical-modern': { app: 'classical-modern', corpus: 'prose', examplesOf: translations },
  dialogue: { app: 'dialogue', corpus: 'prose', examplesOf: exchanges },
  titles: { app: 'title', corpus: 'prose', examplesOf: titleOf },
};

/** Lines of verse: «a，b。» with as many characters on both sides. */
function versesOf(lines: readonly string[]): [string, string][] | undefined {
  const pairs = lines.map((line) => /^(\p{Script=Han}{5}|\p{Script=Han}{7})，(\p{Script=Han}+)。$/u.exec(line));
  if (pairs.some((pair) => pair === null || pair[1]!.length !== pair[2]!.length)) return undefined;
  return pairs.map((pair) => [pair![1]!, pair![2]!]);
}

/** A poem of four lines to its title, where the title is a theme: short, and no number of a series behind it. */
function quatrain(text: string): Example[] {
  const [title = '', ...lines] = text.split('\n');
  if (lines.length !== 2 || versesOf(lines) === undefined || !/^\p{Script=Han}{2,6}$/u.test(title)) return [];
  return [{ input: title, completion: lines.join('') }];
}

/** The two couplets that must be parallel in a poem of eight lines. */
function middleCouplets(text: string): Example[] {
  const pairs = versesOf(text.split('\n').slice(1));
  if (pairs?.length !== 4) return [];
  return pairs.slice(1, 3).map(([upper, lower]) => ({ input: upper, completion: lower }));
}

function riddle(text: string, collection: string): Example[] {
  const [first, answer] = text.split('\n');
  // The first of several, without its explanation.
  const completion = answer?.split(/[；（]/)[0] ?? '';
  return collection === 'riddles' && completion !== '' ? [{ prompt: `歇后语：${first}——\n答：`, completion }] : [];
}

function translations(text: string, collection: string): Example[] {
  if (collection !== 'classical-modern-pairs') return [];
  return [...text.matchAll(/古文：(.+)\n现代文：(.+)/gu)].map(([, classical, modern]) => ({
    input: classical!,
    completion: modern!,
  }));
}

function exchanges(text: string, collection: string): Example[] {
  if (!collection.startsWith('dialogue')) return [];
  const turns = text.split('\n');
  return turns.slice(1).map((answer, at) => ({ input: turns[at]!, completion: `${answer}”` }));
}

/** A document's first line is its title where it is short and no sentence. */
function titleOf(text: string): Example[] {
  const [title = '', ...lines] = text.split('\n');
  const body = lines.join('').slice(0, 200);
  if (
    !/^[\p{Script=Han}\p{L}\p{N} ·《》（）]{4,30}$/u.test(title) ||
    !/\p{Script=Han}/u.test(title) ||
    body.length < 80
  )
    return [];
  return [{ input: body, completion: title }];
}

/** @returns rows for `train tune`, in an order of the texts themselves */
function rowsOf(examples: readonly Example[], app: App, most: number, withExamples: boolean): string[] {
  const bare: App = { ...app, examples: [] };
  const keyed = examples.map((example) => ({
    example,
    key: createHash('sha256')
      .update(`${example.input ?? example.prompt}\n${example.completion}`)
      .digest('hex'),
  }));
  const seen = new Set<string>();
  return keyed
    .filter(({ key }) => !seen.has(key) && seen.add(key))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .slice(0, most)
    .map(({ example: { input, prompt, completion } }, at) => {
      const asked = withExamples && at % 2 === 1 ? app : bare;
      return JSON.stringify({ prompt: prompt ?? promptText(asked, { [FIELD[app.name]!]: input! }), completion });
    });
}

async function examplesIn(
  folder: string,
  splits: readonly ('train' | 'validation' | 'test')[],
  task: Task,
): Promise<Example[]> {
  const found: Example[] = [];
  for (const split of splits)
    for await (const { text, meta } of openCorpus(folder).documents(split))
      found.push(...task.examplesOf(text, String((meta as { collection?: unknown } | undefined)?.collection)));
  return found;
}

const { values } = parseArgs({
  options: {
    prose: { type: 'string', default: 'data/tunan-tiny/prose' },
    poems: { type: 'string', default: 'data/tunan-tiny/poems' },
    out: { type: 'string', default: 'data/tunan-tiny/tuning' },
  },
});
const gallery = path.resolve(import.meta.dirname, '../../apps/gallery/applications');
makeFolder(values.out);
for (const [name, task] of Object.entries(TASKS)) {
  const app = readApp(path.join(gallery, `${task.app}.yaml`));
  const folder = values[task.corpus];
  const train = rowsOf(await examplesIn(folder, ['train'], task), app, MOST.train, true);
  const test = rowsOf(await examplesIn(folder, ['validation', 'test'], task), app, MOST.test, false);
  for (const [part, rows] of Object.entries({ train, test }))
    writeWhole(path.join(values.out, `${name}.${part}.jsonl`), `${rows.join('\n')}\n`);
  process.stdout.write(`${name}: ${train.length} examples, ${test.length} for the test\n`);
}

/**
 * The next-line choice: how a poem goes on, among the right line and three of other poems. Made from any corpus of poems, one
 * a document, the title in the first line. Small models show a signal here long before they do on CLUE.
 *
 * The wrong lines have as many characters as the right one, so that form alone tells nothing. Seeded.
 */

import { EvaluationError } from '../errors.ts';
import { seededRandom } from '../random.ts';
import type { Example, Task } from './task.ts';
import type { TaskData } from './task-data.ts';

const CHOICES = 4;
const labels = Array.from({ length: CHOICES }, (_, i) => String(i));
/** In front of the asked line: the title and a line at least. */
const LEAST_BEFORE = 2;

export const poemLines: Task = {
  name: 'poem-lines',
  title: '诗句接续',
  labels,
  templates: [
    { name: 'line', version: 1, text: '{before}\n[{label}]' },
    { name: 'asked', version: 1, text: '{before}\n下一句是：[{label}]' },
  ],
  contentFree: [{ before: '' }, { before: '无题' }, { before: '……' }],
  cuts: [{ field: 'before', at: 'start' }],
  metric: 'accuracy',
  read: () => {
    throw new Error('examples of poems are made from a corpus, not read');
  },
};

/** @throws EvaluationError EVALUATION_TOO_FEW_SAMPLES when no question can be made of the documents */
export function poemLineData(documents: readonly string[], seed: number): TaskData {
  const examples = makeQuestions(documents, seed);
  if (examples.length === 0) {
    throw new EvaluationError('EVALUATION_TOO_FEW_SAMPLES', {
      en: `${documents.length} documents give no question: a poem needs a title and two lines, and three lines of its length elsewhere`,
      zh: `${documents.length} 篇文档出不了题：每首须有标题和两行诗，且别处有三行同样长的诗句`,
    });
  }
  return { read: () => examples, has: (_, set) => !set.startsWith('train') };
}

function makeQuestions(documents: readonly string[], seed: number): Example[] {
  const random = seededRandom(seed);
  const poems = documents.map((document) => document.split('\n').filter((line) => line.trim() !== ''));
  const asked = poems.flatMap((lines, poem) => {
    if (lines.length <= LEAST_BEFORE) return [];
    const place = LEAST_BEFORE + Math.floor(random() * (lines.length - LEAST_BEFORE));
    return [{ poem, place, line: lines[place]! }];
  });
  const distinct = [...new Set(asked.map(({ line }) => line))];
  const byLength = Map.groupBy(distinct, (line) => [...line].length);
  return asked.flatMap(({ poem, place, line }) => {
    const wrong = drawOthers(byLength.get([...line].length)!, line, random);
    if (wrong.length < CHOICES - 1) return [];
    const gold = Math.floor(random() * CHOICES);
    const choices = wrong.toSpliced(gold, 0, line);
    return [
      {
        id: poem,
        fields: { before: poems[poem]!.slice(0, place).join('\n') },
        gold: String(gold),
        choices: Object.fromEntries(labels.map((label, i) => [label, [choices[i]!]])),
      },
    ];
  });
}

/** Three lines that are not the right one; fewer where there are not so many. */
function drawOthers(lines: readonly string[], right: string, random: () => number): string[] {
  const drawn = new Set<string>();
  const most = Math.min(CHOICES - 1, lines.length - 1);
  while (drawn.size < most) {
    const line = lines[Math.floor(random() * lines.length)]!;
    if (line !== right) drawn.add(line);
  }
  return [...drawn];
}

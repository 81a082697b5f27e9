/**
 * Examples of a task that a small model of verse can learn: a ci is given, its tune (词牌) is to be named. Training examples are of the train
 * split of a corpus of tiny-poet, questions of its validation and test splits, which no base was trained on.
 *
 *     node bench/names-of-tunes.ts runs/quickstart/corpus train.jsonl test.jsonl
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { openCorpus } from '@tunan/corpus';

/** The most frequent tunes, and examples of each at most. */
const TUNES = 24;
const OF_A_TUNE = 150;
/** Characters of a ci at most, so that a context of 256 tokens holds it. */
const LONGEST = 180;

interface Ci {
  readonly tune: string;
  readonly prompt: string;
}

const [directory, trainFile, testFile] = process.argv.slice(2);
if (directory === undefined || trainFile === undefined || testFile === undefined)
  throw new Error('usage: names-of-tunes.ts CORPUS TRAIN.jsonl TEST.jsonl');

async function read(splits: readonly ('train' | 'validation' | 'test')[]): Promise<Ci[]> {
  const found: Ci[] = [];
  for (const split of splits) {
    for await (const { text, meta } of openCorpus(directory!).documents(split)) {
      if ((meta as { collection?: unknown } | undefined)?.collection !== 'songci') continue;
      const [title, ...lines] = text.split('\n');
      const body = lines.join('');
      // Some titles have a second name behind a dot: 望江南·忆江南.
      if (body.length > 0 && body.length <= LONGEST)
        found.push({ tune: title!.split('·')[0]!, prompt: `${body}\n词牌：` });
    }
  }
  // An order of the texts themselves.
  const key = ({ prompt }: Ci) => createHash('sha256').update(prompt).digest('hex');
  return found
    .map((one) => ({ one, key: key(one) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ one }) => one);
}

const [train, test] = [await read(['train']), await read(['validation', 'test'])];
const counts = new Map<string, number>();
for (const { tune } of train) counts.set(tune, (counts.get(tune) ?? 0) + 1);
const tunes = new Set(
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, TUNES)
    .map(([tune]) => tune),
);
const asked = new Set(test.map(({ prompt }) => prompt));
const taken = new Map<string, number>();
const chosen = train.filter(({ tune, prompt }) => {
  const count = taken.get(tune) ?? 0;
  if (!tunes.has(tune) || asked.has(prompt) || count >= OF_A_TUNE) return false;
  taken.set(tune, count + 1);
  return true;
});
const lines = (rows: readonly Ci[]) =>
  rows.map(({ prompt, tune }) => `${JSON.stringify({ prompt, completion: tune })}\n`).join('');
writeFileSync(trainFile, lines(chosen));
const questions = test.filter(({ tune }) => tunes.has(tune));
writeFileSync(testFile, lines(questions));
process.stdout.write(`${chosen.length} examples, ${questions.length} questions, ${tunes.size} tunes\n`);

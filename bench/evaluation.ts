/**
 * Speed of evaluation beside lm-evaluation-harness: the same model directory, the same examples and prompts, cast as multiple
 * choice there, float32 on the CPU.
 *
 *   node bench/evaluation.ts --data ../shared/data/fewclue [--tasks tnews,csl,chid] [--examples 100] [--rounds 3] [--threads 2]
 *     [--vocabularies poems,tasks] [--python .peers/bin/python] [--json]
 *
 * The model is "config G" (6 layers, width 384, vocabulary 8192) with random weights, since speed does not depend on them. Two
 * vocabularies: one of poems, as in the quickstart, where most label words are two tokens or more; and one of the tasks' own
 * training texts, where they are single tokens, which lets the peer share their contexts too. The peer runs once with each batch
 * size and then with its fastest; rounds take turns, medians are printed. Times are from texts to accuracy, without
 * loading. "sharing" is how many positions the peer's method computes over those that are left when every common
 * prefix of an example's candidates is computed once: the factor that sharing alone can give.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import {
  clueTasks,
  evaluateTasks,
  fitPrompt,
  folderData,
  LocalScorer,
  labelWords,
  readTaskData,
  type ScoreRequest,
  type Task,
} from '@tunan/evaluation';
import { LanguageModel } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { setThreads } from '@tunan/torch';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data/fewclue' },
    tasks: { type: 'string', default: 'tnews,csl,chid' },
    examples: { type: 'string', default: '100' },
    vocabularies: { type: 'string', default: 'poems,tasks' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    python: { type: 'string', default: '.peers/bin/python' },
    json: { type: 'boolean', default: false },
  },
});
const PEER_BATCHES = [1, 8, 32];
const root = path.resolve(import.meta.dirname, '..');
const home = path.join(root, 'build/bench-evaluation');
const threads = Number(options.threads);
const limit = Number(options.examples);
setThreads(threads);

interface PeerAnswer {
  readonly seconds: number;
  readonly accuracy: number;
}

/** One process of the peer, asked line by line. */
class Peer {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(model: string) {
    const script = path.join(import.meta.dirname, 'evaluation-peer.py');
    this.#child = spawn(options.python, [script, model, options.threads], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, OMP_NUM_THREADS: options.threads },
    });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  async evaluate(task: Task, batch: number): Promise<PeerAnswer> {
    const wish = { name: task.name, file: path.join(home, `${task.name}.jsonl`), batch };
    this.#child.stdin!.write(`${JSON.stringify(wish)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`${options.python} ended; run bench/evaluation-peer.py by hand to see why`);
    return JSON.parse(value) as PeerAnswer;
  }

  async end(): Promise<void> {
    this.#child.stdin!.end();
    await once(this.#child, 'close');
  }
}

const vocabularyTexts: Readonly<Record<string, () => string[]>> = {
  poems: () => {
    const folder = path.join(
      path.dirname(createRequire(import.meta.url).resolve('chinese-poetry/package.json')),
      'dist',
    );
    const files = globSync('quantangshi/poet.tang.*.json', { cwd: folder }).sort();
    return files.flatMap((file) => {
      const poems = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { paragraphs: string[] }[];
      return poems.map(({ paragraphs }) => paragraphs.join('\n'));
    });
  },
  tasks: () =>
    clueTasks.flatMap((task) =>
      readTaskData(task, options.data, 'train_few_all').map(({ fields }) => Object.values(fields).join('\n')),
    ),
};

/** The peer's form of the requests that we score. */
function peerLine({ context, candidates }: ScoreRequest, gold: number): string {
  const before = context.join('');
  const [first] = candidates;
  const together = candidates.every(({ scored }) => scored === first!.scored);
  const line = together
    ? { contexts: candidates.map(({ given }) => before + given), continuation: first!.scored, gold }
    : { query: before, choices: candidates.map(({ given, scored }) => given + scored), gold };
  return `${JSON.stringify(line)}\n`;
}

/**
 * Positions that the peer computes over those of the tree of prefixes. It computes a text without its last token once for
 * all candidates that differ in that token alone.
 */
function sharingGain(requests: readonly ScoreRequest[], tokenizer: Tokenizer): number {
  let peers = 0;
  let shared = 0;
  for (const { context, candidates } of requests) {
    const texts = new Map<string, number>();
    const prefixes = new Set<string>();
    for (const { given, scored } of candidates) {
      const ids = [tokenizer.eod, ...tokenizer.encode(context.join('') + given + scored)].slice(0, -1);
      texts.set(ids.join(), ids.length);
      for (let i = 1; i <= ids.length; i++) prefixes.add(ids.slice(0, i).join());
    }
    peers += [...texts.values()].reduce((sum, length) => sum + length, 0);
    shared += prefixes.size;
  }
  return peers / shared;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const data = folderData(options.data);
const wanted = options.tasks.split(',');
const tasks = clueTasks.filter(({ name }) => wanted.includes(name));
const report: Record<string, Record<string, number>> = {};
for (const vocabulary of options.vocabularies.split(',')) {
  const texts = vocabularyTexts[vocabulary];
  if (texts === undefined)
    throw new Error(`no vocabulary ${vocabulary}; there are ${Object.keys(vocabularyTexts).join(', ')}`);
  await measure(vocabulary, Tokenizer.fromFile(await trainBpe(texts(), { vocabularySize: 8192 })));
}
if (options.json)
  console.log(JSON.stringify({ threads, examples: limit, rounds: Number(options.rounds), tasks: report }));
else console.table(report);

async function measure(vocabulary: string, tokenizer: Tokenizer): Promise<void> {
  mkdirSync(home, { recursive: true });
  const tokenizerFile = path.join(home, 'tokenizer.json');
  tokenizer.save(tokenizerFile);
  const sizes = { vocabularySize: 8192, contextLength: 1024, layers: 6, width: 384, heads: 6 };
  using model = LanguageModel.create({ ...sizes, endOfDocumentId: tokenizer.eod }, { seed: 1 });
  model.save(path.join(home, 'model'), { tokenizerFile });
  const scorer = new LocalScorer(model, tokenizer, { identity: 'bench' });
  const peer = new Peer(path.join(home, 'model'));
  for (const task of tasks) {
    const found = await measureTask(task, tokenizer, scorer, peer);
    report[`${task.name}, ${vocabulary}`] = found;
    console.error(`${task.name}, ${vocabulary}: ${found.times!.toFixed(2)} times the peer's speed`);
  }
  await peer.end();
}

async function measureTask(
  task: Task,
  tokenizer: Tokenizer,
  scorer: LocalScorer,
  peer: Peer,
): Promise<Record<string, number>> {
  const evaluate = async () => (await evaluateTasks([task], data, scorer, { settings: { limit, seed: 1 } }))[0]!;
  const { examples } = await evaluate();
  const requests = examples.map((example) => {
    const [template] = task.templates;
    const { words } = labelWords(task, template!, example, false);
    return fitPrompt(task, template!, { fields: example.fields, words, firstTokenOnly: false }, [], scorer).request;
  });
  const lines = requests.map((request, i) => peerLine(request, task.labels.indexOf(examples[i]!.gold!)));
  writeFileSync(path.join(home, `${task.name}.jsonl`), lines.join(''));
  const tried: [number, number][] = [];
  for (const batch of PEER_BATCHES) tried.push([batch, (await peer.evaluate(task, batch)).seconds]);
  const [best] = tried.reduce((a, b) => (b[1] < a[1] ? b : a));
  const own: number[] = [];
  const theirs: number[] = [];
  let accuracy = 0;
  let peerAccuracy = 0;
  for (let round = 0; round < Number(options.rounds); round++) {
    const start = performance.now();
    accuracy = (await evaluate()).result.accuracy!;
    own.push((performance.now() - start) / 1000);
    const answer = await peer.evaluate(task, best);
    theirs.push(answer.seconds);
    peerAccuracy = answer.accuracy;
  }
  return {
    examplesPerSecond: examples.length / median(own),
    peerExamplesPerSecond: examples.length / median(theirs),
    times: median(theirs) / median(own),
    sharing: sharingGain(requests, tokenizer),
    peerBatch: best,
    accuracy,
    peerAccuracy,
  };
}

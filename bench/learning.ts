/**
 * What configurations of model, optimizer and schedule learn from the same tokens, and how long they take for it.
 *
 *   node bench/learning.ts PLAN.json --out DIR [--only REGEX] [--report] [--reference NAME] [--json]
 *
 * PLAN.json: { "base": part of a run recipe, "corpora": { NAME: DIR of token shards }, "seeds": [1, 2, 3],
 *              "configurations": { NAME: part of a run recipe } }
 *
 * learning/muon-and-qwen3.json is such a plan: about 1 M, 5 M and 15 M parameters, 10 M tokens, three seeds, days on two cores; its
 * rates are those that runs of 0.5 M tokens at the smallest size asked for (docs/experiments.md).
 *
 * A run is base, configuration, corpus and seed together (objects are merged field by field) and lies in DIR/CONFIGURATION/CORPUS-SEED.
 * What is finished is not run again, what was stopped goes on; --only takes the runs whose folder matches, --report none. The table
 * shows the mean over the seeds and their standard deviation; times are of one thread's CPU where `threads` is 1 (other work on the
 * machine then costs nothing), and without evaluation. With --reference the tokens and the time after which a configuration has
 * reached the last loss of NAME, between two evaluations by a straight line.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type RunRecipe, readRunLog, type StepReport, train } from '@tunan/training';

interface Plan {
  readonly base: Partial<RunRecipe>;
  readonly corpora: Readonly<Record<string, string>>;
  readonly seeds: readonly number[];
  readonly configurations: Readonly<Record<string, Partial<RunRecipe>>>;
}

interface Run {
  readonly configuration: string;
  readonly corpus: string;
  readonly seed: number;
  readonly directory: string;
  readonly recipe: RunRecipe;
}

/** At a step that was evaluated. */
interface Point {
  readonly tokens: number;
  /** Nats a token on the validation shards. */
  readonly loss: number;
  /** Of CPU, in training alone. */
  readonly seconds: number;
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: 'runs/learning' },
    only: { type: 'string', default: '' },
    report: { type: 'boolean', default: false },
    reference: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const [planFile] = positionals;
if (planFile === undefined) throw new Error('give the plan: node bench/learning.ts PLAN.json --out DIR');
const plan = JSON.parse(readFileSync(planFile, 'utf8')) as Plan;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merged(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const both = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = both[key];
    both[key] = isObject(before) && isObject(value) ? merged(before, value) : value;
  }
  return both;
}

function runsOf({ base, corpora, seeds, configurations }: Plan): Run[] {
  return seeds.flatMap((seed) =>
    Object.entries(corpora).flatMap(([corpus, tokens]) =>
      Object.entries(configurations).map(([configuration, part]) => ({
        configuration,
        corpus,
        seed,
        directory: path.join(options.out, configuration, `${corpus}-${seed}`),
        recipe: { ...merged(base, { ...part }), data: [{ corpus: tokens }], seed } as unknown as RunRecipe,
      })),
    ),
  );
}

/** Kept beside the log of a run: seconds of CPU a step, the steps that were evaluated left out. */
const CPU_LOG = 'cpu.jsonl';

async function carryOut(run: Run): Promise<void> {
  mkdirSync(run.directory, { recursive: true });
  const cpuLog = path.join(run.directory, CPU_LOG);
  let before = process.cpuUsage();
  let seconds = 0;
  let steps = 0;
  const onProgress = ({ line, steps: all }: StepReport) => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    if (line.evaluation === undefined) {
      seconds += (user + system) / 1e6;
      steps++;
      return;
    }
    if (steps > 0) appendFileSync(cpuLog, `${JSON.stringify({ steps, seconds })}\n`);
    [seconds, steps] = [0, 0];
    const at = `${run.directory} ${line.step}/${all}`;
    process.stderr.write(`${at}: ${line.loss.toFixed(4)}, validation ${line.evaluation.loss.toFixed(4)}\n`);
  };
  await train({ recipe: run.recipe, directory: path.join(run.directory, 'run'), resume: 'if-present', onProgress });
}

function pointsOf({ directory, recipe }: Run): Point[] {
  const log = path.join(directory, 'run', 'log.jsonl');
  const cpuLog = path.join(directory, CPU_LOG);
  if (!existsSync(log) || !existsSync(cpuLog)) return [];
  const measured = readFileSync(cpuLog, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { steps: number; seconds: number });
  const total = (pick: 'steps' | 'seconds') => measured.reduce((sum, part) => sum + part[pick], 0);
  const perToken = total('seconds') / total('steps') / (recipe.globalBatch * recipe.sequenceLength);
  return readRunLog(log).flatMap(({ tokens, evaluation }) =>
    evaluation === undefined ? [] : [{ tokens, loss: evaluation.loss, seconds: tokens * perToken }],
  );
}

function tokensOf({ steps, tokens = 0, globalBatch, sequenceLength }: RunRecipe): number {
  return steps === undefined ? tokens : steps * globalBatch * sequenceLength;
}

/** Where a curve first comes down to a loss; undefined where it does not. */
function reaches(points: readonly Point[], loss: number): Point | undefined {
  const at = points.findIndex((point) => point.loss <= loss);
  const [before, after] = [points[at - 1], points[at]];
  if (after === undefined || before === undefined) return after;
  const share = (before.loss - loss) / (before.loss - after.loss);
  const between = (key: 'tokens' | 'seconds') => before[key] + share * (after[key] - before[key]);
  return { tokens: between('tokens'), loss, seconds: between('seconds') };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]) =>
  values.length < 2 ? 0 : Math.sqrt(values.reduce((sum, v) => sum + (v - mean(values)) ** 2, 0) / (values.length - 1));

/** A row of the table: all finished seeds of a configuration on a corpus. */
function rowOf(corpus: string, configuration: string, runs: readonly Run[]) {
  const finished = (name: string) =>
    runs
      .filter((run) => run.corpus === corpus && run.configuration === name)
      .map((run) => ({ seed: run.seed, points: pointsOf(run), end: tokensOf(run.recipe) }))
      .filter(({ points, end }) => (points.at(-1)?.tokens ?? 0) >= end);
  const curves = finished(configuration);
  if (curves.length === 0) return undefined;
  const last = curves.map(({ points }) => points.at(-1)!);
  const references = new Map(
    options.reference === undefined
      ? []
      : finished(options.reference).map(({ seed, points }) => [seed, points.at(-1)!]),
  );
  const equal = curves.flatMap(({ seed, points }) => {
    const reference = references.get(seed);
    const reached = reference === undefined ? undefined : reaches(points, reference.loss);
    if (reference === undefined || reached === undefined) return [];
    return [{ tokens: reached.tokens / reference.tokens, seconds: reached.seconds / reference.seconds }];
  });
  return {
    corpus,
    configuration,
    seeds: curves.length,
    tokens: mean(last.map(({ tokens }) => tokens)),
    loss: mean(last.map(({ loss }) => loss)),
    deviation: deviation(last.map(({ loss }) => loss)),
    seconds: mean(last.map(({ seconds }) => seconds)),
    /** Shares of what the reference took; absent where the loss was not reached by every seed. */
    ...(equal.length === curves.length && {
      tokensToReference: mean(equal.map(({ tokens }) => tokens)),
      secondsToReference: mean(equal.map(({ seconds }) => seconds)),
    }),
    curve: curves[0]!.points,
  };
}

const runs = runsOf(plan);
if (!options.report)
  for (const run of runs.filter(({ directory }) => directory.match(options.only))) await carryOut(run);

const rows = Object.keys(plan.corpora)
  .flatMap((corpus) => Object.keys(plan.configurations).map((name) => rowOf(corpus, name, runs)))
  .filter((row) => row !== undefined);
console.log('| corpus | configuration | seeds | tokens | loss | CPU s | tokens to equal loss | time to equal loss |');
console.log('|---|---|---|---|---|---|---|---|');
for (const row of rows) {
  const share = (value: number | undefined) => (value === undefined ? '–' : `${value.toFixed(2)} ×`);
  const cells = [
    row.corpus,
    row.configuration,
    row.seeds,
    `${(row.tokens / 1e6).toFixed(2)} M`,
    `${row.loss.toFixed(4)}${row.seeds > 1 ? ` ± ${row.deviation.toFixed(4)}` : ''}`,
    row.seconds.toFixed(0),
    share(row.tokensToReference),
    share(row.secondsToReference),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
if (options.json) console.log(JSON.stringify(rows));

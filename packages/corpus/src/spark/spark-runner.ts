/**
 * Builds on Apache Spark: the same stage program, with joins and groupings in SQL (scripts.ts). The decisions are made
 * here, by the code of a local build, from about 60 bytes a document, so that the shards are the same bytes. After each
 * script the counts are reconciled: nothing was lost on the way, and nothing came twice. A build that was killed goes on
 * after the last finished script; a Spark that outlived it is waited for, and what it finishes is taken over.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { makeFolder, writeSynced } from '../directory/output-directory.ts';
import type { Document } from '../document.ts';
import type { DuplicateFinder } from '../duplicates/finder.ts';
import { CorpusError } from '../errors.ts';
import type { Decisions } from '../passes/decide.ts';
import { sampledDocuments } from '../passes/funnel.ts';
import type { UnitTask } from '../passes/read-unit.ts';
import type { Runner, RunnerTask } from '../passes/runner.ts';
import { gather, type Planned, planShards, type Written } from '../passes/write-corpus.ts';
import type { ShardResult } from '../passes/write-shard.ts';
import type { SparkJob, WrittenRow } from './job.ts';
import { linesScript, Paths, pairsScript, readScript, writeScript } from './scripts.ts';
import { SparkCorpus } from './spark-corpus.ts';
import { SparkFinder } from './spark-finder.ts';
import { findSparkSql, runSparkSql, sparkOfKilledBuild } from './spark-sql.ts';
import { jsonRows, reconcile, writeLines } from './text-files.ts';

interface Counts {
  documents: number;
  places: number;
  contents: number;
  rejects: number;
  units: number;
  candidates: number;
}

/** One script of a build. @property inputs files that it reads besides the tables @property outputs folders; the last comes last */
interface Script {
  name: string;
  text: string;
  inputs: string[];
  outputs: string[];
}

/** @throws CorpusError CORPUS_SPARK where there is no Spark, or SQL cannot hold the name of the output */
export function requireSpark(out: string): void {
  findSparkSql();
  const folder = resolve(out);
  if (!/['"`$\\\n]/.test(folder)) return;
  throw new CorpusError('CORPUS_SPARK', {
    en: `Spark cannot work in ${folder}; choose an --out without quotes, $ and \\`,
    zh: `Spark 不能在 ${folder} 中工作；--out 中请勿含引号、$ 与 \\`,
  });
}

export class SparkRunner implements Runner {
  readonly #task: RunnerTask;
  readonly #folder: string;
  readonly #paths: Paths;
  readonly #job: SparkJob;
  #corpus: SparkCorpus | undefined;
  #counts: Counts | undefined;

  constructor(task: RunnerTask) {
    this.#task = task;
    this.#folder = join(task.work, 'spark');
    this.#paths = new Paths(this.#folder);
    const parts = join(this.#folder, 'parts');
    makeFolder(parts);
    const near = task.recipe.stages.find((stage) => stage.use === 'near-duplicates');
    const { recipe, directory, options } = task;
    const base = options.base ?? process.cwd();
    this.#job = { recipe, base, directory, shards: [], parts, similarity: near?.similarity ?? 1 };
    const program = fileURLToPath(new URL(`./stage-program${extname(import.meta.url)}`, import.meta.url));
    const command = `exec "${process.execPath}" "${program}" "$1" "${this.#jobPath()}"\n`;
    writeSynced(join(this.#folder, 'stage.sh'), command);
  }

  async read(): Promise<SparkCorpus> {
    const { inputs, recipe, options } = this.#task;
    options.onProgress?.({ stage: 'read', done: 0, total: inputs.length, documents: 0, bytes: 0 });
    await sparkOfKilledBuild(this.#folder);
    const tasks = inputs.map((unit, index): UnitTask => ({ task: 'read', unit, index, folder: '' }));
    writeLines(
      join(this.#folder, 'units.txt'),
      tasks.map((task) => JSON.stringify(task)),
    );
    const has = (use: string) => recipe.stages.some((stage) => stage.use === use);
    const stages = { exact: has('exact-duplicates'), near: has('near-duplicates') };
    await this.#run({
      name: 'read',
      text: readScript(this.#paths, inputs.length, stages),
      inputs: ['units.txt'],
      outputs: ['rows', 'unit-numbers', 'bands', 'candidates', 'pairs', 'counts'],
    });
    for await (const counts of jsonRows<Counts>(join(this.#folder, 'counts'))) this.#counts = counts;
    const numbers: string[] = [];
    for await (const row of jsonRows<{ unit: number; numbers: string }>(join(this.#folder, 'unit-numbers'))) {
      numbers[row.unit] = row.numbers;
    }
    const { documents, places, rejects, units } = this.#counts!;
    reconcile('units', units, inputs.length);
    reconcile('units with numbers', Object.keys(numbers).length, inputs.length);
    const corpus = new SparkCorpus(numbers);
    reconcile('documents', documents, corpus.documents);
    reconcile('different documents', places, corpus.documents);
    const dropped = corpus.units.reduce((n, unit) => n + unit.rejectLengths.length, 0);
    reconcile('rejects', rejects, dropped);
    const read = inputs.reduce((n, input) => n + input.bytes, 0);
    const done = { done: units, total: units, documents: documents + rejects, bytes: read };
    options.onProgress?.({ stage: 'read', ...done });
    this.#corpus = corpus;
    return corpus;
  }

  finder(): DuplicateFinder {
    return new SparkFinder({
      corpus: this.#corpus!,
      folder: this.#folder,
      counts: this.#counts!,
      comparePairs: async (round) => {
        const folder = `named-pairs-${round}`;
        const text = pairsScript(this.#paths, folder);
        await this.#run({ name: `compare-${round}`, text, inputs: ['named-pairs.txt'], outputs: [folder] });
        return join(this.#folder, folder);
      },
      findLines: async (options) =>
        await this.#run({
          name: 'lines',
          text: linesScript(this.#paths, options),
          inputs: ['gone.txt'],
          outputs: ['part', 'repeated', 'repeated-lines', 'lines-lost'],
        }),
    });
  }

  async write(decisions: Decisions): Promise<Written> {
    const corpus = this.#corpus!;
    const plan = planShards(corpus, decisions);
    writeLines(join(this.#folder, 'plan.txt'), planRows(plan));
    const named = namedDocuments(corpus, decisions);
    const namedRows = named.entries().map(([i, text]) => JSON.stringify({ doc: corpus.sqlNumber(i), text }));
    writeLines(join(this.#folder, 'named.txt'), namedRows);
    this.#job.shards = plan.map(({ file, pieces }) => ({ file, lines: pieces.change.length }));
    const inputs = ['plan.txt', 'named.txt'];
    if (decisions.repeated !== undefined) {
      this.#job.repeated = join(this.#folder, 'line-set');
      inputs.push('line-set');
      const { words } = decisions.repeated.lines;
      writeFileSync(this.#job.repeated, new Uint8Array(words.buffer, words.byteOffset, words.byteLength), {
        flush: true,
      });
    }
    const text = writeScript(this.#paths, plan.length);
    await this.#run({ name: 'write', text, inputs, outputs: ['written', 'named'] });
    for await (const { doc, id, line } of jsonRows<{ doc: number; id: string; line?: string }>(
      join(this.#folder, 'named'),
    )) {
      const document = line === undefined ? { id, text: '', source: '', meta: {} } : (JSON.parse(line) as Document);
      corpus.remember(corpus.ofSqlNumber(doc), document);
    }
    const results: ShardResult[] = [];
    for await (const { shard, result } of jsonRows<WrittenRow>(join(this.#folder, 'written'))) {
      const { file, pieces } = plan[shard]!;
      reconcile(`lines of ${file}`, result.documents, pieces.change.length);
      reconcile(`bytes of ${file}`, statSync(join(this.#task.directory, file)).size, result.bytes);
      results[shard] = { ...result, alphabet: Uint32Array.from(result.alphabet) };
    }
    reconcile('shards', Object.keys(results).length, plan.length);
    const written = results.reduce((n, { documents }) => n + documents, 0);
    const bytes = results.reduce((n, { contentBytes }) => n + contentBytes, 0);
    const { onProgress } = this.#task.options;
    onProgress?.({ stage: 'write', done: plan.length, total: plan.length, documents: written, bytes });
    return gather(plan, results);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Runs a script, unless a build that was killed had finished it; what an unfinished one left is removed first. */
  async #run(script: Script): Promise<void> {
    const { workers = 2, sparkMaster } = this.#task.options;
    const { name, text, outputs } = script;
    writeSynced(this.#jobPath(), JSON.stringify(this.#job));
    const digest = await this.#digestOf(script);
    const begun = join(this.#folder, `${name}.begun`);
    // Spark marks a folder as complete when all of it is there.
    const complete = existsSync(join(this.#folder, outputs.at(-1)!, '_SUCCESS'));
    if (complete && existsSync(begun) && readFileSync(begun, 'utf8') === digest) return;
    for (const output of [...outputs, 'warehouse'])
      rmSync(join(this.#folder, output), { recursive: true, force: true });
    writeSynced(begun, digest);
    const master = sparkMaster ?? (hasOwnMaster() ? undefined : `local[${Math.max(1, workers)}]`);
    const log = `${this.#task.options.out}.spark.log`;
    await runSparkSql(name, text, this.#folder, { master, log, job: this.#jobPath() });
    rmSync(log, { force: true });
  }

  /** Of a script and all that it reads besides the tables: it is done again where this is another. */
  async #digestOf({ text, inputs }: Script): Promise<string> {
    const hash = createHash('sha256').update(text);
    for (const input of inputs) await pipeline(createReadStream(join(this.#folder, input)), hash, { end: false });
    return hash.digest('hex');
  }

  #jobPath(): string {
    return join(this.#folder, 'job.json');
  }
}

/** Whether Spark's configuration files name a master, which is then left to them. */
function hasOwnMaster(): boolean {
  const { SPARK_CONF_DIR, SPARK_HOME } = process.env;
  const folder = SPARK_CONF_DIR ?? (SPARK_HOME === undefined ? undefined : join(SPARK_HOME, 'conf'));
  if (folder === undefined) return false;
  const file = join(folder, 'spark-defaults.conf');
  return existsSync(file) && /^\s*spark\.master\b/m.test(readFileSync(file, 'utf8'));
}

/** The lines of all shards: where each is in the tables, and what happens to it. */
function* planRows(plan: Planned[]): Generator<string> {
  for (const [shard, { pieces }] of plan.entries()) {
    const { paths, path, offset, change, kept } = pieces;
    for (let place = 0; place < change.length; place++) {
      const [kind, unit] = paths[path[place]!]!.split(' ') as [string, string];
      const row = { shard, place, change: change[place], kind, unit: Number(unit), at: offset[place] };
      if ((kept.length[place] ?? 0) === 0) yield JSON.stringify(row);
      else {
        const keptUnit = Number(paths[kept.path[place]!]!.split(' ')[1]);
        yield JSON.stringify({ ...row, keptUnit, keptAt: kept.offset[place] });
      }
    }
  }
}

/** Documents that clusters name, and with their texts those that the report shows. */
function namedDocuments(corpus: SparkCorpus, decisions: Decisions): Map<number, boolean> {
  const named = new Map<number, boolean>();
  for (const [i, first] of decisions.cluster.entries()) {
    if (first < 0 || first === i) continue;
    named.set(i, false).set(first, false);
  }
  for (const document of sampledDocuments(corpus, decisions)) named.set(document, true);
  return named;
}

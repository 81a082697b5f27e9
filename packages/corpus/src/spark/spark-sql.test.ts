import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { buildCorpus } from '../build.ts';
import { recipeOf } from '../testing/recipe-of.ts';
import { findSparkSql, runSparkSql, sparkOfKilledBuild } from './spark-sql.ts';
import { jsonRows, reconcile, writeLines } from './text-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-spark-sql-'));
after(() => rmSync(folder, { recursive: true }));

test('spark-sql is that of SPARK_HOME, else the first on the PATH; without one the error says what to install', () => {
  for (const place of ['home/bin', 'first', 'second']) {
    mkdirSync(join(folder, place), { recursive: true });
    if (place !== 'first') writeFileSync(join(folder, place, 'spark-sql'), '');
  }
  const PATH = [join(folder, 'first'), join(folder, 'second')].join(delimiter);
  assert.equal(findSparkSql({ PATH }), join(folder, 'second', 'spark-sql'));
  assert.equal(findSparkSql({ PATH, SPARK_HOME: join(folder, 'home') }), join(folder, 'home/bin/spark-sql'));
  assert.throws(() => findSparkSql({ PATH: join(folder, 'first') }), {
    code: 'CORPUS_SPARK',
    message: /no spark-sql in PATH; install Apache Spark .* set SPARK_HOME/,
  });
  assert.throws(() => findSparkSql({ PATH, SPARK_HOME: join(folder, 'first') }), { message: /in SPARK_HOME/ });
});

test('a build that Spark cannot hold is refused before anything is read', async () => {
  writeFileSync(join(folder, 'a.jsonl'), `${JSON.stringify({ text: '春眠不觉晓' })}\n`);
  const recipe = recipeOf([]);
  const before = process.env.SPARK_HOME;
  process.env.SPARK_HOME = join(folder, 'home');
  try {
    const out = join(folder, "it's");
    const build = buildCorpus(recipe, { out, base: folder, runner: 'spark' });
    await assert.rejects(build, { code: 'CORPUS_SPARK', message: /without quotes[^;]*$/ });
    assert.equal(existsSync(`${out}.building`), false, 'nothing is begun');
  } finally {
    if (before === undefined) delete process.env.SPARK_HOME;
    else process.env.SPARK_HOME = before;
  }
});

test('the Spark of a killed build is waited for; a process that got its number since is not', async () => {
  const owner = join(folder, 'spark.pid');
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 1000)', join(folder, 'read.sql')]);
  const exit = once(child, 'exit');
  writeFileSync(owner, `${child.pid}\n`);
  await sparkOfKilledBuild(folder);
  await exit;
  assert.equal(child.exitCode, 0);
  assert.equal(existsSync(owner), false);
  writeFileSync(owner, `${process.pid}\n`);
  await sparkOfKilledBuild(folder);
  assert.equal(existsSync(owner), false);
});

/** A Spark that prints something and fails. */
async function failingSpark(lines: string[]): Promise<Error> {
  const before = process.env.SPARK_HOME;
  const home = join(folder, 'failing');
  process.env.SPARK_HOME = home;
  mkdirSync(join(home, 'bin'), { recursive: true });
  writeFileSync(join(home, 'printed'), lines.join('\n'));
  writeFileSync(join(home, 'bin/spark-sql'), `#!/bin/sh\ncat '${join(home, 'printed')}'\nexit 1\n`, { mode: 0o755 });
  const log = join(home, 'log');
  rmSync(log, { force: true });
  try {
    await runSparkSql('read', 'SELECT 1', folder, { master: undefined, log, job: join(home, 'job.json') });
  } catch (error) {
    return error as Error;
  } finally {
    if (before === undefined) delete process.env.SPARK_HOME;
    else process.env.SPARK_HOME = before;
  }
  throw new Error('it did not fail');
}

test('of what Spark prints one line is told: what to fix where it is known, else the first cause', async () => {
  const noJava = await failingSpark(['/opt/spark/bin/spark-class: line 71: /nope/bin/java: No such file or directory']);
  assert.match(noJava.message, /^spark-sql ended with 1 in step read: there is no Java; install one .* all of it: /);
  const lost = await failingSpark([
    '26/01/02 03:04:05 WARN TaskSetManager: Lost task 0.0 in stage 2.0 (TID 1): java.io.IOException: first try',
    '26/01/02 03:04:06 ERROR TaskSetManager: Task 0 in stage 2.0 failed 4 times; aborting job',
    'org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 2.0 failed 4 times, most recent failure: Lost task 0.3 in stage 2.0 (TID 7) (10.0.0.1 executor 0): java.lang.OutOfMemoryError: Java heap space',
    '\tat org.apache.spark.Thing.do(Thing.scala:1)',
  ]);
  assert.match(lost.message, /in step read: java\.lang\.OutOfMemoryError: Java heap space; all of it/);
  const down = await failingSpark([
    '26/01/02 03:04:06 ERROR StandaloneSchedulerBackend: Application has been killed. Reason: All masters are unresponsive! Giving up.',
    'Exception in thread "main" java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext.',
  ]);
  assert.match(down.message, /: Application has been killed\. Reason: All masters are unresponsive! Giving up\.; all/);
  assert.match((await failingSpark([])).message, /: it says nothing; all of it/);
});

test('rows come back from part files in order, whatever they hold; counts that differ are an error', async () => {
  const rows = Array.from({ length: 3000 }, (_, i) => ({ i, text: '行\u2028\t\n'.repeat(i % 40) }));
  const parts = join(folder, 'parts');
  mkdirSync(parts);
  const lines = rows.map((row) => JSON.stringify(row));
  writeLines(join(parts, 'part-00001.txt'), lines.slice(1200));
  writeLines(join(parts, 'part-00000.txt'), lines.slice(0, 1200));
  writeLines(join(parts, 'part-00002.txt'), []);
  writeFileSync(join(parts, '_SUCCESS'), '');
  const found: unknown[] = [];
  for await (const row of jsonRows(parts)) found.push(row);
  assert.deepEqual(found, rows);
  reconcile('rows', 3, 3);
  assert.throws(() => reconcile('rows', 2, 3), { code: 'CORPUS_SPARK', message: /gave 2 rows where 3 must be/ });
});

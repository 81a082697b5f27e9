import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { buildCorpus } from '../build.ts';
import { parseRecipe } from '../recipe.ts';
import { findSparkSql, runSparkSql } from './spark-sql.ts';
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
    message: /no spark-sql on the PATH; install Apache Spark .* set SPARK_HOME/,
  });
  assert.throws(() => findSparkSql({ PATH, SPARK_HOME: join(folder, 'first') }), { message: /in SPARK_HOME/ });
});

test('a build that Spark cannot hold is refused before anything is read', async () => {
  writeFileSync(join(folder, 'a.jsonl'), `${JSON.stringify({ text: '春眠不觉晓' })}\n`);
  const recipe = parseRecipe({
    name: 'refused',
    title: { en: 'x', zh: '某' },
    description: { en: 'x', zh: '某' },
    licence: 'CC0-1.0',
    sources: [{ type: 'jsonl', name: 'a', licence: 'CC0-1.0', paths: ['a.jsonl'] }],
    stages: [],
    split: { validation: 0, test: 0, seed: 1 },
  });
  const before = process.env.SPARK_HOME;
  process.env.SPARK_HOME = join(folder, 'home');
  try {
    const out = join(folder, "it's");
    const build = buildCorpus(recipe, { out, base: folder, runner: 'spark' });
    await assert.rejects(build, { code: 'CORPUS_SPARK', message: /without quotes/ });
  } finally {
    if (before === undefined) delete process.env.SPARK_HOME;
    else process.env.SPARK_HOME = before;
  }
});

test('the Spark of a killed build is not joined by a second one', async () => {
  const before = process.env.SPARK_HOME;
  process.env.SPARK_HOME = join(folder, 'home');
  writeFileSync(join(folder, 'spark.pid'), `${process.pid}\n`);
  try {
    const command = { master: undefined, log: join(folder, 'log'), job: join(folder, 'job.json') };
    await assert.rejects(runSparkSql('read', 'SELECT 1', folder, command), {
      code: 'CORPUS_SPARK',
      message: /still runs \(process \d+\); stop it or wait/,
    });
  } finally {
    if (before === undefined) delete process.env.SPARK_HOME;
    else process.env.SPARK_HOME = before;
  }
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

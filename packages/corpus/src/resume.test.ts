/** A build that is killed with SIGKILL at any point and run again makes the bytes of one that was never disturbed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildCorpus } from './build.ts';
import { mix } from './duplicates/shingles.ts';
import { parseRecipe, type Recipe } from './recipe/recipe.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-resume-'));
after(() => rmSync(folder, { recursive: true }));

const FILES = 30;

function input(): { recipe: Recipe; base: string } {
  const base = join(folder, 'input');
  mkdirSync(base);
  const paths = Array.from({ length: FILES }, (_, file) => {
    const lines = Array.from({ length: 600 }, (_, i) => {
      const seed = (file % 25) * 100_000 + i * 100; // the last five files repeat the first ones but one character
      const text = Array.from({ length: 60 }, (_, k) => String.fromCharCode(0x4e00 + (mix(seed + k) % 4000)));
      return JSON.stringify({ text: (file < 25 ? text : text.with(7, '某')).join('') });
    });
    writeFileSync(join(base, `${file}.jsonl`), lines.join('\n'));
    return `${file}.jsonl`;
  });
  const recipe = parseRecipe({
    name: 'resumed',
    title: { en: 'x', zh: 'x' },
    description: { en: 'x', zh: 'x' },
    licence: 'CC0-1.0',
    sources: [{ type: 'jsonl', name: 's', licence: 'CC0-1.0', paths }],
    stages: [
      { use: 'normalise' },
      { use: 'exact-duplicates' },
      { use: 'near-duplicates', ngram: 2, bands: 25, rows: 4, similarity: 0.5 },
    ],
    split: { validation: 0.1, test: 0.1, seed: 1 },
  });
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
  return { recipe, base };
}

const { recipe, base } = input();

const program = join(folder, 'build.mjs');
writeFileSync(
  program,
  `import { readFileSync } from 'node:fs';
import { buildCorpus } from ${JSON.stringify(new URL('./build.ts', import.meta.url).href)};
const [, , recipe, base, out] = process.argv;
const onProgress = () => process.stdout.write('.');
await buildCorpus(JSON.parse(readFileSync(recipe, 'utf8')), { base, out, workers: 2, onProgress });`,
);

function startBuild(out: string) {
  const args = [program, join(folder, 'recipe.json'), base, out];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Calls back at every progress that the build tells of: the moments of a build, whatever the speed of the machine. */
function onProgress(child: ReturnType<typeof startBuild>, moment: (count: number) => void): void {
  let count = 0;
  child.stdout.on('data', (dots: Buffer) => {
    for (let i = 0; i < dots.length; i++) moment(++count);
  });
}

/** Names and digests of every file below a folder. */
function contents(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const pairs = files.map(({ parentPath, name }): [string, string] => {
    const path = join(parentPath, name);
    return [path.slice(directory.length), createHash('sha256').update(readFileSync(path)).digest('hex')];
  });
  return new Map(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

test('killed again and again at seeded times: the same bytes, no file more or less', async () => {
  const whole = join(folder, 'whole');
  const first = startBuild(whole);
  let moments = 0;
  onProgress(first, (count) => {
    moments = count;
  });
  assert.deepEqual(await once(first, 'close'), [0, null]);
  const out = join(folder, 'killed');
  let kills = 0;
  for (let run = 0; !existsSync(out); run++) {
    const child = startBuild(out);
    const exit = once(child, 'exit');
    // A run that goes on has fewer moments left: all stages are hit, and the last runs end.
    const last = run < 7 ? Math.ceil((moments * (mix(run + 5) % 1000)) / 1000) : Number.POSITIVE_INFINITY;
    onProgress(child, (count) => {
      if (count === Math.max(2, last) && child.kill('SIGKILL')) kills++;
    });
    await exit;
  }
  // A run that was killed between its last two steps leaves traces for the next to clear.
  await buildCorpus(recipe, { out, base });
  assert.ok(kills > 0, 'no run was killed');
  assert.deepEqual(contents(out), contents(whole));
});

test('what a killed build had read is not read again; what is cut is', async () => {
  const out = join(folder, 'reused');
  const work = join(`${out}.building`, 'work');
  const child = startBuild(out);
  const exit = once(child, 'exit');
  const units = () => (existsSync(work) ? readdirSync(work).filter((name) => name.endsWith('.unit')) : []);
  while (units().length < 2 && child.exitCode === null) await sleep(2);
  child.kill('SIGKILL');
  await exit;
  const [kept, cut] = units().map((name) => join(work, name.replace('.unit', '.documents')));
  // A mark in the spilled text shows whether it is used.
  const spilled = readFileSync(kept!);
  spilled.write('留', spilled.indexOf('"text":"') + 8);
  writeFileSync(kept!, spilled);
  writeFileSync(cut!, readFileSync(cut!).subarray(0, statSync(cut!).size - 100));
  const left = units().length;
  const seen: number[] = [];
  await buildCorpus(recipe, { out, base, onProgress: ({ stage, done }) => stage === 'read' && seen.push(done) });
  assert.equal(seen[0], left - 1, 'all but the cut one are taken over');
  assert.equal(seen.at(-1), FILES);
  const { directory, manifest } = await buildCorpus(recipe, { out, base });
  assert.equal(manifest.counts.read, FILES * 600);
  const { openCorpus } = await import('./directory/open-corpus.ts');
  let marked = 0;
  for (const split of ['train', 'validation', 'test'] as const) {
    for await (const { text } of openCorpus(directory).documents(split)) if (text.startsWith('留')) marked++;
  }
  assert.equal(marked, 1);
});

test('another recipe does not go on with what is left of the first', async () => {
  const out = join(folder, 'other');
  const child = startBuild(out);
  const exit = once(child, 'exit');
  while (!existsSync(join(`${out}.building`, 'work', '000000.unit')) && child.exitCode === null) await sleep(2);
  child.kill('SIGKILL');
  await exit;
  const other = { ...recipe, split: { ...recipe.split, seed: 2 } };
  await buildCorpus(other, { out, base });
  const expected = join(folder, 'expected');
  await buildCorpus(other, { out: expected, base });
  assert.deepEqual(contents(out), contents(expected));
});

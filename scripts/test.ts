/**
 * `npm test`: types, lint, unused code and import arrows, then every test; the first section that fails ends it.
 * `npm run test:slow`: only the *.slow.test.ts files (minutes each), with their output kept in build/test-slow.log.
 *
 * Arguments are taken as test files to run instead of all, after the same checks are left out:
 * `npm test -- packages/torch/src/tensor.test.ts`.
 */
import { spawn } from 'node:child_process';
import { createWriteStream, globSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const testRoots = '{packages/*/{src,scripts},apps/*/src,examples,tests,scripts,bench}';

interface Section {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** Biome colours even what goes into a file. */
const colours = process.stdout.isTTY ? [] : ['--colors=off'];

const checks: readonly Section[] = [
  { name: 'types (tsc)', command: tool('tsc'), args: ['--noEmit', '-p', '.'] },
  // Apart, for what runs in a browser sees other things than what runs in Node.
  { name: 'types of the page (tsc)', command: tool('tsc'), args: ['--noEmit', '-p', 'apps/playground'] },
  { name: 'format and lint (biome)', command: tool('biome'), args: ['ci', '--error-on-warnings', ...colours, '.'] },
  { name: 'nothing unused (knip)', command: tool('knip'), args: ['--no-progress', '--no-config-hints'] },
  {
    name: 'no export without a user (knip)',
    command: tool('knip'),
    args: ['--no-progress', '--no-config-hints', '--include-entry-exports', '--include', 'exports'],
  },
  { name: 'import arrows', command: process.execPath, args: ['scripts/check-arrows.ts'] },
];

function tool(name: string): string {
  return path.join(root, 'node_modules/.bin', name);
}

function testSection(files: readonly string[], slow: boolean): Section {
  // Each test process computes with one thread (see OMP_NUM_THREADS below), so as many run side by side as there are cores;
  // four at most, for each may hold a libtorch of some hundred MB.
  const concurrency = slow ? 1 : Math.min(4, availableParallelism());
  const reporters = ['spec', path.join(root, 'scripts/missing-data-reporter.ts')].flatMap((reporter) => [
    `--test-reporter=${reporter}`,
    '--test-reporter-destination=stdout',
  ]);
  return {
    name: slow ? 'slow tests' : `tests (${files.length} files, ${concurrency} at a time)`,
    command: process.execPath,
    args: ['--test', `--test-concurrency=${concurrency}`, ...reporters, ...files],
  };
}

function findTests(slow: boolean): string[] {
  return globSync(`${testRoots}/**/*.test.ts`, { cwd: root })
    .filter((file) => file.endsWith('.slow.test.ts') === slow)
    .sort();
}

/** Runs one section with its output passed on (and kept in `log`); resolves to its exit code. */
function run(section: Section, environment: NodeJS.ProcessEnv, log?: NodeJS.WritableStream): Promise<number> {
  const child = spawn(section.command, section.args, {
    cwd: root,
    env: environment,
    stdio: log === undefined ? 'inherit' : ['inherit', 'pipe', 'pipe'],
  });
  if (log !== undefined) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.pipe(process.stdout, { end: false });
      stream?.pipe(log, { end: false });
    }
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function openLog(file: string): NodeJS.WritableStream {
  mkdirSync(path.dirname(file), { recursive: true });
  return createWriteStream(file);
}

async function main(): Promise<number> {
  const slow = process.argv.includes('--slow');
  const named = process.argv.slice(2).filter((argument) => argument !== '--slow');
  const files = named.length > 0 ? named : findTests(slow);
  // Without a file `node --test` would look for tests by itself.
  if (files.length === 0) throw new Error(`no ${slow ? '*.slow.test.ts' : '*.test.ts'} file was found`);
  const sections = [...(slow || named.length > 0 ? [] : checks), testSection(files, slow)];
  // The tests expect English; those of Chinese messages ask for Chinese themselves. Slow tests may use all threads, the others share the cores.
  const environment = { ...process.env, LC_ALL: 'C', ...(slow ? {} : { OMP_NUM_THREADS: '1' }) };
  const log = slow ? openLog(path.join(root, 'build/test-slow.log')) : undefined;
  for (const section of sections) {
    console.log(`\n── ${section.name}`);
    const started = performance.now();
    const code = await run(section, environment, log);
    if (section !== sections.at(-1)) console.log(`   ${((performance.now() - started) / 1000).toFixed(1)} s`);
    if (code !== 0) {
      console.error(`── failed: ${section.name}`);
      return 1;
    }
  }
  return 0;
}

process.exitCode = await main();

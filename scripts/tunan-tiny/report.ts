/**
 * All figures of a run of tunan-tiny in one go: the loss against what was promised, bits per character by kind beside the 5-gram,
 * ZeroCLUE and FewCLUE with and without tuned heads, copying and safety. Each step is a command of tunan; what it found is kept as
 * OUT/STEP.json, and a step whose file is there is not done again, so that the program goes on where it was stopped.
 *
 *   npm run tunan-tiny:report -- --run runs/tunan-tiny --corpora data/tunan-tiny/prose,data/tunan-tiny/poems --fewclue DIR --out runs/tunan-tiny-figures
 *     [--steps training,bits,zeroclue,fewclue,fewclue-tuned,safety] [--baseline FILE] [--classifier DIR] [--limit N]
 *
 * `--limit` takes few examples of each task and few texts: a trial of the program, which the page says. Run it when nothing else runs on the machine.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeFolder, writeWhole } from '@tunan/files';
import { readRun } from '@tunan/training';
import { figuresMarkdown, readFigures } from './figures.ts';

const tunan = fileURLToPath(new URL('../../packages/cli/bin/tunan.mjs', import.meta.url));
const STEPS = ['training', 'bits', 'zeroclue', 'fewclue', 'fewclue-tuned', 'safety'];

const { values } = parseArgs({
  options: {
    run: { type: 'string', default: 'runs/tunan-tiny' },
    corpora: { type: 'string', default: 'data/tunan-tiny/prose,data/tunan-tiny/poems' },
    fewclue: { type: 'string', default: 'data/fewclue' },
    out: { type: 'string', default: 'runs/tunan-tiny-figures' },
    steps: { type: 'string', default: STEPS.join(',') },
    baseline: { type: 'string' },
    'baseline-mib': { type: 'string', default: '6144' },
    classifier: { type: 'string' },
    limit: { type: 'string' },
  },
});
const { run, corpora, fewclue, out, limit } = values;
const steps = values.steps.split(',');
const unknown = steps.find((step) => !STEPS.includes(step));
if (unknown !== undefined) {
  process.stderr.write(`no step ${unknown}; steps: ${STEPS.join(', ')}\n`);
  process.exit(2);
}

const { checkpoint: model, step: trained } = readRun(run);
makeFolder(out);
const few = limit === undefined ? [] : ['--limit', limit];
const place = (name: string) => path.join(out, name);

/** Runs a command that reports, unless its figures are there. */
function step(name: string, ...args: string[]): void {
  const file = place(`${name}.json`);
  if (existsSync(file)) return;
  process.stderr.write(`tunan ${args.join(' ')}\n`);
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const { status, stdout } = spawnSync(process.execPath, [tunan, ...args, '--json'], {
    stdio: [...stdio],
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) process.exit(status ?? 130);
  writeWhole(file, `${stdout.toString().trim().split('\n').at(-1)!}\n`);
}

const [prose, poems] = corpora.split(',');
const suite = (name: string) => ['eval', 'run', name, '--model', model, '--data', fewclue, ...few];
for (const name of steps) {
  if (name === 'training') step(name, 'train', 'report', run);
  if (name === 'bits') {
    const baseline = ['--baseline', values.baseline ?? corpora, '--baseline-mib', values['baseline-mib']];
    const kinds = ['--by', 'collection', '--kinds', fileURLToPath(new URL('kinds.json', import.meta.url))];
    const texts = ['--corpus', corpora, '--split', 'test', '--seen', corpora, ...few];
    step(name, 'eval', 'run', 'perplexity', '--model', model, ...texts, ...kinds, ...baseline, '--out', place(name));
  }
  if (name === 'zeroclue') step(name, ...suite(name), '--ablate', '--out', place(name));
  if (name === 'fewclue') step(name, ...suite(name), '--out', place(name));
  if (name === 'fewclue-tuned') step(name, ...suite('fewclue'), '--tune', '--out', place(name));
  if (name === 'safety') {
    const judge = values.classifier === undefined ? [] : ['--classifier', values.classifier];
    const samples = limit === undefined ? [] : ['--samples', limit, '--choices', '1'];
    for (const [corpus, folder] of Object.entries({ prose, poems })) {
      if (folder === undefined) continue;
      step(`safety-${corpus}`, 'eval', 'safety', '--model', model, '--corpus', folder, ...judge, ...samples);
    }
  }
}

const trial = limit === undefined ? undefined : `A trial of the program with ${limit} examples each: no results.`;
const page = place('figures.md');
writeWhole(page, `${figuresMarkdown(readFigures(out), trial)}\nStep ${trained} of ${run}.\n`);
process.stdout.write(`${page}\n`);

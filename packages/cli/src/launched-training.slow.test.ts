/**
 * `tunan train run` by several processes as they are started in earnest, and as they fail: the same curve under every launcher, and one
 * error that names the rank where one is lost.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { IndexedDatasetWriter } from '@tunan/tokenizer/shards';
import { MPIRUN_ENVIRONMENT, whyNoMpi } from '@tunan/torch/testing/run-ranks';
import { readRunLog } from '@tunan/training';
import { type Slurm, startSlurm, whyNoSlurm } from './testing/one-node-slurm.ts';

const binary = fileURLToPath(new URL('../bin/tunan.mjs', import.meta.url));
const torchrun = fileURLToPath(new URL('../../../.peers/bin/torchrun', import.meta.url));
const home = mkdtempSync(path.join(os.tmpdir(), 'tunan 多进程-'));
after(() => rmSync(home, { recursive: true }));
const at = (...names: string[]) => path.join(home, ...names);
const TOLERANCE = 1e-5;
const STEPS = 60;

const poems = Array.from({ length: 300 }, (_, i) => {
  const [season, sight] = ['春夏秋冬'[i % 4], '山水花月云'[i % 5]];
  return `题${season}${sight}\n${season}来见${sight}色，第${'一二三四五六七'[i % 7]}回相逢。`;
});
const tokenizerFile = at('tokenizer.json');
writeFileSync(tokenizerFile, JSON.stringify(await trainBpe(poems, { vocabularySize: 300 })));
const tokenizer = Tokenizer.load(tokenizerFile);
mkdirSync(at('tokens'));
{
  using writer = new IndexedDatasetWriter(at('tokens', 'train'), tokenizer.vocabularySize);
  for (const text of poems) writer.addDocument(Uint32Array.of(...tokenizer.encode(text), tokenizer.eod));
  const sha256 = createHash('sha256').update(readFileSync(tokenizerFile)).digest('hex');
  const made = { sha256, vocabularySize: tokenizer.vocabularySize, eod: tokenizer.eod };
  const splits = { train: { prefix: 'train', ...writer.finish() } };
  const manifest = { format: 'tunan-tokens', formatVersion: 1, tokenizer: made, splits };
  writeFileSync(at('tokens/tokens.json'), JSON.stringify(manifest));
}
const recipe = {
  model: { contextLength: 32, layers: 2, width: 32, heads: 2 },
  data: [{ corpus: at('tokens') }],
  sequenceLength: 32,
  microBatch: 2,
  globalBatch: 8,
  steps: STEPS,
  optimizer: { learningRate: 1e-2, warmupSteps: 5 },
  checkpoint: { every: 10, keep: 3 },
  threads: 1,
  precision: 'float32', // in bfloat16 another order of sums tells
};
writeFileSync(at('run.json'), JSON.stringify(recipe));

const lineOf = (file: string, out: string, ...more: string[]) => [
  ...[binary, 'train', 'run', at(file), '--tokenizer', tokenizerFile, '--out', at(out), '--lang', 'en'],
  ...more,
];
const line = (out: string, ...more: string[]) => lineOf('run.json', out, ...more);

function start(program: string, args: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TUNAN_THREADS: '1', ...environment },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, said })) };
}

/** The ranks of a launcher, in their order. */
function ranksOf({ pid }: ChildProcess): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

async function untilStep(out: string, step: number): Promise<void> {
  while (!existsSync(at(out, 'log.jsonl')) || readRunLog(at(out, 'log.jsonl')).length < step) await delay(20);
}

const losses = (out: string) => readRunLog(at(out, 'log.jsonl')).map(({ loss }) => loss);
const whole = start(process.execPath, line('whole')).ended;

async function assertCurve(out: string): Promise<void> {
  assert.equal((await whole).code, 0, (await whole).said);
  const expected = losses('whole');
  assert.equal(expected.length, STEPS);
  losses(out).forEach((loss, step) => {
    const wanted = expected[step]!;
    assert.ok(Math.abs(loss - wanted) <= TOLERANCE * wanted, `${out}, step ${step + 1}: ${loss} and ${wanted}`);
  });
  assert.equal(losses(out).length, STEPS);
}

/** Whether this Slurm was built to start processes of an MPI. */
function canPmix({ environment }: Slurm): boolean {
  const { stdout, stderr } = spawnSync('srun', ['--mpi=list'], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return /\bpmix\b/.test(stdout + stderr);
}

test('--nproc 3: a killed rank is named; with --max-restarts the run ends as one that was never disturbed', async () => {
  const args = line('killed', '--nproc', '3', '--max-restarts', '1', '--min-nproc', '2');
  const { child, ended } = start(process.execPath, args);
  await untilStep('killed', 25);
  process.kill(ranksOf(child)[1]!, 'SIGKILL');
  const { code, said } = await ended;
  assert.equal(code, 0, said);
  assert.match(said, /rank 1 of 3 was killed by SIGKILL .*; restart 1 of 1 with 2 processes/);
  await assertCurve('killed');
});

test('a rank that is stopped is named by the others, and ended; a damaged part of a checkpoint is left aside', async () => {
  const { child, ended } = start(process.execPath, line('hung', '--nproc', '2'), { TUNAN_RANK_SILENCE: '8' });
  await untilStep('hung', 35);
  process.kill(ranksOf(child)[1]!, 'SIGSTOP');
  const { code, said } = await ended;
  assert.equal(code, 1);
  assert.match(
    said,
    /error: rank 1 of 2 gave no sign of life for 8 s: stopped, or its machine is gone \(noticed at .*\)\n$/,
  );
  const finished = readdirSync(at('hung/checkpoints')).filter((name) => !name.endsWith('.partial'));
  const newest = finished.sort().at(-1);
  const part = at('hung/checkpoints', newest!, 'optimizer-00002-of-00002.safetensors');
  const bytes = readFileSync(part);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(part, bytes);
  const again = await start(process.execPath, line('hung', '--resume')).ended;
  assert.equal(again.code, 0, again.said);
  assert.match(again.said, /damaged, left aside: .*step-\d+\.damaged/);
  await assertCurve('hung');
});

test('torchrun starts it as it starts Python', { skip: !existsSync(torchrun) }, async () => {
  const args = ['--no-python', '--nproc-per-node', '2', '--standalone', process.execPath, ...line('torchrun')];
  const { code, said } = await start(torchrun, args).ended;
  assert.equal(code, 0, said);
  await assertCurve('torchrun');
});

test('mpirun starts it; over MPI the losses are those over Gloo to the last bit', { skip: whyNoMpi() }, async () => {
  const run = async (out: string, ...more: string[]) => {
    const args = ['-n', '2', process.execPath, ...line(out, ...more)];
    const { code, said } = await start('mpirun', args, MPIRUN_ENVIRONMENT).ended;
    assert.equal(code, 0, said);
  };
  await run('mpirun');
  await assertCurve('mpirun');
  await run('over MPI', '--backend', 'mpi');
  assert.deepEqual(losses('over MPI'), losses('mpirun')); // of two processes: a sum of two has one order
});

test('over MPI a killed rank ends the run, and --resume goes on', { skip: whyNoMpi() }, async () => {
  const args = ['-n', '2', process.execPath, ...line('MPI killed', '--backend', 'mpi', '--resume-if-present')];
  const { child, ended } = start('mpirun', args, MPIRUN_ENVIRONMENT);
  await untilStep('MPI killed', 25);
  process.kill(ranksOf(child)[1]!, 'SIGKILL');
  const { code, said } = await ended;
  assert.notEqual(code, 0);
  assert.match(said, /process rank 1 .*exited on signal 9/);
  const again = await start('mpirun', args, MPIRUN_ENVIRONMENT).ended;
  assert.equal(again.code, 0, again.said);
  await assertCurve('MPI killed');
});

test('srun starts it, over Gloo and over MPI', { skip: whyNoSlurm() }, async () => {
  await using slurm = await startSlurm(2);
  const run = async (options: readonly string[], out: string, ...more: string[]) => {
    const args = [...options, '-n', '2', process.execPath, ...line(out, ...more)];
    const { code, said } = await start('srun', args, slurm.environment).ended;
    assert.equal(code, 0, said);
    await assertCurve(out);
  };
  await run([], 'srun');
  if (!whyNoMpi() && canPmix(slurm)) await run(['--mpi=pmix'], 'srun over MPI', '--backend', 'mpi');
});

test('tensor ranks: a run that lost one goes on with a model less', async () => {
  const layout = ['--nproc', '4', '--tensor-parallel', '2', '--max-restarts', '1', '--min-nproc', '2'];
  const { child, ended } = start(process.execPath, line('pairs', ...layout));
  await untilStep('pairs', 25);
  process.kill(ranksOf(child)[2]!, 'SIGKILL');
  const { code, said } = await ended;
  assert.equal(code, 0, said);
  assert.match(said, /rank 2 of 4 was killed by SIGKILL .*; restart 1 of 1 with 2 processes/);
  await assertCurve('pairs');
});

const KILLS = 40;

/** Numbers from 0 to 1 (a linear congruential generator). */
function draws(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Hashes of what the last checkpoint holds of weights and moments. */
function stateOf(out: string, step: number): Record<string, string> {
  const directory = at(out, 'checkpoints', `step-${step}`);
  const names = readdirSync(directory).filter((name) => name.endsWith('.safetensors'));
  return Object.fromEntries(
    names.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(path.join(directory, name)))
        .digest('hex'),
    ]),
  );
}

test(`${KILLS} kills of ranks, seeded: the weights, to the last bit, of a run that was never disturbed`, async () => {
  const steps = 260;
  writeFileSync(at('many.json'), JSON.stringify({ ...recipe, steps, checkpoint: { every: 4, keep: 2 } }));
  const calm = await start(process.execPath, lineOf('many.json', 'calm', '--nproc', '2')).ended;
  assert.equal(calm.code, 0, calm.said);
  const args = lineOf('many.json', 'killed often', '--nproc', '2', '--max-restarts', String(KILLS));
  const { child, ended } = start(process.execPath, args);
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const until = async <T>(look: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (isOver) assert.fail(`the run ended early: ${(await ended).said}`);
      await delay(10);
    }
  };
  const log = at('killed often', 'log.jsonl');
  const lastStep = () => (existsSync(log) ? (readRunLog(log).at(-1)?.step ?? 0) : 0);
  const draw = draws(16);
  let before: readonly number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const ranks = await until(() => {
      const living = ranksOf(child).filter((rank) => rank > 0 && !before.includes(rank));
      return living.length === 2 ? living : undefined;
    });
    // Somewhere in its start, or some steps on: beyond what the log held before.
    const step = lastStep() + 1 + Math.floor(6 * draw());
    if (draw() < 1 / 8) await delay(3000 * draw());
    else await until(() => (lastStep() >= step ? true : undefined));
    process.kill(ranks[Math.floor(2 * draw())]!, 'SIGKILL');
    before = ranks;
  }
  const { code, said } = await ended;
  assert.equal(code, 0, said);
  assert.equal(said.match(/; restart \d+ of 40 with 2 processes/g)?.length, KILLS, said);
  assert.deepEqual(losses('killed often'), losses('calm'));
  assert.deepEqual(stateOf('killed often', steps), stateOf('calm', steps));
});

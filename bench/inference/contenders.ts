// Who takes part: servers, started as a user starts them, and programs that answer loads on standard input.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Load, Took } from './load.ts';
import type { BenchModel } from './models.ts';
import { loadServer } from './server-load.ts';

const root = path.resolve(import.meta.dirname, '../..');
/** Loading 0.5 GB and, for Python, its libraries. */
const START_SECONDS = 240;

export interface Setting {
  readonly model: BenchModel;
  readonly threads: number;
  /** Most streams of any load. */
  readonly streams: number;
  readonly llamaServer: string;
  readonly python: string;
  readonly vllm: string;
  /** Folder in which node-llama-cpp is installed. */
  readonly nodeLlamaCpp: string;
}

export interface Running {
  readonly pid: number | undefined;
  run(load: Load): Promise<Took>;
  stop(): Promise<void>;
}

type Contender = (setting: Setting) => Promise<Running>;

export const contenders: Readonly<Record<string, Contender>> = {
  'tunan torch': (setting) => tunan(setting, setting.model.directory),
  'tunan llama.cpp': (setting) => tunan(setting, setting.model.gguf),
  'llama-server': llamaServer,
  'node-llama-cpp': (setting) =>
    program(process.execPath, [
      path.join(import.meta.dirname, 'node-llama-cpp.mjs'),
      path.resolve(setting.nodeLlamaCpp),
      setting.model.gguf,
      String(setting.threads),
      String(setting.streams),
      String(setting.model.contextLength),
    ]),
  transformers: ({ python, model, threads }) =>
    program(python, [path.join(import.meta.dirname, 'transformers_generate.py'), model.directory, String(threads)]),
  vllm,
};

/** Keys and values of all streams, with room for the larger model: 12 layers of 2 x 768 numbers of 4 bytes at each position. */
const cacheMebibytes = ({ streams, model }: Setting): number =>
  Math.ceil((streams * model.contextLength * 12 * 2 * 768 * 4) / 2 ** 20);

async function tunan(setting: Setting, source: string): Promise<Running> {
  const port = await freePort();
  const args = [path.join(root, 'packages/cli/src/main.ts'), 'serve', '--model', `bench=${source}`];
  args.push('--port', String(port), '--batch-size', String(setting.streams));
  args.push('--cache-mib', String(cacheMebibytes(setting)), '--threads', String(setting.threads));
  return server(spawnQuietly(process.execPath, args), port, 'bench');
}

async function llamaServer({ llamaServer: file, model, threads, streams }: Setting): Promise<Running> {
  const port = await freePort();
  const args = ['-m', model.gguf, '--port', String(port), '-np', String(streams), '-t', String(threads)];
  args.push('-c', String(streams * model.contextLength), '--no-webui', '--log-disable');
  return server(spawnQuietly(file, args), port, 'bench');
}

async function vllm({ vllm: file, model, threads, streams }: Setting): Promise<Running> {
  const port = await freePort();
  const args = ['serve', model.directory, '--port', String(port), '--max-num-seqs', String(streams)];
  args.push('--dtype', 'float32', '--max-model-len', String(model.contextLength), '--served-model-name', 'bench');
  const environment = { VLLM_CPU_OMP_THREADS_BIND: `0-${threads - 1}`, VLLM_CPU_KVCACHE_SPACE: '4' };
  return server(spawnQuietly(file, args, environment), port, 'bench');
}

function spawnQuietly(file: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(file, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
    cwd: root,
  });
}

async function server(child: ChildProcess, port: number, model: string): Promise<Running> {
  const url = `http://127.0.0.1:${port}`;
  const ended = endOf(child);
  const end = performance.now() + START_SECONDS * 1000;
  while (!(await isReady(url))) {
    await Promise.race([sleep(200), ended]);
    if (performance.now() < end) continue;
    child.kill();
    throw new Error(`${child.spawnfile} does not answer after ${START_SECONDS} s`);
  }
  return {
    pid: child.pid,
    run: (load) => Promise.race([loadServer(url, model, load), ended]),
    stop: async () => {
      ended.catch(() => undefined);
      child.kill('SIGINT');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (
      (await fetch(`${url}/v1/models`)).ok && (await fetch(`${url}/health`).catch(() => undefined))?.status !== 503
    );
  } catch {
    return false;
  }
}

/** Rejects when the process ends, with the end of what it said. */
function endOf(child: ChildProcess): Promise<never> {
  let said = '';
  child.stderr?.on('data', (data: Buffer) => {
    said = (said + data.toString()).slice(-2000);
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${child.spawnfile} ended (${code ?? signal}): ${said}`)));
  });
  ended.catch(() => undefined);
  // None outlives the bench, however it ends.
  process.once('exit', () => child.kill());
  return ended;
}

/** A line of JSON for each load, and a line for each answer; a first line says that it is ready. */
async function program(file: string, args: readonly string[]): Promise<Running> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = endOf(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await Promise.race([lines.next(), ended])).value);
  await next();
  return {
    pid: child.pid,
    run: async (load) => {
      child.stdin.write(`${JSON.stringify(load)}\n`);
      return JSON.parse(await next()) as Took;
    },
    stop: async () => {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

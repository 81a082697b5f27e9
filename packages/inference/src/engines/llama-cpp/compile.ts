/**
 * ggml's library for the CPU, compiled on the machine for its own processor; llama.cpp itself stays npm's. The source is in npm's tarball
 * of node-llama-cpp, of the same release, and is held to the hash that the registry tells of it.
 *
 * The result lies in the user's cache under a name made of release and processor, so that a home folder which several machines share
 * has one for each. Linux alone: elsewhere npm's libraries stay in use. Why: docs/decisions/0030.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { InferenceError } from '../../errors.ts';
import { compiledFolder, packagedFolder, RELEASE } from './folders.ts';

/** `dist.integrity` of that release. */
const SOURCE_HASH = 'sha512-E3N0Ev2Va0wzydvXYFwM9Hvyo07PoWjt8T/9GMc43Cvt8YkV/NU/tYUgEMC1grTPv2o9PRjQi0G3Wb5P/awiMg==';
const SOURCE = 'package/llama/gitRelease.bundle';
const LOG_BYTES = 2 ** 26;

/** ggml refuses GGML_NATIVE for a library that is loaded by name, as those of npm are. */
const processorFlag = process.arch === 'arm64' ? '-mcpu=native' : '-march=native';
const configuration = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DBUILD_SHARED_LIBS=ON',
  '-DGGML_BACKEND_DL=ON',
  '-DGGML_NATIVE=OFF',
  '-DGGML_OPENMP=OFF',
  `-DCMAKE_C_FLAGS=${processorFlag}`,
  `-DCMAKE_CXX_FLAGS=${processorFlag}`,
  ...['CURL', 'OPENSSL', 'BUILD_TESTS', 'BUILD_EXAMPLES', 'BUILD_TOOLS', 'BUILD_SERVER'].map(
    (name) => `-DLLAMA_${name}=OFF`,
  ),
];

export type CompileStep = 'source' | 'compile';

/**
 * Compiles it where it is not there yet: some minutes.
 * @throws InferenceError INFERENCE_NO_LLAMA_CPP with what was missing or failed
 */
export async function compileLlamaCpp(
  onStep?: (step: CompileStep) => void,
): Promise<{ folder: string; built: boolean }> {
  const folder = compiledFolder();
  if (folder === undefined) throw failed('Linux alone', '只支持 Linux');
  if (existsSync(folder)) return { folder, built: false };
  const packaged = packagedFolder();
  const work = `${folder}.${randomUUID()}.building`;
  mkdirSync(work, { recursive: true });
  try {
    const finished = path.join(work, 'finished');
    mkdirSync(finished);
    for (const file of readdirSync(packaged).filter((name) => /^lib(ggml|llama)\.v[\d.]+\.so$/.test(name)))
      copyFileSync(path.join(packaged, file), path.join(finished, file));
    onStep?.('source');
    const source = await unpackSource(work);
    onStep?.('compile');
    const build = path.join(work, 'build');
    await run(work, 'cmake', ['-S', source, '-B', build, ...configuration]);
    await run(work, 'cmake', ['--build', build, '--target', 'ggml-cpu', '--parallel', String(availableParallelism())]);
    for (const name of ['libggml-base.so', 'libggml-cpu.so'])
      copyFileSync(path.join(build, 'bin', name), path.join(finished, name));
    if (!existsSync(folder)) renameSync(finished, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return { folder, built: true };
}

async function unpackSource(work: string): Promise<string> {
  await run(work, 'npm', ['pack', `node-llama-cpp@${RELEASE}`, '--silent']);
  const tarball = path.join(work, `node-llama-cpp-${RELEASE}.tgz`);
  const hash = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  if (hash !== SOURCE_HASH)
    throw failed(`node-llama-cpp ${RELEASE} is not what it was`, `node-llama-cpp ${RELEASE} 与原先不同`);
  await run(work, 'tar', ['xzf', tarball, SOURCE]);
  const source = path.join(work, 'source');
  await run(work, 'git', ['clone', '--quiet', path.join(work, SOURCE), source]);
  return source;
}

async function run(folder: string, command: string, given: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(command, given, { cwd: folder, maxBuffer: LOG_BYTES });
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    const last =
      (stderr ?? '')
        .trim()
        .split('\n')
        .findLast((line) => line.trim() !== '') ?? message;
    throw failed(`${command}: ${last}`, `${command}：${last}`, cause);
  }
}

function failed(en: string, zh: string, cause?: unknown): InferenceError {
  const message = {
    en: `llama.cpp was not compiled (${en}); it takes cmake, a C++ compiler, git and npm, and without it npm's libraries go on serving`,
    zh: `llama.cpp 未能编译（${zh}）；需要 cmake、C++ 编译器、git 与 npm，未编译时仍使用 npm 自带的库`,
  };
  return new InferenceError('INFERENCE_NO_LLAMA_CPP', message, { cause });
}

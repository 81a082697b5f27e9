/**
 * Compiles native/ with CMake against the libtorch that is found. The result is content-addressed: its folder in the user's cache
 * is named by a hash of the sources, the libtorch and the compiler's platform, so that a second checkout or an installed package
 * with the same sources finds it built, and a change of either builds anew. TUNAN_SANITIZE=address builds beside it one that
 * AddressSanitizer watches. What calls MPI is a library of its own beside the addon, made where an MPI's compiler is found: the addon
 * is the same with and without.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, homedir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TorchError } from '../errors.ts';
import { findLibtorch, type Libtorch } from './find-libtorch.ts';

/** The names of the compiled files inside their cache folder. */
const ADDON_NAME = 'tunan_torch.node';
const MPI_NAME = 'tunan_mpi.so';
const NATIVE_DIRECTORY = fileURLToPath(new URL('../../native/', import.meta.url));

function cacheDirectory(): string {
  return process.env.TUNAN_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tunan');
}

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function buildKey(libtorch: Libtorch): string {
  const hash = createHash('sha256');
  for (const file of sourceFiles(NATIVE_DIRECTORY)) {
    hash.update(file.slice(NATIVE_DIRECTORY.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  const { version, libraries, cuda, cudaIncludes } = libtorch;
  const { platform, arch, env } = process;
  hash.update(JSON.stringify([version, libraries, cuda, cudaIncludes, platform, arch, env.TUNAN_SANITIZE]));
  return hash.digest('hex').slice(0, 16);
}

/** Where the addon for these sources and this libtorch is, or will be built. */
export function addonPath(libtorch: Libtorch = findLibtorch()): string {
  return join(cacheDirectory(), `addon-${buildKey(libtorch)}`, ADDON_NAME);
}

/** Where the library for MPI is, if this machine has an MPI. */
export function mpiPath(): string {
  return join(dirname(addonPath()), MPI_NAME);
}

function packageDirectory(name: string): string {
  return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
}

/**
 * PyPI's torch was compiled with the strings of the old libstdc++ ABI before 2.7; an addon compiled with the other would not load.
 * The symbol is c10::Error's constructor, which takes such a string.
 */
function hasOldStrings({ libraries }: Libtorch): boolean {
  const core = join(libraries, 'libc10.so');
  return existsSync(core) && readFileSync(core).includes('_ZN3c105ErrorC1ENS_14SourceLocationESs');
}

function configureArguments(libtorch: Libtorch, build: string): string[] {
  const [major = 0, minor = 0] = libtorch.version.split('.').map(Number);
  const modern = major > 2 || (major === 2 && minor >= 9);
  const libraries = ['torch', 'torch_cpu', 'c10', ...(libtorch.cuda ? ['torch_cuda', 'c10_cuda'] : [])];
  return [
    '-S',
    NATIVE_DIRECTORY,
    '-B',
    build,
    '-DCMAKE_BUILD_TYPE=Release',
    `-DCMAKE_CXX_STANDARD=${modern ? 20 : 17}`,
    `-DTUNAN_NODE_API_INCLUDE=${join(packageDirectory('node-api-headers'), 'include')}`,
    `-DTUNAN_NODE_ADDON_API_INCLUDE=${packageDirectory('node-addon-api')}`,
    `-DTUNAN_TORCH_INCLUDE=${libtorch.includes.join(';')}`,
    `-DTUNAN_TORCH_LIBRARY=${libtorch.libraries}`,
    `-DTUNAN_TORCH_LIBRARIES=${libraries.join(';')}`,
    ...(libtorch.cudaIncludes.length > 0 ? [`-DTUNAN_CUDA_INCLUDE=${libtorch.cudaIncludes.join(';')}`] : []),
    ...(process.env.TUNAN_SANITIZE ? [`-DTUNAN_SANITIZE=${process.env.TUNAN_SANITIZE}`] : []),
    ...(hasOldStrings(libtorch) ? ['-DTUNAN_CXX11_ABI=0'] : []),
  ];
}

/** Compilers at a time: one a core, as far as memory goes. Left to itself make starts one a file, and each takes up to 2 GB. */
function compilers(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / 2 ** 31)));
}

function run(command: string, args: readonly string[], log: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const output = createWriteStream(log, { flags: 'a' });
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(output, { end: false });
    child.stderr.pipe(output, { end: false });
    child.on('error', (cause) =>
      reject(
        new TorchError(
          'TORCH_BUILD_FAILED',
          {
            en: `could not run ${command}; install a C++ compiler and CMake first`,
            zh: `无法运行 ${command}；请先安装 C++ 编译器与 CMake`,
          },
          { cause },
        ),
      ),
    );
    child.on('close', (code) => {
      output.end();
      if (code === 0) resolve();
      else {
        const said = {
          en: `${command} failed with code ${code}; the log is ${log}`,
          zh: `${command} 失败（退出码 ${code}）；日志见 ${log}`,
        };
        reject(new TorchError('TORCH_BUILD_FAILED', said));
      }
    });
  });
}

export interface BuildResult {
  readonly path: string;
  readonly libtorch: Libtorch;
  /** False where the addon stood ready in the cache. */
  readonly built: boolean;
  /** The library for groups over MPI; undefined where no mpicc is found. */
  readonly mpi: string | undefined;
}

/** Milliseconds that no build takes: what is older was left by one that was interrupted. */
const ABANDONED = 6 * 3600 * 1000;

function removeAbandoned(cache: string): void {
  for (const name of readdirSync(cache).filter((entry) => /\.building(\.finished)?$/.test(entry))) {
    const folder = join(cache, name);
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > ABANDONED) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Builds the addon where it is not yet built. Two builders at once do not disturb each other: each works in a folder of its own
 * and the finished one is renamed into place.
 * @throws TorchError TORCH_LIBTORCH_MISSING, TORCH_BUILD_FAILED (with the log's path).
 */
export async function buildAddon(onStart?: (libtorch: Libtorch) => void): Promise<BuildResult> {
  const libtorch = findLibtorch();
  const path = addonPath(libtorch);
  if (existsSync(path)) return { path, libtorch, built: false, mpi: await buildMpi(path) };
  onStart?.(libtorch);
  const target = dirname(path);
  mkdirSync(dirname(target), { recursive: true });
  removeAbandoned(dirname(target));
  const work = `${target}.${randomUUID()}.building`;
  const log = `${target}.log`;
  rmSync(log, { force: true });
  mkdirSync(work);
  const finished = `${work}.finished`;
  try {
    await run('cmake', configureArguments(libtorch, work), log);
    await run('cmake', ['--build', work, '--config', 'Release', '--parallel', String(compilers())], log);
    mkdirSync(finished);
    renameSync(join(work, ADDON_NAME), join(finished, ADDON_NAME));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  try {
    renameSync(finished, target);
  } catch (error) {
    rmSync(finished, { recursive: true });
    if (!existsSync(path)) throw error; // else another builder was first; both made the same thing
  }
  return { path, libtorch, built: true, mpi: await buildMpi(path) };
}

/**
 * Beside the addon, in a second or two, with the compiler that an MPI brings (Open MPI, MPICH): it knows where its headers and libraries are.
 * @throws TorchError TORCH_BUILD_FAILED
 */
async function buildMpi(addon: string): Promise<string | undefined> {
  const folder = dirname(addon);
  const path = join(folder, MPI_NAME);
  if (existsSync(path)) return path;
  if (spawnSync('mpicc', ['--version'], { stdio: 'ignore' }).status !== 0) return undefined;
  const part = join(folder, `${MPI_NAME}.${randomUUID()}`);
  const log = `${folder}.log`;
  try {
    const source = join(NATIVE_DIRECTORY, 'mpi', 'mpi-calls.c');
    await run('mpicc', ['-std=c11', '-O2', '-Wall', '-fPIC', '-shared', '-o', part, source], log);
    renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
  return path;
}

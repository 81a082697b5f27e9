/**
 * Finds the libtorch to build against: TUNAN_LIBTORCH, else a Python torch >= 2.4, else the system's libtorch-dev. Only paths are
 * looked at; nothing is imported or loaded.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TorchError } from '../errors.ts';

export interface Libtorch {
  /** What decided: the environment variable, Python's package or the system's. */
  readonly source: 'TUNAN_LIBTORCH' | 'python' | 'system';
  readonly version: string;
  readonly includes: readonly string[];
  /** Directory of libtorch.so / libtorch.dylib. */
  readonly libraries: string;
  readonly cuda: boolean;
  /** Directories of CUDA's and NCCL's headers, with which NCCL groups and graphs are compiled; empty where any of them is missing. */
  readonly cudaIncludes: readonly string[];
  /** Of a libtorch with CUDA. */
  readonly missingCudaHeaders: readonly string[];
}

const OLDEST_PYTHON_TORCH = [2, 4] as const;
const OLDEST_SYSTEM_TORCH = [1, 13] as const;
const LIBRARY_NAME = process.platform === 'darwin' ? 'libtorch.dylib' : 'libtorch.so';
const CUDA_LIBRARY_NAME = 'libtorch_cuda.so';

/** Of the headers that NCCL groups and graphs are compiled with, one of each part of CUDA that they come with. */
const CUDA_HEADERS = [
  'cuda_runtime_api.h',
  'crt/host_defines.h',
  'nv/target',
  'cublas_v2.h',
  'cusparse.h',
  'cusolverDn.h',
  'nccl.h',
];

/**
 * Beside PyPI's torch lie the packages of the CUDA that it was compiled with, most of the headers too (nvidia/NAME/include); other builds go
 * with a toolkit.
 */
function cudaOf(libraries: string): Pick<Libtorch, 'cuda' | 'cudaIncludes' | 'missingCudaHeaders'> {
  if (!existsSync(join(libraries, CUDA_LIBRARY_NAME))) return { cuda: false, cudaIncludes: [], missingCudaHeaders: [] };
  const packages = join(libraries, '../../nvidia');
  const { CUDA_HOME: home } = process.env;
  const folders = existsSync(packages)
    ? readdirSync(packages).map((name) => join(packages, name, 'include'))
    : [...(home ? [join(home, 'include')] : []), '/usr/local/cuda/include', '/usr/include'];
  const cudaIncludes = folders.filter((folder) => existsSync(folder)).sort();
  const missing = CUDA_HEADERS.filter((header) => !cudaIncludes.some((folder) => existsSync(join(folder, header))));
  return { cuda: true, cudaIncludes: missing.length > 0 ? [] : cudaIncludes, missingCudaHeaders: missing };
}

/** What installs the headers that are missing: PyPI's torch leaves out those of CUDA's compiler, and CUDA 12's some more. */
export function cudaHeadersHint({ libraries, missingCudaHeaders: missing }: Libtorch): string {
  const runtime = ['cuda_runtime', 'cu13']
    .map((name) => join(libraries, '../../nvidia', name, 'include/cuda_runtime_api.h'))
    .find((path) => existsSync(path));
  const version = runtime && /#define CUDART_VERSION +(\d+)/.exec(readFileSync(runtime, 'utf8'))?.[1];
  if (!version) return 'CUDA toolkit + libnccl-dev (CUDA_HOME), npx tunan setup';
  const [major, minor] = [Math.floor(Number(version) / 1000), Math.floor((Number(version) % 1000) / 10)];
  const packages = missing.flatMap((header) => {
    if (header === 'crt/host_defines.h') return [major < 13 ? 'nvidia-cuda-nvcc-cu12' : 'nvidia-cuda-crt'];
    return header === 'nv/target' ? [major < 13 ? 'nvidia-cuda-cccl-cu12' : 'nvidia-cuda-cccl'] : [];
  });
  return `python3 -m pip install ${packages.map((name) => `'${name}==${major}.${minor}.*'`).join(' ')} && npx tunan setup`;
}

function versionIn(includes: readonly string[]): string | undefined {
  for (const include of includes) {
    for (const header of ['torch/version.h', 'torch/headeronly/version.h']) {
      const path = join(include, header);
      if (!existsSync(path)) continue;
      const text = readFileSync(path, 'utf8');
      const part = (name: string) => text.match(new RegExp(`#define TORCH_VERSION_${name} (\\d+)`))?.[1];
      const [major, minor, patch] = [part('MAJOR'), part('MINOR'), part('PATCH')];
      if (major && minor && patch) return `${major}.${minor}.${patch}`;
    }
  }
  return undefined;
}

/** A libtorch in the layout of the release archives and of Python's package: include/ and lib/ side by side. */
function atPrefix(prefix: string, source: Libtorch['source']): Libtorch | undefined {
  const includes = [join(prefix, 'include'), join(prefix, 'include/torch/csrc/api/include')];
  const libraries = ['lib', 'lib64']
    .map((name) => join(prefix, name))
    .find((path) => existsSync(join(path, LIBRARY_NAME)));
  const version = versionIn([includes[1]!, includes[0]!]);
  if (libraries === undefined || version === undefined) return undefined;
  return { source, version, includes, libraries, ...cudaOf(libraries) };
}

function pythonPrefix(): string | undefined {
  const program =
    'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s else "")';
  try {
    const output = execFileSync('python3', ['-c', program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return output.trim() || undefined;
  } catch {
    return undefined; // no python3, or one that cannot run: the system's libtorch is next in order
  }
}

function systemLibtorch(): Libtorch | undefined {
  const architecture = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch as string];
  const libraries = [`/usr/lib/${architecture}`, '/usr/lib64', '/usr/lib', '/usr/local/lib', '/opt/homebrew/lib'];
  for (const directory of libraries) {
    if (!existsSync(join(directory, LIBRARY_NAME))) continue;
    const prefix = directory.startsWith('/usr/local')
      ? '/usr/local'
      : directory.startsWith('/opt')
        ? '/opt/homebrew'
        : '/usr';
    const includes = [join(prefix, 'include'), join(prefix, 'include/torch/csrc/api/include')];
    const version = versionIn([includes[1]!, includes[0]!]);
    if (version === undefined || !atLeast(version, OLDEST_SYSTEM_TORCH)) continue;
    return { source: 'system', version, includes, libraries: directory, ...cudaOf(directory) };
  }
  return undefined;
}

function atLeast(version: string, oldest: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

/** The command that installs what is missing on this machine. */
export function libtorchHint(): string {
  if (process.platform === 'darwin') return 'brew install pytorch cmake libomp';
  if (existsSync('/etc/debian_version')) {
    return 'sudo apt-get install -y g++ cmake make libtorch-dev libopenblas0-openmp libgloo-dev libdnnl-dev';
  }
  return 'pip install torch (2.4 or newer), or set TUNAN_LIBTORCH to an unpacked libtorch';
}

/**
 * The libtorch that the addon is built against.
 * @throws TorchError TORCH_LIBTORCH_MISSING where none is found, or TUNAN_LIBTORCH names something else.
 */
export function findLibtorch(): Libtorch {
  const named = process.env.TUNAN_LIBTORCH;
  if (named) {
    const found = atPrefix(named, 'TUNAN_LIBTORCH');
    if (found) return found;
    throw new TorchError('TORCH_LIBTORCH_MISSING', {
      en: `TUNAN_LIBTORCH=${named} holds no libtorch (lib/${LIBRARY_NAME} and include/ are looked for); unset it or correct it`,
      zh: `TUNAN_LIBTORCH=${named} 处没有 libtorch（应有 lib/${LIBRARY_NAME} 与 include/）；请取消或更正该变量`,
    });
  }
  const prefix = pythonPrefix();
  const python = prefix === undefined ? undefined : atPrefix(prefix, 'python');
  if (python && atLeast(python.version, OLDEST_PYTHON_TORCH)) return python;
  const system = systemLibtorch();
  if (system) return system;
  throw new TorchError('TORCH_LIBTORCH_MISSING', {
    en: `no libtorch found; install it with: ${libtorchHint()}`,
    zh: `未找到 libtorch；请安装：${libtorchHint()}`,
  });
}

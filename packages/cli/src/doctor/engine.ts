/**
 * Checks of the engine: which libtorch, whether the addon is built and loads, which BLAS and OpenMP it really loaded,
 * CUDA devices, what processes that train together can talk by.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import {
  cudaHeadersHint,
  type EngineInfo,
  engineInfo,
  findLibtorch,
  groupBackends,
  libtorchHint,
  TorchError,
} from '@tunan/torch';
import { text } from '../language.ts';
import type { Finding } from './finding.ts';

export interface EngineFindings {
  readonly findings: readonly Finding[];
  /** Whether the addon is there and loads: then no compiler is needed. */
  readonly addonLoads: boolean;
}

export function checkEngine(): EngineFindings {
  const libtorch = checkLibtorch();
  if (libtorch.status === 'fail') return { findings: [libtorch], addonLoads: false };
  const { finding, info } = checkAddon();
  if (info === undefined) return { findings: [libtorch, finding], addonLoads: false };
  const loaded = loadedLibraries();
  return {
    findings: [
      libtorch,
      finding,
      checkBlas(loaded, info),
      checkOpenMp(loaded),
      checkCuda(info.cudaDevices),
      checkGroups(),
    ],
    addonLoads: true,
  };
}

function checkLibtorch(): Finding {
  const name = 'libtorch';
  try {
    const { version, source, libraries, cuda } = findLibtorch();
    return { name, status: 'ok', found: `${version}${cuda ? ' CUDA' : ''} (${source}, ${libraries})` };
  } catch (error) {
    if (!(error instanceof TorchError)) throw error;
    return { name, status: 'fail', found: error.message, fix: libtorchHint() };
  }
}

function checkAddon(): { finding: Finding; info?: EngineInfo } {
  const name = text('addon', '原生扩展');
  try {
    const info = engineInfo();
    const kernels = info.oneDnn ? 'oneDNN' : text('without oneDNN', '无 oneDNN');
    const found = text(`loads, libtorch ${info.version}, ${kernels}`, `可加载，libtorch ${info.version}，${kernels}`);
    return { finding: { name, status: 'ok', found }, info };
  } catch (error) {
    if (!(error instanceof TorchError)) throw error;
    return { finding: { name, status: 'fail', found: error.message, fix: 'npx tunan setup' } };
  }
}

/** The libraries in this process's memory map: what the loader really took, for Debian chooses behind links. */
function loadedLibraries(): string[] {
  if (process.platform !== 'linux') return [];
  const maps = readFileSync('/proc/self/maps', 'utf8');
  return [...new Set(maps.match(/\/\S*\.so[.\d]*/g))];
}

function checkBlas(loaded: readonly string[], info: EngineInfo): Finding {
  const name = 'BLAS';
  const file = loaded.find((path) => /openblas|libblas|libmkl|atlas/.test(path));
  if (file === undefined) {
    const inside = /BLAS_INFO=(\w+)/.exec(info.configuration)?.[1];
    const found = text('inside libtorch', 'libtorch 内置') + (inside === undefined ? '' : ` (${inside})`);
    return { name, status: 'ok', found };
  }
  const packageName = 'libopenblas0-openmp';
  if (file.includes('openblas-pthread')) {
    const found = text(
      `${file}: its threads fight with OpenMP's, half the speed`,
      `${file}：其线程与 OpenMP 冲突，速度减半`,
    );
    const folder = file.slice(0, file.indexOf('openblas-pthread'));
    const links = ['libblas.so.3', 'liblapack.so.3', 'libopenblas.so.0'].map((library) => {
      const link = `${library}-${folder.split('/').at(-2)}`;
      return `sudo update-alternatives --set ${link} ${folder}openblas-openmp/${library}`;
    });
    return { name, status: 'warn', found, fix: [`sudo apt-get install -y ${packageName}`, ...links].join(' && ') };
  }
  if (/openblas|mkl/.test(file)) {
    const core = info.blasCore === '' ? '' : text(` (kernels: ${info.blasCore})`, `（内核：${info.blasCore}）`);
    return { name, status: 'ok', found: file + core };
  }
  const found = text(`${file}: a reference BLAS, many times slower`, `${file}：参考实现，慢很多倍`);
  return { name, status: 'warn', found, fix: `sudo apt-get install -y ${packageName}` };
}

/** Two OpenMP runtimes in a process keep two sets of threads that wait for each other's cores. */
function checkOpenMp(loaded: readonly string[]): Finding {
  const name = 'OpenMP';
  const runtimes = loaded.filter((path) => /\/lib(gomp|omp|iomp5)[-.]/.test(path));
  if (runtimes.length < 2) return { name, status: 'ok', found: runtimes[0] ?? text('of libtorch', '由 libtorch 自带') };
  const found = text(
    `two runtimes, their threads fight: ${runtimes.join(' ')}`,
    `两个运行库，线程互相争抢：${runtimes.join(' ')}`,
  );
  return { name, status: 'warn', found, fix: `LD_PRELOAD=${runtimes[0]} npx tunan …` };
}

/** With NCCL come the graphs: both are compiled with CUDA's headers. */
function checkGroups(): Finding {
  const name = text('process groups', '进程组');
  const libtorch = findLibtorch();
  const backends = groupBackends();
  const found = backends.join(', ') || text('none: training is by one process', '无：只能以单个进程训练');
  const { missingCudaHeaders: missing } = libtorch;
  if (missing.length === 0) return { name, status: 'ok', found };
  return {
    name,
    status: 'warn',
    found: `${found}${text(`; without NCCL and CUDA graphs: no ${missing.join(', ')}`, `；无 NCCL 与 CUDA 图：缺少 ${missing.join('、')}`)}`,
    fix: cudaHeadersHint(libtorch),
  };
}

function checkCuda(devices: number): Finding {
  const name = 'CUDA';
  const { status, stdout } = spawnSync('nvidia-smi', ['-L'], { encoding: 'utf8' });
  const cards =
    status === 0
      ? stdout
          .trim()
          .split('\n')
          .filter((line) => line.startsWith('GPU '))
      : [];
  if (devices > 0) return { name, status: 'ok', found: cards.slice(0, devices).join('; ') || `${devices}` };
  if (cards.length === 0) return { name, status: 'ok', found: text('no device, the CPU is used', '无设备，使用 CPU') };
  return {
    name,
    status: 'warn',
    found: text(
      `${cards.length} GPU, but this libtorch has no CUDA`,
      `有 ${cards.length} 块显卡，但该 libtorch 不支持 CUDA`,
    ),
    fix: "python3 -m pip install 'torch>=2.4' && npx tunan setup",
  };
}

/** Checks of the machine: cores, CPU features, memory, disk. */
import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { text } from '../language.ts';
import type { Finding } from './finding.ts';

const GIBIBYTE = 2 ** 30;
/** The quickstart stays below this. */
const COMFORTABLE_MEMORY = 8 * GIBIBYTE;
const COMFORTABLE_DISK = 5 * GIBIBYTE;
const leastDisk = GIBIBYTE;

/** The engine takes TUNAN_THREADS, else OMP_NUM_THREADS, else all processors. */
export function checkThreads(): Finding {
  const name = text('threads', '线程');
  const cores = availableParallelism();
  const setting = ['TUNAN_THREADS', 'OMP_NUM_THREADS'].find((variable) => process.env[variable]);
  if (setting === undefined) return { name, status: 'ok', found: `${cores}` };
  const asked = process.env[setting]!;
  const found = text(`${asked} of ${cores} (${setting})`, `${cores} 个中的 ${asked} 个（${setting}）`);
  if (Number.parseInt(asked, 10) >= cores) return { name, status: 'ok', found };
  return { name, status: 'warn', found, fix: `unset ${setting}` };
}

function processorFlags(): Set<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return new Set();
  return new Set(/^flags\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '));
}

/** Instruction sets of the engine's kernels, the fastest first, and what each needs. */
const instructionSets: Readonly<Record<string, readonly string[]>> = {
  amx: ['avx512f', 'avx512_bf16', 'amx_bf16', 'amx_tile'],
  'avx512-bf16': ['avx512f', 'avx512_bf16'],
  avx512: ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl'],
  avx2: ['avx2', 'fma'],
  portable: [],
};

/** Which of them this processor runs, or TUNAN_CPU holds the engine to. */
export function checkKernels(): Finding {
  const name = text('kernels', '内核');
  const flags = processorFlags();
  const able = Object.keys(instructionSets).filter((set) => instructionSets[set]!.every((flag) => flags.has(flag)));
  const forced = process.env.TUNAN_CPU;
  const precision = able.includes('avx512-bf16')
    ? 'bfloat16'
    : text('float32: no bfloat16 instructions', 'float32：无 bfloat16 指令');
  if (!forced) return { name, status: 'ok', found: `${able[0]!}; ${text('trains in', '训练精度')} ${precision}` };
  const found = text(`${forced} (TUNAN_CPU)`, `${forced}（TUNAN_CPU）`);
  if (forced === able[0]) return { name, status: 'ok', found };
  if (able.includes(forced))
    return {
      name,
      status: 'warn',
      found: `${found}, ${text('slower than', '慢于')} ${able[0]}`,
      fix: 'unset TUNAN_CPU',
    };
  const choice = text(`one of ${able.join(', ')}`, `可选 ${able.join('、')}`);
  return {
    name,
    status: 'fail',
    found: `${found}, ${text('not possible here', '此处不可用')}: ${choice}`,
    fix: 'unset TUNAN_CPU',
  };
}

/** The vector units that decide how fast the kernels are; bfloat16 in hardware doubles training on a CPU. */
export function checkProcessor(): Finding {
  const name = text('processor', '处理器');
  const model = cpus()[0]?.model ?? process.arch;
  if (process.platform !== 'linux' || process.arch !== 'x64') return { name, status: 'ok', found: model };
  const flags = processorFlags();
  const useful = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16'].filter((flag) => flags.has(flag));
  const found = `${model}; ${useful.join(' ') || text('no vector units of use', '没有可用的向量指令')}`;
  if (useful.includes('avx2')) return { name, status: 'ok', found };
  const fix = text('a CPU with AVX2 trains several times faster', '换用支持 AVX2 的处理器可快数倍');
  return { name, status: 'warn', found, fix };
}

export function checkMemory(): Finding {
  const name = text('memory', '内存');
  // A container's limit counts, where there is one; "no limit" reads as an enormous number.
  const total = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const found = text(
    `${inGibibytes(total)} GiB, ${inGibibytes(Math.min(freemem(), total))} free`,
    `${inGibibytes(total)} GiB，空闲 ${inGibibytes(Math.min(freemem(), total))}`,
  );
  if (total >= COMFORTABLE_MEMORY) return { name, status: 'ok', found };
  const fix = text('the quickstart is measured to need up to 8 GiB', '快速上手最多需要 8 GiB');
  return { name, status: 'warn', found, fix };
}

export function checkDisk(): Finding {
  const name = text('disk', '磁盘');
  const { bavail, bsize } = statfsSync('.');
  const free = bavail * bsize;
  const found = text(`${inGibibytes(free)} GiB free here`, `当前目录可用 ${inGibibytes(free)} GiB`);
  if (free >= COMFORTABLE_DISK) return { name, status: 'ok', found };
  const fix = text('free some space, or work in another folder', '清理空间，或换到其他目录');
  return { name, status: free < leastDisk ? 'fail' : 'warn', found, fix };
}

function inGibibytes(bytes: number): string {
  return (bytes / GIBIBYTE).toFixed(1);
}

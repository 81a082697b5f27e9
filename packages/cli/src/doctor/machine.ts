/** Checks of the machine: cores, CPU features, memory, disk. */
import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { text } from '../language.ts';
import type { Finding } from './finding.ts';

const gibibyte = 2 ** 30;
/** The quickstart stays below this. */
const comfortableMemory = 8 * gibibyte;
const comfortableDisk = 5 * gibibyte;
const leastDisk = gibibyte;

export function checkThreads(): Finding {
  const name = text('threads', '线程');
  const cores = availableParallelism();
  const asked = process.env.OMP_NUM_THREADS;
  if (asked === undefined || Number(asked) >= cores) return { name, status: 'ok', found: `${cores}` };
  const found = text(`${asked} of ${cores} (OMP_NUM_THREADS)`, `${cores} 个中的 ${asked} 个（OMP_NUM_THREADS）`);
  return { name, status: 'warn', found, mend: 'unset OMP_NUM_THREADS' };
}

/** The vector units that decide how fast the kernels are; bfloat16 in hardware doubles training on a CPU. */
export function checkProcessor(): Finding {
  const name = text('processor', '处理器');
  const model = cpus()[0]?.model ?? process.arch;
  if (process.platform !== 'linux' || process.arch !== 'x64') return { name, status: 'ok', found: model };
  const flags = new Set(/^flags\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '));
  const useful = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16'].filter((flag) => flags.has(flag));
  const found = `${model}; ${useful.join(' ') || text('no vector units of use', '没有可用的向量指令')}`;
  if (useful.includes('avx2')) return { name, status: 'ok', found };
  const mend = text('a CPU with AVX2 trains several times faster', '换用支持 AVX2 的处理器可快数倍');
  return { name, status: 'warn', found, mend };
}

export function checkMemory(): Finding {
  const name = text('memory', '内存');
  // A container's limit counts, where there is one; "no limit" reads as an enormous number.
  const total = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const found = text(
    `${inGibibytes(total)} GiB, ${inGibibytes(Math.min(freemem(), total))} free`,
    `${inGibibytes(total)} GiB，空闲 ${inGibibytes(Math.min(freemem(), total))}`,
  );
  if (total >= comfortableMemory) return { name, status: 'ok', found };
  const mend = text('the quickstart is measured to need up to 8 GiB', '快速上手最多需要 8 GiB');
  return { name, status: 'warn', found, mend };
}

export function checkDisk(): Finding {
  const name = text('disk', '磁盘');
  const { bavail, bsize } = statfsSync('.');
  const free = bavail * bsize;
  const found = text(`${inGibibytes(free)} GiB free here`, `当前目录可用 ${inGibibytes(free)} GiB`);
  if (free >= comfortableDisk) return { name, status: 'ok', found };
  const mend = text('free some space, or work in another folder', '清理空间，或换到其他目录');
  return { name, status: free < leastDisk ? 'fail' : 'warn', found, mend };
}

function inGibibytes(bytes: number): string {
  return (bytes / gibibyte).toFixed(1);
}

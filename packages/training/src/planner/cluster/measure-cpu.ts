/** Has so many processes of this machine measure what training costs them: some seconds. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import path, { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Precision } from '@tunan/model';
import { launch } from '../../parallel/launch.ts';
import type { CpuFigures } from './cpu-figures.ts';

/** @throws TrainingError TRAINING_RANK_FAILED, in words of the process that could not, such as that libtorch has no process groups */
export async function measureCpu(processes: number, asked: Precision): Promise<CpuFigures> {
  const precision = asked === 'float16' ? 'float32' : asked;
  const folder = mkdtempSync(path.join(tmpdir(), 'tunan-cpu-'));
  try {
    const out = path.join(folder, 'figures.json');
    const given = { precision, out, cores: availableParallelism(), memory: memoryHere() / processes };
    const program = fileURLToPath(new URL(`./cpu-worker${extname(import.meta.url)}`, import.meta.url));
    await launch({
      command: process.execPath,
      args: () => [...process.execArgv, program, JSON.stringify(given)],
      ranks: processes,
      say: () => {},
    });
    return JSON.parse(readFileSync(out, 'utf8')) as CpuFigures;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Bytes of the machine, or of the container where that has fewer. */
function memoryHere(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

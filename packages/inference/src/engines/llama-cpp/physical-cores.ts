/** Cores without their second threads: matrix products gain nothing from those, and lose where two share a cache. */
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** At least 1; where the machine does not tell its cores, what the operating system offers. */
export function physicalCores(): number {
  const offered = os.availableParallelism();
  const siblings = os.cpus().map((_, cpu) => siblingsOf(cpu));
  if (siblings.includes(undefined)) return offered;
  return Math.max(1, Math.min(offered, new Set(siblings).size));
}

/** Linux says which logical processors share a core; other systems are not asked. */
function siblingsOf(cpu: number): string | undefined {
  try {
    return readFileSync(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, 'utf8');
  } catch {
    return undefined;
  }
}

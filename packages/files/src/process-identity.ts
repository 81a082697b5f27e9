/**
 * Which process this is, so that another one can tell whether it still lives. A number alone does not say: after a restart, and in every
 * container, the same numbers come again. So the machine's boot, the namespace of the numbers and the moment of the start go with it.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly host: string;
  /** Of the kernel that runs now; absent where the system does not tell. */
  readonly boot?: string | undefined;
  /** Within which `process` is counted: a container has its own. */
  readonly namespace?: string | undefined;
  readonly process: number;
  /** In clock ticks since the boot. */
  readonly started?: string | undefined;
}

/** Linux alone has /proc; elsewhere, and where it is hidden, nothing is told. */
function told(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ESRCH'].includes(code)) return undefined;
    throw error;
  }
}

/** Field 22 of proc(5); the name before it may hold spaces and brackets. A zombie has ended. */
function startOf(process: number | 'self'): string | undefined {
  const stat = told(() => readFileSync(`/proc/${process}/stat`, 'utf8'));
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || 'ZX'.includes(fields[0]!) ? undefined : fields[19];
}

export function ownIdentity(): ProcessIdentity {
  return {
    host: hostname(),
    boot: told(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: told(() => readlinkSync('/proc/self/ns/pid')),
    process: process.pid,
    started: startOf('self'),
  };
}

/** Whether that process lives; undefined where it cannot be seen from here: another machine or container. */
export function isAlive(other: ProcessIdentity): boolean | undefined {
  const own = ownIdentity();
  if (own.host !== other.host || own.boot !== other.boot || own.namespace !== other.namespace) return undefined;
  if (other.started !== undefined) return startOf(other.process) === other.started;
  // Without /proc, the number must do, and one's own is then that of a holder before this process.
  return other.process !== process.pid && answersSignals(other.process);
}

/** Whether a process has that number now, be it the one that was meant or another. */
export function answersSignals(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // alive, but of another user
  }
}

/** A real file system with little room, for tests of a full or read-only disk; needs the right to mount (root on Linux). */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

export interface SmallDisk {
  readonly directory: string;
  /** Changes mount options, such as 'size=1m' or 'ro'. */
  remount(options: string): void;
}

/** Skips the test and gives undefined where nothing can be mounted. */
export function mountSmallDisk(t: TestContext, size: string): SmallDisk | undefined {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-disk-'));
  try {
    execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory], { stdio: 'ignore' });
  } catch (error) {
    rmdirSync(directory);
    t.skip(`no small file system can be mounted here: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
  t.after(() => {
    // Lazily: a mapping of a file that was read lives until it is collected.
    execFileSync('/usr/bin/umount', ['--lazy', directory]);
    rmdirSync(directory);
  });
  return {
    directory,
    remount: (options) => execFileSync('/usr/bin/mount', ['-o', `remount,${options}`, directory]),
  };
}

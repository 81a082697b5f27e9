import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { LockHeldError, LockLostError, ProcessLock } from './index.ts';

/** Milliseconds. A holder that beats quickly is seen soon; who waits by the patient beat misses none on a machine that stands still for long. */
const QUICK = 50;
const PATIENT = 6000;

function lockFile(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'tunan-lock-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return path.join(directory, 'lock');
}

const index = new URL('./index.ts', import.meta.url).href;
/** Holds the lock, and computes without a pause as a training step does. */
const holding = (file: string) => `import { ProcessLock } from ${JSON.stringify(index)};
const lock = ProcessLock.acquire(${JSON.stringify(file)}, ${QUICK});
console.log('held');
setImmediate(() => { for (;;); });`;

async function hold(t: TestContext, file: string, ...before: string[]): Promise<ChildProcess> {
  const [command = process.execPath, ...rest] = [...before, process.execPath];
  const args = [...rest, '--input-type=module-typescript', '-e', holding(file)];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout!, 'data');
  return child;
}

/** Returns when everything has ended that could write to its output, so also what runs in its container. */
async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

test('one holder at a time, and the file goes with it', (t) => {
  const file = lockFile(t);
  {
    using lock = ProcessLock.acquire(file);
    lock.requireHeld();
    assert.throws(
      () => ProcessLock.acquire(file),
      (error: Error) => error instanceof LockHeldError && error.message.includes(`process ${process.pid} on`),
    );
  }
  assert.ok(!existsSync(file));
  ProcessLock.acquire(file)[Symbol.dispose]();
});

test('what a killed process leaves is taken at once', async (t) => {
  const file = lockFile(t);
  const child = await hold(t, file);
  assert.throws(() => ProcessLock.acquire(file, PATIENT), LockHeldError);
  await kill(child);
  using lock = ProcessLock.acquire(file, 10 ** 9); // would wait five of these for one out of sight
  lock.requireHeld();
});

test('a number that another process has meanwhile is no holder', (t) => {
  const file = lockFile(t);
  {
    using _ = ProcessLock.acquire(file);
    const holder = JSON.parse(readFileSync(file, 'utf8'));
    if (holder.started === undefined) return t.skip('this system does not tell when a process began');
    // As after a restart of its container: the same number, begun at another time.
    writeFileSync(file, JSON.stringify({ ...holder, started: '1', token: 'other' }));
  }
  using lock = ProcessLock.acquire(file, 10 ** 9);
  lock.requireHeld();
});

test('a holder out of sight is believed while it touches the file, and no longer', (t) => {
  const file = lockFile(t);
  // Of a program before this one, a torn one, one of another machine: nobody touches them.
  for (const content of [
    '4711',
    '',
    '{"process": 1, "host"',
    JSON.stringify({ process: 1, host: `not ${hostname()}` }),
  ]) {
    writeFileSync(file, content);
    using lock = ProcessLock.acquire(file, QUICK);
    lock.requireHeld();
  }
});

test('another container on the same volume keeps its lock, also while it computes, and loses it when killed', async (t) => {
  const file = lockFile(t);
  const inContainer = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  try {
    execFileSync('unshare', [...inContainer.slice(1), 'true'], { stdio: 'ignore' });
  } catch {
    return t.skip('no name spaces of processes can be made here');
  }
  const child = await hold(t, file, ...inContainer);
  assert.throws(() => ProcessLock.acquire(file, PATIENT), LockHeldError);
  await kill(child);
  using lock = ProcessLock.acquire(file, QUICK);
  lock.requireHeld();
});

test('who lost the lock is told', (t) => {
  const file = lockFile(t);
  using lock = ProcessLock.acquire(file);
  rmSync(file);
  assert.throws(() => lock.requireHeld(), LockLostError);
  using other = ProcessLock.acquire(file);
  assert.throws(() => lock.requireHeld(), LockLostError);
  lock[Symbol.dispose](); // must not take the other's
  other.requireHeld();
});

test('who lost the lock keeps nobody else alive', (t) => {
  const file = lockFile(t);
  using _ = ProcessLock.acquire(file, QUICK);
  const gone = JSON.stringify({ process: 1, host: `not ${hostname()}` });
  rmSync(file);
  writeFileSync(file, gone);
  using lock = ProcessLock.acquire(file, QUICK);
  lock.requireHeld();
});

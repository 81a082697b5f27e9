/**
 * Brings the log of a SQLite file (`-wal`) into the file, in a thread of its own: a checkpoint waits for the disk, and requests must not.
 *
 * Where writes never pause, checkpoints that hold up nobody do not get to the end of the log, and it grows. Beyond a size one is made that
 * holds up writers until it is through, which is short, because the one before has done nearly all.
 */
import { Worker } from 'node:worker_threads';

/**
 * Between two checkpoints, ms. The first commit after each begins the log anew and waits for the disk itself, to be safe from a power loss:
 * the rarer, the fewer requests meet it. What a power loss may take back is what was committed within this time.
 */
const INTERVAL = 4_000;
/** Of the log, bytes. */
const LARGE = 256 * 2 ** 20;

/** As a program of its own text: the packed package has no TypeScript to start. */
const PROGRAM = `
const { statSync } = require('node:fs');
const { DatabaseSync } = require('node:sqlite');
const { pathToFileURL } = require('node:url');
const { parentPort, workerData } = require('node:worker_threads');
const { file, interval, large } = workerData;
let connection;
// Never makes a file: one that was removed would be replaced by an empty one.
const open = () => {
  const place = pathToFileURL(file);
  place.searchParams.set('mode', 'rw');
  const opened = new DatabaseSync(place, { timeout: 1000 });
  opened.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = NORMAL');
  return opened;
};
let before = -1;
const timer = setInterval(() => {
  const log = statSync(file + '-wal', { throwIfNoEntry: false });
  const now = log === undefined ? 0 : log.mtimeMs;
  if (now === before) return;
  before = now;
  try {
    connection ??= open();
    connection.exec('PRAGMA wal_checkpoint(PASSIVE)');
    if (log !== undefined && log.size > large) connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    // Another process is at it, or the disk refuses: the next turn tries again, and what is committed is safe in the log.
    if (error.errcode === undefined) throw error;
    before = -1;
  }
}, interval);
parentPort.once('message', () => {
  clearInterval(timer);
  connection?.close();
  parentPort.close();
});
`;

export function startCheckpoints(file: string): { stop(): Promise<void> } {
  const worker = new Worker(PROGRAM, {
    eval: true,
    execArgv: [],
    workerData: { file, interval: INTERVAL, large: LARGE },
  });
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.unref();
  return {
    stop: async () => {
      worker.ref();
      worker.postMessage('stop');
      await ended;
    },
  };
}

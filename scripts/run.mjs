/**
 * What every npm script calls: sets the checkout up if need be, then runs the program on the pinned Node, never the system's.
 *
 *   node scripts/run.mjs <command> …          the command line, packages/cli
 *   node scripts/run.mjs --test[-slow]        the tests
 *   node scripts/run.mjs --script FILE …      any other TypeScript program of this repository
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { argv, exit } from 'node:process';
import { pinnedNode, root } from './setup/probe.mjs';
import { setupOrExit } from './setup.mjs';

/** @returns {{ entry: string, args: string[], tests: boolean }} */
function resolveProgram() {
  const [first, ...rest] = argv.slice(2);
  if (first === '--test') return { entry: 'scripts/test.ts', args: rest, tests: true };
  if (first === '--test-slow') return { entry: 'scripts/test.ts', args: ['--slow', ...rest], tests: true };
  if (first === '--script') return { entry: rest[0] ?? '', args: rest.slice(1), tests: false };
  return { entry: 'packages/cli/src/main.ts', args: argv.slice(2), tests: false };
}

const { entry, args, tests } = resolveProgram();
await setupOrExit({ tests });

const child = spawn(pinnedNode, [path.join(root, entry), ...args], { stdio: 'inherit' });
// A terminal sends SIGINT to the whole group, the child included: here it only must not end the parent before the child.
process.on('SIGINT', () => {});
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal));
child.once('close', (code, signal) => exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));

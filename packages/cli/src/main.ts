/** The process: runs the program with the arguments of the command line and ends with its exit code. */
import { runProgram } from './program.ts';

// `tunan … | head` closes the pipe early; that is the reader's right and no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// Progress has no reader any more (a closed terminal, a pipe that ended); the work and its checkpoint matter more.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
});

process.exitCode = await runProgram(process.argv.slice(2));

/**
 * Trains in a process of its own, for tests that kill it: node train-child.ts '{"recipe": …, "directory": …, "resume": …}'.
 * SIGTERM and SIGINT abort the run, as the command line does.
 */
import { train } from '../train.ts';

const controller = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => controller.abort());
const { recipe, directory, resume } = JSON.parse(process.argv[2]!);
const { status, step } = await train({ recipe, directory, resume, signal: controller.signal });
process.stdout.write(`${JSON.stringify({ status, step })}\n`);

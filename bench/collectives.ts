/**
 * Collectives over Gloo and over MPI, side by side on one machine.
 *
 *   node bench/collectives.ts [--ranks 2] [--bytes 25e6,1e4] [--times 20] [--rounds 3] [--json]
 *
 * Each round starts the ranks anew, one transport after the other, so that other work on the machine meets both. Medians over all rounds
 * and ranks; tensors of float32.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runRanks, whyNoMpi } from '@tunan/torch/testing/run-ranks';
import { median } from './train-step/rounds.ts';

const { values: options } = parseArgs({
  options: {
    ranks: { type: 'string', default: '2' },
    bytes: { type: 'string', default: '25e6,1e4' },
    times: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const program = fileURLToPath(new URL('./collectives/rank.ts', import.meta.url));
const why = whyNoMpi();
if (why) console.error(`without MPI: ${why}`);
const backends = why ? (['gloo'] as const) : (['gloo', 'mpi'] as const);

const results = [];
for (const bytes of options.bytes.split(',').map(Number)) {
  const found = new Map<string, number[]>();
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const backend of backends) {
      const line = [JSON.stringify({ bytes, times: Number(options.times) })];
      for (const { code, stdout, stderr } of await runRanks(program, line, { size: Number(options.ranks), backend })) {
        if (code !== 0) throw new Error(stderr);
        for (const [operation, milliseconds] of Object.entries(JSON.parse(stdout) as Record<string, number[]>)) {
          const key = `${backend} ${operation}`;
          found.set(key, [...(found.get(key) ?? []), ...milliseconds]);
        }
      }
    }
  }
  for (const [key, milliseconds] of found) results.push({ bytes, key, milliseconds: median(milliseconds) });
}
if (options.json) console.log(JSON.stringify(results));
else
  for (const { bytes, key, milliseconds } of results)
    console.log(
      `${bytes.toExponential(1).padStart(8)} bytes  ${key.padEnd(20)} ${milliseconds.toFixed(3).padStart(9)} ms`,
    );

/** What ranks say where one of them stays away, is killed, or ends with a message of its own: the same over every transport. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { runRanks, whyNoMpi } from './testing/run-ranks.ts';

const PROGRAM = fileURLToPath(new URL('./testing/group-rank.ts', import.meta.url));
const SIZE = 3;

const failures: Readonly<Record<string, { readonly said: RegExp; readonly environment?: Record<string, string> }>> = {
  late: {
    said: /^rank 2 of 3 did not arrive at all-reduce #2 of group \[0,1,2\] within 8 s\n$/,
    environment: { TUNAN_RANK_TIMEOUT: '8' },
  },
  lost: {
    said: /^rank 2 of 3 (is gone|gave no sign of life for 5 s: stopped, or its machine is gone) \(noticed at .*\)\n$/,
    environment: { TUNAN_RANK_SILENCE: '5' },
  },
  told: { said: /^rank 2: the disk is full( \(noticed at .*\))?\n$/ },
};

for (const backend of ['gloo', 'mpi'] as const) {
  const skip = backend === 'mpi' && whyNoMpi();
  for (const [scenario, { said, environment }] of Object.entries(failures)) {
    test(`${backend}, a rank is ${scenario}: the others say so, and end`, { skip }, async () => {
      const ends = await runRanks(PROGRAM, [scenario], { size: SIZE, backend, environment });
      for (const { code, stderr } of ends.slice(0, 2)) {
        assert.match(stderr, said);
        assert.equal(code, 3);
      }
    });
  }
}

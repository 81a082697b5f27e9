/**
 * Messages that take longer hold a step up less than they take: gradients go off while the backward pass runs. What is held against the
 * delays is what the processes wait for at the end, so that other work on the machine decides little.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { runRanks, whyNoMpi } from '@tunan/torch/testing/run-ranks';

const child = fileURLToPath(import.meta.resolve('../testing/overlap-child.ts'));

interface Found {
  readonly messages: number;
  readonly added: number;
  readonly waited: number;
}

const cases = (['gloo', 'mpi'] as const).flatMap((backend) => [false, true].map((sharded) => ({ backend, sharded })));
for (const { backend, sharded } of cases) {
  const skip = backend === 'mpi' && whyNoMpi();
  test(`${backend}: of delays of 40 % of a backward pass four fifths are hidden, ${sharded ? 'sums at owners' : 'sums everywhere'}`, {
    skip,
  }, async (t) => {
    const options = { sharded, share: 0.4, steps: 3 };
    const ranks = (await runRanks(child, [JSON.stringify(options)], { size: 2, backend })).map(
      ({ code, stdout, stderr }) => {
        assert.equal(code, 0, stderr);
        return JSON.parse(stdout) as [during: Found, behind: Found];
      },
    );
    // Of the process that waits longest: while one waits for another that is late, its messages come.
    const [during, behind] = [0, 1].map((kind) => {
      const found = ranks.map((rank) => rank[kind as 0 | 1]);
      return Math.max(...found.map(({ waited, added }) => waited / added));
    }) as [number, number];
    t.diagnostic(`waited for: ${during}; where gradients go off behind the pass: ${behind}`);
    assert.ok(ranks[0]![0].messages >= 10);
    assert.ok(during <= 0.2, `${during} of the delays is waited for`);
    // There only the messages' own time hides anything, the longer the busier the machine is.
    assert.ok(behind > 2 * during, `${behind} behind the pass`);
  });
}

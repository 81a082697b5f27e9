/**
 * Products in bfloat16 in tensor ranks and stages: gradients are about as near to those in float32 as one process's in bfloat16 are.
 * Where the processor has no bfloat16 the products are emulated, which a model of this size bears.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { runRanks } from '@tunan/torch/testing/run-ranks';

const child = fileURLToPath(import.meta.resolve('../testing/bfloat16-child.ts'));
const sizes = { vocabularySize: 61, contextLength: 16, layers: 2, width: 24, heads: 4 };
const configs = [sizes, { ...sizes, family: 'llama', kvHeads: 2, outputInit: 'normal' }];

interface Found {
  readonly name: string;
  readonly laid: number;
  readonly rounded: number;
  readonly size: number;
}

test('two tensor ranks in two stages: gradients as near to float32 as those of one process', async () => {
  const parallel = { tensor: 2, pipeline: 2, chunks: 1, sequenceParallel: true };
  const cases = configs.map((config) => ({ config, parallel }));
  const ends = await runRanks(child, [JSON.stringify(cases)], { size: 4 });
  for (const { code, stderr } of ends) assert.equal(code, 0, stderr);
  const ranks = ends.map(({ stdout }) => JSON.parse(stdout) as Found[][]);
  for (const [at] of cases.entries()) {
    const found = ranks.flatMap((one) => one[at]!);
    const sum = (of: 'laid' | 'rounded' | 'size') => Math.sqrt(found.reduce((total, one) => total + one[of], 0));
    // Otherwise nothing would have been rounded.
    assert.ok(sum('rounded') > 1e-3 * sum('size'), `rounding changes ${sum('rounded')} of ${sum('size')}`);
    // Sums of a tensor group are rounded in every rank and once more.
    assert.ok(sum('laid') < 2 * sum('rounded'), `case ${at}: ${sum('laid')}, one process ${sum('rounded')}`);
  }
});

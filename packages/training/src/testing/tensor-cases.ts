/** Models divided over a tensor group, each beside the whole one in every rank. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { ModelConfigInput } from '@tunan/model';
import { runRanks } from '@tunan/torch/testing/run-ranks';

const child = fileURLToPath(import.meta.resolve('./tensor-child.ts'));
const sizes = { vocabularySize: 61, contextLength: 16, layers: 2 };
const start = { outputInit: 'normal', initStd: 0.2 } as const;
const configs: Record<string, ModelConfigInput> = {
  gpt2: { ...sizes, width: 24, heads: 4, scaledResidualInit: false, initStd: 0.2 },
  qwen3: { ...sizes, ...start, family: 'llama', width: 24, heads: 8, kvHeads: 2, headDim: 4, mlpWidth: 30 },
  qwen2: { ...sizes, ...start, family: 'llama', variant: 'qwen2', width: 24, heads: 4, headDim: 6, tiedHead: false },
};

interface Found {
  readonly loss: number;
  readonly worst: { readonly name: string; readonly difference: number };
  readonly losses: number;
  readonly logits: number;
  readonly collectives: number;
}

const cases = Object.entries(configs).flatMap(([family, config]) =>
  [false, true].flatMap((sequenceParallel) =>
    [false, true].map((recomputation) => ({ family, config, sequenceParallel, recomputation })),
  ),
);

/** Of float32 sums in another order, relative to the largest value of each tensor. */
const TOLERANCE = 2e-5;

/** Loss, logits and every gradient are those of one process, with no more collectives than the formula has. */
export async function checkTensorGroup(size: number): Promise<void> {
  for (const { code, stdout, stderr } of await runRanks(child, [JSON.stringify(cases)], { size })) {
    assert.equal(code, 0, stderr);
    const results: Found[] = JSON.parse(stdout);
    for (const [index, { family, config, sequenceParallel, recomputation }] of cases.entries()) {
      const { loss, worst, losses, logits, collectives } = results[index]!;
      const name = JSON.stringify({ size, family, sequenceParallel, recomputation });
      assert.ok(loss < 1e-5, `${name}: loss ${loss}`);
      assert.ok(worst.difference < TOLERANCE, `${name}: ${worst.name} ${worst.difference}`);
      assert.ok(losses < TOLERANCE && logits < TOLERANCE, `${name}: losses ${losses}, logits ${logits}`);
      // All-reduces: two a block forward and two backward, one behind the embedding, one for the gradient in front of the head. Where the
      // stream is divided each is a reduce-scatter and an all-gather, of as many bytes together. Two more are the loss's.
      const pair = sequenceParallel ? 2 : 1;
      const again = recomputation ? 2 * config.layers! * pair + 1 : 0;
      assert.equal(collectives, (4 * config.layers! + 2) * pair + 2 + again, name);
    }
  }
}

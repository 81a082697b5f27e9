// A block in one call gives the bits of its operations one by one: for both families, in every precision, for prompts and single tokens.
import assert from 'node:assert/strict';
import test from 'node:test';
import { liveTensors, setThreads } from '@tunan/torch';
import { LanguageModel, type ModelOptions } from '../language-model.ts';
import { int8Layers } from '../layers/int8-layers.ts';
import { denseLinear, type LayerMakers, type Linear } from '../layers/linear.ts';
import { KeyValueCache } from './key-value-cache.ts';
import { PackedForward, type Segment } from './packed-forward.ts';

setThreads(1);

const sizes = { vocabularySize: 96, contextLength: 160, layers: 2, width: 32, heads: 4, initStd: 0.2 };
const llama = { ...sizes, family: 'llama', kvHeads: 2, outputInit: 'normal' } as const;
const yarn = {
  type: 'yarn',
  factor: 4,
  originalContext: 40,
  betaFast: 32,
  betaSlow: 1,
  attentionFactor: 1.14,
} as const;
const configs = {
  gpt2: sizes,
  qwen3: llama,
  qwen2: { ...llama, variant: 'qwen2' },
  'llama with yarn': { ...llama, variant: 'llama', ropeScaling: yarn },
} as const;

/** Does not say what it computes, so that nothing is put together. */
function opaque(map: Linear): Linear {
  return { apply: map.apply, gelu: map.gelu, addTo: map.addTo };
}

const ids = (count: number, first: number) => Array.from({ length: count }, (_, i) => (first + i * 31) % 96);

/** Three steps of three sequences: prompts of different lengths, more of two of them, single tokens. */
function steps(model: LanguageModel): Float32Array[] {
  const forward = new PackedForward(model);
  using one = new KeyValueCache(model);
  using two = new KeyValueCache(one.pool);
  using three = new KeyValueCache(one.pool);
  const step = (...segments: Segment[]) => forward.extend(segments).map((logits) => logits.slice());
  return [
    ...step(
      { cache: one, ids: ids(40, 1), logits: 'last' },
      { cache: two, ids: ids(5, 7), logits: 'all' },
      { cache: three, ids: ids(3, 2), logits: 'none' },
    ),
    ...step({ cache: one, ids: ids(1, 8), logits: 'last' }, { cache: three, ids: ids(9, 4), logits: 'last' }),
    ...step({ cache: two, ids: ids(2, 5), logits: 'none' }),
    ...step(...[one, two, three].map((cache, i): Segment => ({ cache, ids: [i], logits: 'last' }))),
  ];
}

for (const [name, config] of Object.entries(configs)) {
  for (const kind of ['float32', 'bfloat16', 'int8'] as const) {
    test(`${name}, ${kind}: a block in one call is its operations one by one`, () => {
      const before = liveTensors();
      const options: ModelOptions & { seed: number } =
        kind === 'int8' ? { seed: 3, weights: 'int8' } : { seed: 3, dtype: kind };
      using int8 = kind === 'int8' ? int8Layers() : undefined;
      const makers: LayerMakers = {
        makeLinear: (role, parts) => opaque(int8?.makeLinear?.(role, parts) ?? denseLinear(parts)),
        ...(int8?.makeHead && { makeHead: int8.makeHead }),
      };
      {
        using together = LanguageModel.create(config, options);
        using apart = LanguageModel.create(config, { seed: 3, makers, ...(kind !== 'int8' && { dtype: kind }) });
        assert.ok(together.body.blocks.every(({ cached }) => cached !== undefined));
        assert.ok(apart.body.blocks.every(({ cached }) => cached === undefined));
        const [some, others] = [steps(together), steps(apart)];
        assert.equal(some.length, others.length);
        for (const [place, logits] of some.entries()) {
          assert.ok(Buffer.from(logits.buffer).equals(Buffer.from(others[place]!.buffer)), `segment ${place}`);
        }
        assert.ok(some[0]!.some((value) => value !== 0));
      }
      int8?.[Symbol.dispose]();
      assert.equal(liveTensors(), before);
    });
  }
}

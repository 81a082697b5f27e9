// A model of eight-bit weights is the model of its rounded weights: forward, generation and losses; and it owns what it adds.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { liveTensors, noGrad, quantizeColumns, randint, scope, setThreads, type Tensor, tensor } from '@tunan/torch';
import { ModelError } from '../errors.ts';
import { KeyValueCache } from '../forward/key-value-cache.ts';
import { PackedForward } from '../forward/packed-forward.ts';
import { LanguageModel } from '../language-model.ts';
import { denseLinear } from './linear.ts';
import { denseHead } from './output-head.ts';

setThreads(1);

const sizes = { vocabularySize: 96, contextLength: 60, layers: 2, width: 32, heads: 4, initStd: 0.2 };
const configs = {
  gpt2: sizes,
  llama: { ...sizes, family: 'llama', kvHeads: 2, outputInit: 'normal' },
  'llama with a head of its own': { ...sizes, family: 'llama', kvHeads: 2, outputInit: 'normal', tiedHead: false },
} as const;
const numbers = (value: Tensor): number[] => Array.from(value.detach().toArray(), Number);

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const worst = Array.from(actual).reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  assert.ok(worst <= tolerance, `differs by ${worst}`);
}

/** The weight that eight bits stand for, as it was laid out; the caller's scope keeps it. */
function rounded(weight: Tensor, layout: 'in-out' | 'out-in'): Tensor {
  const matrix = quantizeColumns(weight, layout);
  const wide = matrix.weight.to('float32').mul(matrix.scale);
  return layout === 'in-out' ? wide : wide.transpose(0, 1).contiguous();
}

for (const [name, config] of Object.entries(configs)) {
  test(`${name}: logits, losses and generation are those of the rounded weights`, () => {
    const before = liveTensors();
    scope(() =>
      noGrad(() => {
        using int8 = LanguageModel.create(config, { seed: 3, weights: 'int8' });
        using expected = LanguageModel.create(config, {
          seed: 3,
          makers: {
            makeLinear: (_, parts) => denseLinear({ ...parts, weight: rounded(parts.weight, parts.layout) }),
            makeHead: (weight) => denseHead(rounded(weight, 'out-in')),
          },
        });
        using full = LanguageModel.create(config, { seed: 3 });
        const [ids, targets] = [randint(0, 96, [1, 50]), randint(0, 96, [1, 50])];
        const logits = (model: LanguageModel) => numbers(model.logits(model.hidden(ids)));
        assertClose(logits(int8), logits(expected), 1e-4);
        const apart = Math.max(...logits(full).map((value, i) => Math.abs(value - logits(int8)[i]!)));
        assert.ok(apart > 1e-3, 'rounding shows');
        assertClose(numbers(int8.tokenLosses(ids, targets)), numbers(expected.tokenLosses(ids, targets)), 1e-4);
        assertClose([int8.loss(ids, targets).item()], [expected.loss(ids, targets).item()], 1e-4);
        const hidden = int8.hidden(ids).view(50, 32);
        const words = tensor(Array(50).fill(7), { dtype: 'int64' });
        const [one, other] = [int8, expected].map(({ body }) => numbers(body.head.wordLogits(hidden, words)));
        assertClose(one!, other!, 1e-4);
        const [a, b] = [int8, expected].map((model) => {
          using cache = new KeyValueCache(model);
          const forward = new PackedForward(model);
          const list = numbers(ids);
          const rows = [list.slice(0, 40), [list[40]!], list.slice(41)].flatMap((piece) => [
            ...forward.extend([{ cache, ids: piece, logits: 'all' }])[0]!,
          ]);
          return rows;
        });
        assertClose(a!, b!, 1e-4);
      }),
    );
    assert.equal(liveTensors(), before);
  });
}

test('a directory is read so; trained or mixed with other layers it is not', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tunan-int8-'));
  const refused = (error: unknown) => error instanceof ModelError && error.code === 'MODEL_BAD_CONFIG';
  try {
    using made = LanguageModel.create(sizes, { seed: 4 });
    made.save(directory);
    const before = liveTensors();
    {
      using loaded = LanguageModel.load(directory, { weights: 'int8' });
      using created = LanguageModel.create(sizes, { seed: 4, weights: 'int8' });
      scope(() => {
        const ids = randint(0, 96, [2, 9]);
        assert.deepEqual(numbers(loaded.hidden(ids)), numbers(created.hidden(ids)));
      });
    }
    assert.equal(liveTensors(), before);
    assert.throws(() => LanguageModel.load(directory, { weights: 'int8', trainable: true }), refused);
    assert.throws(() => LanguageModel.create(sizes, { seed: 1, weights: 'int8', makers: {} }), refused);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

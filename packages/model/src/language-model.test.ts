import assert from 'node:assert/strict';
import test from 'node:test';
import { liveTensors, manualSeed, noGrad, randint, scope, type Tensor, tensor } from '@tunan/torch';
import { ModelError } from './errors.ts';
import { LanguageModel } from './language-model.ts';

const config = { vocabularySize: 96, contextLength: 16, layers: 3, width: 32, heads: 4 };
/** Heads that share keys and values, wider together than the stream, and outputs that are not zero. */
const llama = { ...config, family: 'llama', kvHeads: 2, headDim: 12, outputInit: 'normal' } as const;
const families = { gpt2: config, llama, 'llama, untied': { ...llama, tiedHead: false, variant: 'qwen2' } } as const;
const numbers = (value: Tensor): number[] => Array.from(value.toArray(), Number);

function largestDifference(a: Tensor, b: Tensor): number {
  assert.deepEqual(a.shape, b.shape);
  const other = numbers(b);
  return numbers(a).reduce((max, value, at) => Math.max(max, Math.abs(value - other[at]!)), 0);
}

test('a fresh model is a function of config and seed, with the stated deviations', () => {
  using first = LanguageModel.create(config, { seed: 3 });
  using again = LanguageModel.create(config, { seed: 3 });
  using other = LanguageModel.create(config, { seed: 4 });
  const weights = (model: LanguageModel, name: string) =>
    numbers(model.namedParameters().get(`transformer.${name}`)!.detach());
  assert.deepEqual(weights(first, 'h.2.mlp.c_fc.weight'), weights(again, 'h.2.mlp.c_fc.weight'));
  assert.notDeepEqual(weights(first, 'h.2.mlp.c_fc.weight'), weights(other, 'h.2.mlp.c_fc.weight'));
  const deviation = (name: string) => {
    const values = weights(first, name);
    return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  };
  // 4096 and 3072 normal numbers: the deviation is known to about 1.2 %.
  assert.ok(Math.abs(deviation('h.0.mlp.c_fc.weight') / 0.02 - 1) < 0.05);
  assert.ok(Math.abs(deviation('wte.weight') / 0.02 - 1) < 0.05);
  assert.ok(Math.abs(deviation('h.0.mlp.c_proj.weight') / (0.02 / Math.sqrt(6)) - 1) < 0.05);
  assert.ok(weights(first, 'h.1.ln_1.weight').every((value) => value === 1));
  assert.ok(weights(first, 'h.1.attn.c_attn.bias').every((value) => value === 0));
});

test('a fresh block of zero output projections changes nothing', () => {
  using model = LanguageModel.create({ ...config, outputInit: 'zeros' }, { seed: 1 });
  const zero = [...model.namedParameters()].filter(([, parameter]) =>
    numbers(parameter.detach()).every((w) => w === 0),
  );
  const names = zero.map(([name]) => name).filter((name) => name.endsWith('.weight'));
  const expected = [0, 1, 2].flatMap((layer) =>
    ['attn', 'mlp'].map((part) => `transformer.h.${layer}.${part}.c_proj.weight`),
  );
  assert.deepEqual(names, expected);
});

test('input beyond the context is the caller’s mistake', () => {
  using model = LanguageModel.create(config, { seed: 1 });
  using ids = randint(0, 96, [1, 17]);
  const tooLong = (error: unknown) => error instanceof ModelError && error.code === 'MODEL_INPUT_TOO_LONG';
  assert.throws(() => model.hidden(ids), tooLong);
});

test('a fresh model of the llama family starts with blocks that change nothing', () => {
  using model = LanguageModel.create({ ...llama, outputInit: undefined }, { seed: 3 });
  const named = model.namedParameters();
  for (const [name, parameter] of named) {
    const values = numbers(parameter.detach());
    if (/(o|down)_proj/.test(name))
      assert.ok(
        values.every((value) => value === 0),
        name,
      );
    if (/norm/.test(name))
      assert.ok(
        values.every((value) => value === 1),
        name,
      );
  }
  assert.ok(!named.has('lm_head.weight'));
  noGrad(() =>
    scope(() => {
      const ids = randint(0, 96, [1, 8]);
      const embedded = model.body.normalizeFinal(model.body.embedSequences(ids, false));
      assert.deepEqual(numbers(model.hidden(ids)), numbers(embedded));
    }),
  );
  scope(() => {
    const ids = randint(0, 96, [2, 16]);
    model.loss(ids, ids).backward();
    const gradient = named.get('model.layers.0.mlp.down_proj.weight')!.grad!;
    assert.ok(gradient.norm().item() > 0, 'what starts from zero learns');
  });
});

for (const [family, config] of Object.entries(families)) {
  test(`${family}: no position sees a later one`, () => {
    using model = LanguageModel.create(config, { seed: 1 });
    noGrad(() =>
      scope(() => {
        const ids = [5, 9, 13, 17, 21, 25, 29, 33];
        const before = model.hidden(tensor([ids], { dtype: 'int64' }));
        const after = model.hidden(tensor([[...ids.slice(0, 5), 90, 91, 92]], { dtype: 'int64' }));
        assert.ok(largestDifference(before.narrow(1, 0, 5), after.narrow(1, 0, 5)) < 1e-6);
        assert.ok(largestDifference(before.narrow(1, 5, 3), after.narrow(1, 5, 3)) > 1e-3);
      }),
    );
  });

  test(`${family}: bfloat16 products stay near float32, forward and backward`, () => {
    using exact = LanguageModel.create(config, { seed: 2 });
    using rounded = LanguageModel.create(config, { seed: 2, dtype: 'bfloat16' });
    scope(() => {
      const ids = randint(0, 96, [4, 16]);
      const targets = randint(0, 96, [4, 16]);
      const losses = [exact, rounded].map((model) => model.loss(ids, targets));
      for (const loss of losses) loss.backward();
      assert.ok(Math.abs(losses[0]!.item() / losses[1]!.item() - 1) < 2e-3);
      for (const [name, parameter] of exact.namedParameters()) {
        const gradient = parameter.grad!;
        const other = rounded.namedParameters().get(name)!.grad!;
        assert.equal(other.dtype, 'float32');
        const error = gradient.sub(other).norm().item() / gradient.norm().item();
        // The bias of the keys has a gradient of zero in exact arithmetic (softmax does not see it): compare the rest of it.
        assert.ok(error < 0.05, `${name}: relative error ${error}`);
      }
    });
  });

  test(`${family}: dropout works in training only and follows the seed of the engine`, () => {
    using model = LanguageModel.create({ ...config, dropout: 0.3 }, { seed: 1 });
    noGrad(() =>
      scope(() => {
        const ids = randint(0, 96, [2, 16]);
        const targets = randint(0, 96, [2, 16]);
        const loss = (training: boolean, seed: number) => {
          manualSeed(seed);
          return model.loss(ids, targets, { training }).item();
        };
        assert.equal(loss(false, 1), loss(false, 2));
        assert.equal(loss(true, 1), loss(true, 1));
        assert.notEqual(loss(true, 1), loss(true, 2));
      }),
    );
  });

  test(`${family}: everything a call makes is freed, but its result`, () => {
    using model = LanguageModel.create(config, { seed: 1 });
    using ids = randint(0, 96, [2, 8]);
    const before = liveTensors();
    model.hidden(ids).dispose();
    model.loss(ids, ids).dispose();
    model.tokenLosses(ids, ids).dispose();
    assert.equal(liveTensors(), before);
  });
}

// Recomputation gives the gradients of ordinary backpropagation to the last bit, and keeps less in memory.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  liveTensors,
  manualSeed,
  memory,
  noGrad,
  rand,
  randint,
  resetPeakMemory,
  scope,
  type Tensor,
  trimMemory,
} from '@tunan/torch';
import { ModelError } from '../errors.ts';
import { LanguageModel } from '../language-model.ts';
import { LoraLayers } from '../lora/lora-layers.ts';
import { parseModelConfig } from '../model-config.ts';
import { recomputeBackward } from './recomputation.ts';

const config = { vocabularySize: 96, contextLength: 24, layers: 4, width: 32, heads: 4 };
const llama = { ...config, family: 'llama', kvHeads: 2, outputInit: 'normal' } as const;
const families = { gpt2: config, llama, 'llama, untied': { ...llama, tiedHead: false } } as const;

type Pass = (model: LanguageModel, ids: Tensor, backward: (hidden: Tensor) => number) => number;
const ordinary: Pass = (model, ids, backward) => scope(() => backward(model.hidden(ids, { training: true })));
const recomputed: Pass = (model, ids, backward) => model.recompute(ids, backward);

/** Losses, gradients and the next random number after two accumulated micro batches. */
function gradients(
  pass: Pass,
  model: LanguageModel,
): { losses: number[]; gradients: Map<string, unknown>; random: number } {
  return scope(() => {
    manualSeed(7);
    const batches = [0, 1].map(() => [randint(0, 96, [3, 24]), randint(0, 96, [3, 24])] as const);
    const losses = batches.map(([ids, targets]) =>
      pass(model, ids, (hidden) => {
        const loss = model.hiddenLoss(hidden, targets);
        loss.backward();
        return loss.item();
      }),
    );
    const named = [...model.namedParameters()].map(([name, parameter]) => [name, parameter.grad!.toArray()] as const);
    return { losses, gradients: new Map(named), random: rand([1]).item() };
  });
}

const selected: Pass = (model, ids, backward) =>
  scope(() => backward(model.hidden(ids, { training: true, selective: true })));

/** The largest of the differences, as a share of the largest gradient. */
function difference(found: Map<string, unknown>, expected: Map<string, unknown>): number {
  const all = (gradients: Map<string, unknown>) => [...gradients.values()].flatMap((one) => [...(one as Float32Array)]);
  const [ours, theirs] = [all(found), all(expected)];
  const largest = (values: number[]) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest(ours.map((value, index) => value - theirs[index]!)) / largest(theirs);
}

for (const [family, config] of Object.entries(families)) {
  for (const [dtype, dropout] of [
    ['float32', 0],
    ['float32', 0.2],
    ['bfloat16', 0],
  ] as const) {
    test(`${family}, ${dtype}, dropout ${dropout}: made again, gradients are the same`, () => {
      using first = LanguageModel.create({ ...config, dropout }, { seed: 1, dtype });
      using second = LanguageModel.create({ ...config, dropout }, { seed: 1, dtype });
      const [expected, found] = [gradients(ordinary, first), gradients(selected, second)];
      // Where the product rounds and goes on to GELU by itself, its exponential is another.
      if (dtype === 'bfloat16' && family === 'gpt2')
        assert.ok(
          difference(found.gradients, expected.gradients) < 0.01,
          `${difference(found.gradients, expected.gradients)}`,
        );
      else assert.deepEqual(found, expected);
    });
  }
}

for (const [family, targets] of [
  ['gpt2', ['c_attn', 'c_fc', 'c_proj']],
  ['llama', ['q_proj', 'gate_proj', 'down_proj']],
] as const) {
  test(`an adapter of ${family}, with dropout: made again, gradients are the same bits`, () => {
    const passes = [ordinary, selected].map((pass) => {
      const model = parseModelConfig(families[family]);
      using adapter = LoraLayers.fresh({ rank: 2, alpha: 4, rankStabilized: false, dropout: 0.1, targets }, model, 2);
      using adapted = LanguageModel.create(model, { seed: 1, makers: adapter });
      for (const parameter of adapted.namedParameters().values()) parameter.requiresGrad = false;
      noGrad(() =>
        scope(() => {
          for (const one of adapter.namedParameters().values()) one.add_(rand(one.shape).mul(0.2));
        }),
      );
      return scope(() => {
        manualSeed(7);
        const ids = randint(0, 96, [3, 24]);
        pass(adapted, ids, (hidden) => {
          adapted.hiddenLoss(hidden, ids).backward();
          return 0;
        });
        return [...adapter.namedParameters().values()].map((one) => one.grad!.toArray());
      });
    });
    assert.deepEqual(passes[1], passes[0]);
  });
}

for (const [family, config] of Object.entries(families)) {
  for (const [dtype, dropout] of [
    ['float32', 0],
    ['float32', 0.2],
    ['bfloat16', 0],
    ['bfloat16', 0.2],
  ] as const) {
    test(`${family}, ${dtype}, dropout ${dropout}: losses, gradients and random state are the same bits`, () => {
      using first = LanguageModel.create({ ...config, dropout }, { seed: 1, dtype });
      using second = LanguageModel.create({ ...config, dropout }, { seed: 1, dtype });
      const expected = gradients(ordinary, first);
      assert.ok(
        [...expected.gradients.values()].some((values) => (values as Float32Array).some((value) => value !== 0)),
      );
      assert.deepEqual(gradients(recomputed, second), expected);
    });
  }
}

test('the peak is lower by what the blocks but one would hold, and nothing is left behind', () => {
  using model = LanguageModel.create({ ...config, contextLength: 128, layers: 12, width: 64 }, { seed: 1 });
  using ids = randint(0, 96, [8, 128]);
  const peakOf = (pass: Pass) => {
    const step = () =>
      pass(model, ids, (hidden) => {
        model.hiddenLoss(hidden, ids).backward();
        return 0;
      });
    step(); // the gradients of the parameters are there from now on
    trimMemory();
    const live = liveTensors();
    const { allocatedBytes } = memory();
    resetPeakMemory();
    step();
    assert.equal(liveTensors(), live);
    assert.equal(memory().allocatedBytes, allocatedBytes);
    return memory().peakBytes - allocatedBytes;
  };
  const whole = peakOf(ordinary);
  const lean = peakOf(recomputed);
  assert.ok(lean < whole / 3, `${lean} of ${whole} bytes`);
  const selective = peakOf(selected);
  // float32, beside others: of the 16 C that a block keeps, both norms and GELU's 4 C.
  assert.ok(selective < whole * 0.8, `selective: ${selective} of ${whole} bytes`);
});

test('where embedding and head share no parameter, each gets its own gradient, over several batches', () => {
  scope(() => {
    const [table, weight, head] = [rand([5, 4]), rand([4, 4]), rand([4])];
    const all = [table, weight, head];
    for (const parameter of all) parameter.requiresGrad = true;
    const parts = {
      embed: () => table.indexSelect(0, randint(0, 5, [6])),
      blocks: [(x: Tensor) => x.matmul(weight).tanh(), (x: Tensor) => x.matmul(weight).add(x)],
      finalNorm: (x: Tensor) => x.sigmoid(),
      tied: undefined,
      random: true,
    };
    const backward = (hidden: Tensor) => hidden.mul(head).sum().backward();
    const plainly = () => backward(parts.finalNorm(parts.blocks.reduce((x, block) => block(x), parts.embed())));
    const [expected, actual] = [plainly, () => recomputeBackward(parts, backward)].map((pass) => {
      manualSeed(2);
      for (const parameter of all) parameter.grad = undefined;
      for (let batch = 0; batch < 2; batch++) pass();
      return all.map((parameter) => Array.from(parameter.grad!.toArray(), Number));
    });
    actual!.flat().forEach((value, i) => {
      assert.ok(Math.abs(value - expected!.flat()[i]!) < 1e-5);
    });
  });
});

test('mistakes: input beyond the context, a backward that is none', () => {
  using model = LanguageModel.create(config, { seed: 1 });
  using ids = randint(0, 96, [1, 25]);
  const live = liveTensors();
  const tooLong = (error: unknown) => error instanceof ModelError && error.code === 'MODEL_INPUT_TOO_LONG';
  assert.throws(() => model.recompute(ids, () => 0), tooLong);
  using fitting = ids.narrow(1, 0, 24);
  assert.throws(() => model.recompute(fitting, () => 0), /backward\(\) left no gradient/);
  assert.equal(liveTensors(), live + 1);
});

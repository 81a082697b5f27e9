// Layers of another kind are put in from outside, by role, and the model does not notice.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  AdamW,
  empty,
  keep,
  liveTensors,
  manualSeed,
  noGrad,
  randint,
  scope,
  setThreads,
  type Tensor,
  zeros,
} from '@tunan/torch';
import { KeyValueCache } from '../forward/key-value-cache.ts';
import { PackedForward } from '../forward/packed-forward.ts';
import { LanguageModel } from '../language-model.ts';
import { denseLinear, type LayerMakers, type LinearParts, type LinearRole } from './linear.ts';
import { denseHead } from './output-head.ts';

setThreads(1);

const config = { vocabularySize: 96, contextLength: 24, layers: 2, width: 32, heads: 4, initStd: 0.2 };
const families = [
  { config, roles: ['query-key-value', 'mlp-up', 'mlp-down'], first: 'transformer.h.0.attn.c_attn' },
  {
    config: { ...config, family: 'llama', kvHeads: 2, outputInit: 'normal' },
    roles: ['query', 'value', 'mlp-gate', 'mlp-down'],
    first: 'model.layers.0.self_attn.q_proj',
  },
] as const;
const numbers = (value: Tensor): number[] => Array.from(value.detach().toArray(), Number);

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(actual.length, expected.length);
  const worst = Array.from(actual).reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  assert.ok(worst < 1e-4, `differs by ${worst}`);
}

/** x W + b + x D U of a rank, in the layers of some roles; U starts at zero (Hu et al. 2021). */
function lowRankMakers(rank: number, roles: readonly LinearRole[]) {
  const added = new Map<string, Tensor>();
  const parameter = (name: string, made: Tensor): Tensor => {
    made.requiresGrad = true;
    added.set(name, keep(made));
    return made;
  };
  const makeLinear = (role: LinearRole, parts: LinearParts) => {
    const dense = denseLinear(parts);
    if (!roles.includes(role)) return dense;
    const [rows, columns] = parts.weight.shape as [number, number];
    const [inputs, outputs] = parts.layout === 'in-out' ? [rows, columns] : [columns, rows];
    const down = parameter(`${parts.name}.down`, empty([inputs, rank]).normal_(0, 0.1));
    const up = parameter(`${parts.name}.up`, zeros([rank, outputs]));
    const apply = (input: Tensor) => dense.apply(input).add(input.matmul(down).matmul(up));
    return {
      apply,
      gelu: (input: Tensor) => apply(input).gelu('tanh'),
      addTo: (residual: Tensor, input: Tensor) => residual.add(apply(input)),
    };
  };
  return { makers: { makeLinear } satisfies LayerMakers, added };
}

for (const { config, roles, first } of families) {
  test(`a low-rank adapter in place of ${roles.join(', ')} learns, while the weights of the model stay`, () => {
    const { makers, added } = lowRankMakers(4, roles);
    using plain = LanguageModel.create(config, { seed: 1 });
    using model = LanguageModel.create(config, { seed: 1, makers });
    const named = model.namedParameters();
    for (const parameter of named.values()) parameter.requiresGrad = false;
    assert.deepEqual([...added.keys()].slice(0, 2), [`${first}.down`, `${first}.up`]);
    assert.equal(added.size, 2 * config.layers * roles.length);
    using optimizer = new AdamW([{ parameters: Object.fromEntries(added), weightDecay: 0 }], { learningRate: 0.02 });
    scope(() => {
      manualSeed(3);
      const [ids, targets] = [randint(0, 96, [3, 24]), randint(0, 96, [3, 24])];
      assertClose(numbers(model.hidden(ids)), numbers(plain.hidden(ids)));
      const losses = Array.from({ length: 30 }, () =>
        scope(() => {
          const loss = model.loss(ids, targets, { training: true });
          loss.backward();
          optimizer.step();
          optimizer.zeroGrad();
          return loss.item();
        }),
      );
      assert.ok(losses.at(-1)! < 0.7 * losses[0]!, `${losses[0]} to ${losses.at(-1)}`);
      for (const [name, parameter] of plain.namedParameters())
        assert.deepEqual(numbers(named.get(name)!), numbers(parameter), name);

      // Whoever runs the model runs its adapters.
      const first = ids.narrow(0, 0, 1);
      const expected = numbers(noGrad(() => model.logits(model.hidden(first).select(1, 23))));
      using cache = new KeyValueCache(model);
      const [logits] = new PackedForward(model).extend([{ cache, ids: numbers(first), logits: 'last' }]);
      assertClose(logits!, expected);
    });
    for (const tensor of added.values()) tensor.dispose();
  });
}

test('a head of its own in place of the embedding', () => {
  const before = liveTensors();
  {
    using own = zeros([7, config.width]);
    using model = LanguageModel.create(config, { seed: 1, makers: { makeHead: () => denseHead(own) } });
    scope(() => {
      const ids = randint(0, 7, [2, 5]);
      assert.deepEqual(model.logits(model.hidden(ids)).shape, [2, 5, 7]);
      assert.ok(Math.abs(model.loss(ids, ids).item() - Math.log(7)) < 1e-6);
      assert.ok(numbers(model.tokenLosses(ids, ids)).every((loss) => Math.abs(loss - Math.log(7)) < 1e-6));
    });
  }
  assert.equal(liveTensors(), before);
});

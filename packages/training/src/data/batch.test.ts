// What the rows of a batch ask for is what a model of each family computes: documents apart, prefixes, losses that count.
import assert from 'node:assert/strict';
import test from 'node:test';
import { LanguageModel } from '@tunan/model';
import { AdamW, manualSeed, scope, setThreads, type Tensor } from '@tunan/torch';
import { batchOf } from './batch.ts';
import { foldKey } from './permutation.ts';
import { IGNORED, type MaskedRow, maskRow, type RowMaskOptions } from './row-masks.ts';

setThreads(1);

const EOD = 4;
const T = 24;
const documents = [
  [11, 12, 13, 14, 15, EOD],
  [21, 22, EOD],
  [31, 32, 33, 34, 35, 36, 37, 38, EOD],
];
const LENGTH = 18;
const packed = Int32Array.from([EOD, ...documents.flat(), ...new Array(T - LENGTH).fill(EOD)]);

const sizes = { vocabularySize: 48, contextLength: 32, layers: 2, width: 32, heads: 4, initStd: 0.2 };
const families = [
  ['gpt2', sizes],
  ['llama', { ...sizes, family: 'llama', kvHeads: 2, outputInit: 'normal' }],
] as const;
const models = families.map(([family, config]) => [family, LanguageModel.create(config, { seed: 3 })] as const);
test.after(() => {
  for (const [, model] of models) model.dispose();
});

/** Loss of every position, those that do not count too, (rows, T). */
function lossesOf(model: LanguageModel, rows: readonly MaskedRow[]): number[][] {
  return scope(() => {
    const { ids, targets, options } = batchOf(rows, 'cpu');
    const [count, time] = ids.shape as [number, number];
    const hidden = model.hidden(ids, options).reshape(count * time, -1);
    const safe = targets.maskedFill(targets.eq(IGNORED), 0);
    const losses = model.body.head.tokenLosses(hidden, safe.reshape(-1)).toArray();
    return rows.map((_, row) => Array.from(losses.slice(row * time, (row + 1) * time), Number));
  });
}

const rowOf = (tokens: readonly number[] | Int32Array, change: Partial<RowMaskOptions> = {}, length?: number) =>
  maskRow(Int32Array.from(tokens), length ?? tokens.length - 1, 7, { eod: EOD, attention: 'document', ...change });

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) < 1e-5, `${i}: ${value} ${expected[i]}`);
  });
}

for (const [family, model] of models) {
  for (const prefix of [undefined, { least: 0.5, most: 0.5 }]) {
    test(`packed documents have the losses that they have alone${prefix ? ', behind their prefixes' : ''}, ${family}`, () => {
      const [together] = lossesOf(model, [rowOf(packed, { prefix }, LENGTH)]);
      const alone = documents.flatMap((document) => lossesOf(model, [rowOf([EOD, ...document], { prefix })])[0]!);
      assertClose(together!.slice(0, LENGTH), alone);
      if (prefix !== undefined) return;
      const [mixed] = lossesOf(model, [rowOf(packed, { attention: 'row' }, LENGTH)]);
      assert.ok(Math.abs(mixed![LENGTH - 1]! - alone.at(-1)!) > 1e-3); // where they see each other they have others
    });
  }

  test(`a prefix is read both ways, and nothing sees what is behind it, ${family}`, () => {
    const half = { least: 0.5, most: 0.5 };
    const tokens = [EOD, ...documents[2]!];
    const { last } = rowOf(tokens, { prefix: half });
    const prefixEnd = last![0]!;
    assert.equal(prefixEnd, 5);
    const losses = (changed: number) =>
      lossesOf(model, [
        {
          ...rowOf(tokens, { prefix: half }),
          ids: Int32Array.from(tokens.slice(0, -1)).fill(40, changed, changed + 1),
        },
      ])[0]!;
    const before = lossesOf(model, [rowOf(tokens, { prefix: half })])[0]!;
    const differs = (changed: number) => losses(changed).map((loss, t) => Math.abs(loss - before[t]!) > 1e-6);
    // The last token of the prefix is seen by every one, the first behind it by itself and the later ones.
    assert.ok(differs(prefixEnd - 1).every(Boolean));
    assert.deepEqual(
      differs(prefixEnd),
      before.map((_, t) => t >= prefixEnd),
    );
  });

  test(`the loss is the mean over the targets that count, by hand, ${family}`, () => {
    scope(() => {
      const rows = [rowOf(packed, { prefix: { least: 0.3, most: 0.8 } }, LENGTH), rowOf(packed, {}, LENGTH)];
      const { ids, targets, options } = batchOf([rows[0]!], 'cpu');
      const counted = lossesOf(model, [rows[0]!])[0]!.filter((_, t) => rows[0]!.targets[t] !== IGNORED);
      assert.ok(counted.length === rows[0]!.counted && counted.length < LENGTH);
      const mean = counted.reduce((sum, loss) => sum + loss, 0) / counted.length;
      assert.ok(Math.abs(model.loss(ids, targets, options).item() - mean) < 1e-5);
    });
  });

  test(`recomputation takes the same ranges and positions, ${family}`, () => {
    const batch = [rowOf(packed, { prefix: { least: 0, most: 1 } }, LENGTH)];
    const gradients = [true, false].map((recomputed) => {
      using own = LanguageModel.create({ ...model.config, layers: 3, dropout: 0.1 }, { seed: 3 });
      return scope(() => {
        manualSeed(5);
        const { ids, targets, options } = batchOf(batch, 'cpu');
        const backward = (hidden: Tensor) => own.hiddenLoss(hidden, targets).backward();
        if (recomputed) own.recompute(ids, backward, options);
        else backward(own.hidden(ids, { ...options, training: true }));
        return [...own.namedParameters().values()].map(({ grad }) => grad!.toArray());
      });
    });
    assert.deepEqual(gradients[0], gradients[1]);
  });
}

test('a prefix language model learns what only reading both ways can tell', () => {
  // Every word stands twice: where the first of a pair is masked, what follows it tells it and what precedes it does not.
  const [words, pairs] = [8, 3];
  const drawnRow = (sample: number) => {
    const drawn = Array.from({ length: pairs }, (_, i) => 10 + (foldKey(1, sample, i) % words));
    const tokens = [EOD, ...drawn.flatMap((word) => [word, word]), EOD];
    const prefix = { least: 1, most: 1, mask: { part: 'Prefix', probability: 0.3, id: 3 } } as const;
    return maskRow(Int32Array.from(tokens), tokens.length - 1, foldKey(2, sample), {
      eod: EOD,
      attention: 'row',
      prefix,
    });
  };
  using learner = LanguageModel.create(
    { vocabularySize: 18, contextLength: 8, layers: 1, width: 32, heads: 2, initStd: 0.15 },
    { seed: 1 },
  );
  using optimizer = new AdamW([{ parameters: Object.fromEntries(learner.namedParameters()), weightDecay: 0 }], {
    learningRate: 1e-2,
  });
  for (let step = 0; step < 250; step++) {
    scope(() => {
      const { ids, targets, options } = batchOf(
        Array.from({ length: 16 }, (_, row) => drawnRow(16 * step + row)),
        'cpu',
      );
      learner.loss(ids, targets, { ...options, training: true }).backward();
    });
    optimizer.step();
    optimizer.zeroGrad();
  }
  // Of unseen documents: the first word of a pair alone, its second one not masked.
  const rows = Array.from({ length: 200 }, (_, row) => drawnRow(1e6 + row)).map((row) => ({
    ...row,
    targets: row.targets.map((target, t) => (t % 2 === 0 && row.ids[t + 2] !== 3 && t < 2 * pairs ? target : IGNORED)),
  }));
  const { bothWays, causal } = scope(() => {
    const { ids, targets, options } = batchOf(rows, 'cpu');
    return {
      bothWays: learner.loss(ids, targets, options).item(),
      causal: learner.loss(ids, targets).item(),
    };
  });
  assert.ok(bothWays < 0.3 && causal > 0.8 * Math.log(words), `${bothWays} ${causal}`);
});

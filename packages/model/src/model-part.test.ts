import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { liveTensors, randint, scope, type Tensor } from '@tunan/torch';
import { LanguageModel } from './language-model.ts';
import type { ModelConfigInput } from './model-config.ts';
import type { ModelPart } from './model-part.ts';

const sizes = { vocabularySize: 96, contextLength: 16, layers: 3, width: 32, heads: 2 };
const families: Record<string, ModelConfigInput> = {
  gpt2: sizes,
  llama: { ...sizes, family: 'llama', outputInit: 'normal' },
};
const take = (_: string, whole: Tensor) => whole.clone();
const pieces: ModelPart[] = [
  { layers: { first: 0, end: 1 }, isFirst: true, isLast: false, take },
  { layers: { first: 1, end: 2 }, isFirst: false, isLast: false, take },
  { layers: { first: 2, end: 3 }, isFirst: false, isLast: true, take },
];
const differences = (one: LanguageModel, other: LanguageModel, pick: (tensor: Tensor) => Tensor) =>
  [...one.namedParameters()].map(([name, parameter]) =>
    scope(() =>
      pick(parameter)
        .sub(pick(other.namedParameters().get(name)!))
        .abs()
        .sum()
        .item(),
    ),
  );

for (const [family, config] of Object.entries(families)) {
  test(`${family}: pieces one behind the other are the whole model, fresh or read, forward and backward`, (t) => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-piece-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const before = liveTensors();
    {
      using whole = LanguageModel.create(config, { seed: 3 });
      whole.save(directory);
      const fresh = pieces.map((part) => LanguageModel.create(config, { seed: 3, part }));
      const read = pieces.map((part) => LanguageModel.load(directory, { part, trainable: true }));
      scope(() => {
        const ids = randint(0, 96, [2, 16]);
        const targets = randint(0, 96, [2, 16]);
        const loss = whole.loss(ids, targets);
        loss.backward();
        for (const parts of [fresh, read]) {
          const ran = parts.reduce<Tensor | undefined>((stream, part) => part.advance(ids, stream), undefined)!;
          const own = parts.at(-1)!.hiddenLoss(ran, targets);
          assert.equal(own.item(), loss.item());
          own.backward();
        }
      });
      for (const part of [...fresh, ...read]) {
        assert.deepEqual(new Set(differences(part, whole, (one) => one)), new Set([0]));
      }
      scope(() =>
        assert.throws(() => fresh[1]!.hidden(randint(0, 96, [1, 4])), /this part of a model has no embedding/),
      );
      const middle = [fresh[1]!, read[1]!];
      for (const part of middle) assert.deepEqual(new Set(differences(part, whole, (one) => one.grad!)), new Set([0]));
      for (const part of [...fresh, ...read]) part.dispose();
    }
    assert.equal(liveTensors(), before);
  });
}

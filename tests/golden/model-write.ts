/**
 * The other direction of model.py: writes model directories with every weight random, and the logits they give for some ids.
 *
 *     node tests/golden/model-write.ts DIR && python tests/golden/model.py --check DIR
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { LanguageModel, type ModelConfigInput } from '@tunan/model';
import { manualSeed, noGrad, randint, scope } from '@tunan/torch';

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: node model-write.ts DIR');

const sizes = { vocabularySize: 256, contextLength: 48, layers: 3, width: 48, heads: 6, initStd: 0.2, endOfDocumentId: 4 };
const llama = { ...sizes, family: 'llama', kvHeads: 2, outputInit: 'normal' } as const;
const configs = {
  gpt2: sizes,
  qwen3: { ...llama, headDim: 12 },
  'qwen3-untied': { ...llama, tiedHead: false, ropeTheta: 1e6, mlpWidth: 100, ropeScaling: { type: 'linear', factor: 4 } },
  qwen2: {
    ...llama,
    variant: 'qwen2',
    headDim: 12,
    ropeScaling: { type: 'yarn', factor: 4, originalContext: 12, betaFast: 32, betaSlow: 1, attentionFactor: 1.2 },
  },
  llama: {
    ...llama,
    variant: 'llama',
    tiedHead: false,
    normEpsilon: 1e-5,
    ropeScaling: { type: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 12 },
  },
} as const satisfies Record<string, ModelConfigInput>;

for (const [name, config] of Object.entries(configs)) {
  using model = LanguageModel.create(config, { seed: 5 });
  const folder = path.join(directory, name);
  manualSeed(11);
  noGrad(() =>
    scope(() => {
      for (const parameter of model.namedParameters().values()) {
        if (parameter.shape.length === 1) parameter.add_(parameter.clone().normal_(0, 0.1));
      }
      model.save(folder);
      const ids = randint(0, 256, [4, 48]);
      const logits = model.logits(model.hidden(ids));
      writeFileSync(path.join(folder, 'logits.json'), JSON.stringify({ ids: ids.toNested(), logits: logits.toNested() }));
    }),
  );
}

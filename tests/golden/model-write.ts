/**
 * The other direction of model.py: writes a model directory with every weight random, and the logits it gives for some ids.
 *
 *     node tests/golden/model-write.ts DIR && python tests/golden/model.py --check DIR
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { LanguageModel } from '@tunan/model';
import { manualSeed, noGrad, randint, scope } from '@tunan/torch';

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: node model-write.ts DIR');
const config = { vocabularySize: 256, contextLength: 48, layers: 3, width: 48, heads: 6, initStd: 0.2, endOfDocumentId: 4 };
using model = LanguageModel.create(config, { seed: 5 });
manualSeed(11);
noGrad(() =>
  scope(() => {
    for (const parameter of model.namedParameters().values()) {
      if (parameter.shape.length === 1) parameter.add_(parameter.clone().normal_(0, 0.1));
    }
    model.save(directory);
    const ids = randint(0, 256, [4, 48]);
    const logits = model.logits(model.hidden(ids));
    writeFileSync(path.join(directory, 'logits.json'), JSON.stringify({ ids: ids.toNested(), logits: logits.toNested() }));
  }),
);

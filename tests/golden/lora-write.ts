/**
 * The other direction of lora.py: writes models, adapters with every weight random, the two merged, and the logits they give for some ids.
 *
 *     node tests/golden/lora-write.ts DIR && python tests/golden/lora.py --check DIR
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { LanguageModel, LoraLayers, type ModelConfigInput, mergeAdapter, parseModelConfig, saveAdapter, targetsOf, weightsSha256 } from '@tunan/model';
import { manualSeed, noGrad, randint, scope } from '@tunan/torch';

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: node lora-write.ts DIR');

const sizes = { vocabularySize: 256, contextLength: 48, layers: 2, width: 48, heads: 6, initStd: 0.2, endOfDocumentId: 4 };
const llama = { ...sizes, family: 'llama', kvHeads: 2, outputInit: 'normal' } as const;
const cases = {
  gpt2: { config: sizes, targets: ['all'], rankStabilized: false },
  'gpt2-attention-output': { config: sizes, targets: ['attn.c_proj'], rankStabilized: true },
  qwen3: { config: { ...llama, headDim: 12 }, targets: ['all'], rankStabilized: true },
  qwen2: { config: { ...llama, variant: 'qwen2' }, targets: ['attention'], rankStabilized: false },
  llama: { config: { ...llama, variant: 'llama', tiedHead: false }, targets: ['q_proj', 'down_proj'], rankStabilized: false },
} as const satisfies Record<string, { config: ModelConfigInput; targets: readonly string[]; rankStabilized: boolean }>;

for (const [name, { config, targets, rankStabilized }] of Object.entries(cases)) {
  const parsed = parseModelConfig(config);
  const adapter = { rank: 4, alpha: 6, rankStabilized, targets: targetsOf(targets, parsed, name) };
  const at = (part: string) => path.join(directory, name, part);
  {
    using model = LanguageModel.create(config, { seed: 5 });
    model.save(at('model'));
  }
  using layers = LoraLayers.fresh(adapter, parsed, 3);
  using model = LanguageModel.load(at('model'), { makers: layers });
  manualSeed(11);
  noGrad(() =>
    scope(() => {
      for (const { b } of layers.pairs.values()) b.normal_(0, 0.2);
      saveAdapter(at('adapter'), layers, parsed, { name, sha256: weightsSha256(at('model')) });
      const ids = randint(0, 256, [2, 48]);
      const logits = model.logits(model.hidden(ids));
      writeFileSync(at('logits.json'), JSON.stringify({ ids: ids.toNested(), logits: logits.toNested() }));
    }),
  );
  mergeAdapter(at('model'), at('adapter'), at('merged'));
}

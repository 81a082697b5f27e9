/** Adapters of random numbers for tests, large enough to change what a model says. */
import path from 'node:path';
import { LoraLayers, readModelConfig, saveAdapter, targetsOf, weightsSha256 } from '@tunan/model';
import { noGrad, rand, scope } from '@tunan/torch';

/**
 * Writes adapters of several ranks, scales and targets beside a model.
 * @returns their directories
 */
export function tinyAdapters(model: string, count: number): string[] {
  const config = readModelConfig(model);
  const sha256 = weightsSha256(model);
  return Array.from({ length: count }, (_, index) => {
    const words = [['all'], ['attention'], ['mlp']][index % 3]!;
    const targets = targetsOf(words, config, 'test');
    const scale = { rank: 1 + (index % 4), alpha: 2 + index, rankStabilized: index % 2 === 1 };
    using layers = LoraLayers.fresh({ ...scale, targets }, config, index + 1);
    for (const { b } of layers.pairs.values())
      scope(() =>
        noGrad(
          () =>
            void b.copy_(
              rand([...b.shape])
                .sub(0.5)
                .mul(0.3),
            ),
        ),
      );
    const directory = path.join(path.dirname(model), `${path.basename(model)}-${index}`);
    saveAdapter(directory, layers, config, { name: path.basename(model), sha256 });
    return directory;
  });
}

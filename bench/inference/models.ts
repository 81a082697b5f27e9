// The models of bench/inference: random weights, written once as a model directory and as the GGUF of the same numbers.
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { exportGguf, type GgufType } from '@tunan/inference';
import { LanguageModel } from '@tunan/model';
import { noGrad, scope, tensor } from '@tunan/torch';
import { benchVocabulary } from './vocabulary.ts';

const CONTEXT = 2048;

export const benchModels = {
  '15m': { layers: 6, width: 384, heads: 6, vocabularySize: 8192, contextLength: CONTEXT },
  '110m': { layers: 12, width: 768, heads: 12, vocabularySize: 32_768, contextLength: CONTEXT },
} as const;
export type BenchModelName = keyof typeof benchModels;

export interface BenchModel {
  readonly name: BenchModelName;
  readonly directory: string;
  readonly gguf: string;
  readonly contextLength: number;
  /** Prompts are made of ids from `firstId` to `vocabularySize`. */
  readonly firstId: number;
  readonly vocabularySize: number;
}

/**
 * Makes the tokens before `first`, `<eod>` and parts of characters, too unlikely to be drawn: some of the peers break off at text that is
 * no UTF-8. The head is tied, so their rows point away from what the last norm's bias adds to every position.
 */
function leaveOut(model: LanguageModel, first: number): void {
  noGrad(() =>
    scope(() => {
      const parameters = model.namedParameters();
      const head = parameters.get('transformer.wte.weight')!;
      const bias = parameters.get('transformer.ln_f.bias')!;
      const [rows, width] = head.shape as [number, number];
      const weights = Array.from(head.toArray(), Number);
      for (let place = 0; place < first * width; place++) weights[place] = place % width === 0 ? -10 : 0;
      head.copy_(tensor(Float32Array.from(weights)).view(rows, width));
      bias.copy_(tensor(Float32Array.from({ length: width }, (_, place) => (place === 0 ? 8 : 0))));
    }),
  );
}

export function benchModel(name: BenchModelName, home: string, type: GgufType): BenchModel {
  const config = benchModels[name];
  const directory = path.join(home, name);
  const gguf = path.join(home, `${name}-${type}.gguf`);
  const { tokenizer, firstCharacter } = benchVocabulary(config.vocabularySize);
  if (!existsSync(path.join(directory, 'config.json'))) {
    mkdirSync(home, { recursive: true });
    const tokenizerFile = path.join(home, `${name}-tokenizer.json`);
    tokenizer.save(tokenizerFile);
    using model = LanguageModel.create({ ...config, endOfDocumentId: 0 }, { seed: 1 });
    leaveOut(model, firstCharacter);
    model.save(directory, { tokenizerFile });
  }
  if (!existsSync(gguf)) exportGguf(directory, gguf, { type });
  return {
    name,
    directory,
    gguf,
    contextLength: CONTEXT,
    firstId: firstCharacter,
    vocabularySize: config.vocabularySize,
  };
}

/** What an export costs: bits per character of a model as it was, and of one with the weights of the file, on text given by --measure. */
import path from 'node:path';
import type { MeasuredLoss } from '@tunan/inference';
import type { LanguageModel } from '@tunan/model';
import type { Tokenizer } from '@tunan/tokenizer';
import { text } from '../language.ts';

/** The documents of `--measure`, before anything is written. @throws UsageError, CommandLineError */
export async function readMeasured(place: string | undefined, limit: number): Promise<string[] | undefined> {
  if (place === undefined) return undefined;
  const { readDocuments } = await import('../evaluation/read-documents.ts');
  return await readDocuments(place, 'test', limit);
}

/**
 * @param place where the documents are from, for the card
 * @param open the model whose weights are those of the file
 */
export async function measureLoss(
  directory: string,
  tokenizer: Tokenizer,
  documents: readonly string[],
  place: string,
  open: () => LanguageModel,
): Promise<MeasuredLoss> {
  const { LanguageModel } = await import('@tunan/model');
  const { evaluateBitsPerCharacter } = await import('@tunan/evaluation');
  using original = LanguageModel.load(directory);
  const before = await evaluateBitsPerCharacter(original, tokenizer, documents);
  using written = open();
  const after = await evaluateBitsPerCharacter(written, tokenizer, documents);
  return {
    text: path.basename(place),
    characters: before.characters,
    original: before.bitsPerCharacter,
    exported: after.bitsPerCharacter,
  };
}

/** @param loss in percent, as it is said */
export function lossLine({ original, exported }: MeasuredLoss, loss: string): string {
  const [before, after] = [original.toFixed(4), exported.toFixed(4)];
  return text(
    `bits per character: ${before} before, ${after} in the file (${loss})`,
    `每字比特数：导出前 ${before}，文件中 ${after}（${loss}）`,
  );
}

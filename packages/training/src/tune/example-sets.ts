/**
 * Examples to train on and examples held out: encoded, those over the context left out and listed, none in both sets. Without a file of
 * its own the held-out set is drawn by the seed, and examples that say the same go to the same side.
 */

import { createHash } from 'node:crypto';
import { foldKey, Permutation } from '../data/permutation.ts';
import { type EncodedExample, type ExampleCoder, encodeExample } from './encode-example.ts';
import { badExamples, type Example, type RowReader, readExamples } from './examples.ts';

/** Of what is drawn for the split. */
const SPLIT_KEY = 0x73706c;

export interface ExampleSetsOptions {
  readonly data: string;
  /** Of the files; JSON lines when absent. */
  readonly read?: RowReader | undefined;
  /** Held out in place of a share of the data. */
  readonly validation?: string | undefined;
  /** Of the data, held out where there is no such file. */
  readonly validationShare: number;
  readonly contextLength: number;
  readonly seed: number;
}

export interface ExampleSets {
  readonly train: readonly EncodedExample[];
  readonly validation: readonly EncodedExample[];
  readonly counts: {
    readonly train: SetCounts;
    readonly validation: SetCounts;
    /** Left out of training because they are held out too. */
    readonly shared: number;
    /** Of the data that say what an earlier one says; they stay. */
    readonly repeated: number;
  };
  /** Left out because the context does not hold them: `file:line`, and their tokens. */
  readonly tooLong: readonly { readonly place: string; readonly tokens: number }[];
  /** SHA-256 over all that is trained on and held out. */
  readonly sha256: string;
}

export interface SetCounts {
  readonly examples: number;
  readonly tokens: number;
  /** Tokens that are targets. */
  readonly learnt: number;
}

/** @throws TrainingError TRAINING_BAD_EXAMPLES */
export async function prepareExamples(options: ExampleSetsOptions, coder: ExampleCoder): Promise<ExampleSets> {
  const { data, contextLength } = options;
  const all = await readExamples(data, options.read);
  const { train, validation } = await split(all, options);
  const held = new Set(validation.map(({ key }) => key));
  const own = train.filter(({ key }) => !held.has(key));
  const tooLong: { place: string; tokens: number }[] = [];
  const encode = (examples: readonly Example[], file: string) =>
    examples
      .map((example) => encodeExample(example, coder))
      .filter(({ ids, rejected, line }) => {
        const tokens = Math.max(ids.length, rejected?.ids.length ?? 0);
        // Of n tokens n - 1 are read.
        if (tokens - 1 <= contextLength) return true;
        tooLong.push({ place: `${file}:${line}`, tokens });
        return false;
      });
  const [trained, heldOut] = [encode(own, data), encode(validation, options.validation ?? data)];
  if (trained.length === 0) {
    throw badExamples(
      data,
      `none of ${all.length} examples is left to train on: ${tooLong.length} are longer than the context of ${contextLength} tokens, ${train.length - own.length} are held out too`,
      `${all.length} 个样例中没有可供训练的：${tooLong.length} 个超过 ${contextLength} 个词元的上下文，${train.length - own.length} 个与验证集相同`,
    );
  }
  return {
    train: trained,
    validation: heldOut,
    counts: {
      train: countsOf(trained),
      validation: countsOf(heldOut),
      shared: train.length - own.length,
      repeated: all.length - new Set(all.map(({ key }) => key)).size,
    },
    tooLong,
    sha256: hashOf([...trained, ...heldOut]),
  };
}

async function split(
  all: readonly Example[],
  { validation, validationShare, seed, read }: ExampleSetsOptions,
): Promise<{ train: readonly Example[]; validation: readonly Example[] }> {
  if (validation !== undefined) return { train: all, validation: await readExamples(validation, read) };
  const keys = [...new Set(all.map(({ key }) => key))];
  const wanted = Math.min(keys.length - 1, Math.ceil(validationShare * keys.length));
  if (wanted === 0) return { train: all, validation: [] };
  const order = new Permutation(keys.length, foldKey(seed, SPLIT_KEY));
  const held = new Set(Array.from({ length: wanted }, (_, place) => keys[order.at(place)]!));
  return { train: all.filter(({ key }) => !held.has(key)), validation: all.filter(({ key }) => held.has(key)) };
}

function countsOf(examples: readonly EncodedExample[]): SetCounts {
  const sum = (of: (example: EncodedExample) => number) => examples.reduce((total, one) => total + of(one), 0);
  return {
    examples: examples.length,
    tokens: sum(({ ids, rejected }) => ids.length + (rejected?.ids.length ?? 0)),
    learnt: sum(({ learnt, rejected }) => marked(learnt) + (rejected === undefined ? 0 : marked(rejected.learnt))),
  };
}

function marked(learnt: Uint8Array): number {
  return learnt.reduce((total, one) => total + one, 0);
}

function hashOf(examples: readonly EncodedExample[]): string {
  const hash = createHash('sha256');
  for (const { rejected, ...chosen } of examples)
    for (const { ids, learnt } of rejected === undefined ? [chosen] : [chosen, rejected])
      hash.update(`${ids.length},`).update(ids).update(learnt);
  return hash.digest('hex');
}

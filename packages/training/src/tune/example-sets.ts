/**
 * Examples to train on and examples held out: encoded, those over the context left out and listed, none in both sets. Without a file of
 * its own the held-out set is drawn by the seed, and examples that say the same go to the same side.
 */

import { createHash } from 'node:crypto';
import { foldKey, Permutation } from '../data/permutation.ts';
import {
  cutText,
  type EncodedAnswer,
  type EncodedExample,
  type ExampleCoder,
  encodeExample,
} from './encode-example.ts';
import { ExampleStore, type Examples, Numbers } from './example-store.ts';
import { badExamples, eachExample, type RowReader } from './examples.ts';

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
  /** What tells texts that nearly say what one of those held out says; they are left out of training. Nothing does when absent. */
  readonly nearTo?: ((heldOut: Iterable<string>) => Promise<{ has(text: string): boolean }>) | undefined;
}

export interface ExampleSets {
  readonly train: Examples;
  readonly validation: Examples;
  readonly counts: {
    readonly train: SetCounts;
    readonly validation: SetCounts;
    /** Left out of training because they are held out too. */
    readonly shared: number;
    /** Likewise because they nearly say what is held out. */
    readonly near: number;
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

/** What a file holds: examples that fit, with the keys of what they say. */
interface ReadExamples {
  readonly store: ExampleStore;
  readonly keys: Numbers;
  /** Examples that the store holds; a long text is several of its. */
  readonly count: number;
}

/** In memory of some five bytes a character. @throws TrainingError TRAINING_BAD_EXAMPLES */
export async function prepareExamples(options: ExampleSetsOptions, coder: ExampleCoder): Promise<ExampleSets> {
  const { data, validation, contextLength } = options;
  const tooLong: { place: string; tokens: number }[] = [];
  const encode = async (file: string): Promise<ReadExamples> => {
    const [store, keys] = [new ExampleStore(), new Numbers()];
    let count = 0;
    for await (const example of eachExample(file, options.read)) {
      const encoded = encodeExample(example, coder);
      const tokens = Math.max(encoded.ids.length, encoded.rejected?.ids.length ?? 0);
      // Of n tokens n - 1 are read.
      if (tokens - 1 > contextLength && example.content.kind !== 'text') {
        tooLong.push({ place: `${file}:${encoded.line}`, tokens });
        continue;
      }
      count++;
      for (const piece of cutText(encoded, contextLength, coder)) {
        store.add(piece);
        keys.add(example.key);
      }
    }
    return { store, keys, count };
  };
  const all = await encode(data);
  const distinct = distinctOf(all.keys);
  const given = validation === undefined ? undefined : await encode(validation);
  const held = given === undefined ? drawn(distinct, options) : new Set(given.keys.all);
  const others = numbersOf(all.keys, (key) => !held.has(key));
  const heldOut =
    given === undefined
      ? all.store.of(numbersOf(all.keys, (key) => held.has(key)))
      : given.store.of(numbersOf(given.keys, () => true));
  const shared = given === undefined ? 0 : all.store.length - others.length;
  const nearly = heldOut.length === 0 ? undefined : await options.nearTo?.(textsOf(heldOut));
  const kept = nearly === undefined ? others : others.filter((index) => !nearly.has(textOf(all.store.at(index))));
  const near = others.length - kept.length;
  const train = all.store.of(kept);
  if (train.length === 0) {
    const count = all.store.length + tooLong.length;
    throw badExamples(
      data,
      `none of ${count} examples is left to train on: ${tooLong.length} are longer than the context of ${contextLength} tokens, ${shared + near} say what is held out`,
      `${count} 个样例中没有可供训练的：${tooLong.length} 个超过 ${contextLength} 个词元的上下文，${shared + near} 个与验证集相同或近似`,
    );
  }
  return {
    train,
    validation: heldOut,
    counts: {
      train: countsOf(train),
      validation: countsOf(heldOut),
      shared,
      near,
      repeated: all.count - distinct.length,
    },
    tooLong,
    sha256: hashOf([train, heldOut]),
  };
}

/** In ascending order, so that what is drawn of them does not depend on that of the file. */
function distinctOf(keys: Numbers): Float64Array {
  return keys.all
    .slice()
    .sort()
    .filter((key, at, sorted) => at === 0 || key !== sorted[at - 1]);
}

/** Keys of what is held out of the data itself. */
function drawn(distinct: Float64Array, { validationShare, seed }: ExampleSetsOptions): Set<number> {
  const wanted = Math.min(distinct.length - 1, Math.ceil(validationShare * distinct.length));
  if (wanted <= 0) return new Set();
  const order = new Permutation(distinct.length, foldKey(seed, SPLIT_KEY));
  return new Set(Array.from({ length: wanted }, (_, place) => distinct[order.at(place)]!));
}

/** Of the examples whose keys are wanted. */
function numbersOf(keys: Numbers, wanted: (key: number) => boolean): Uint32Array {
  return Uint32Array.from(keys.all.keys()).filter((index) => wanted(keys.at(index)));
}

function* textsOf(examples: Examples): Generator<string> {
  for (const example of examples) yield textOf(example);
}

/** All that an example says. */
function textOf({ content }: EncodedExample): string {
  const { kind: _, messages = [], ...texts } = { messages: undefined, ...content };
  return [...messages.map((message) => message.content), ...Object.values(texts)].join('\n');
}

function countsOf(examples: Examples): SetCounts {
  let [tokens, learnt] = [0, 0];
  for (const example of examples) {
    for (const answer of answersOf(example)) {
      tokens += answer.ids.length;
      learnt += answer.learnt.reduce((total, one) => total + one, 0);
    }
  }
  return { examples: examples.length, tokens, learnt };
}

function hashOf(sets: readonly Examples[]): string {
  const hash = createHash('sha256');
  for (const examples of sets)
    for (const example of examples)
      for (const { ids, learnt } of answersOf(example)) hash.update(`${ids.length},`).update(ids).update(learnt);
  return hash.digest('hex');
}

function answersOf(example: EncodedExample): readonly EncodedAnswer[] {
  return example.rejected === undefined ? [example] : [example, example.rejected];
}

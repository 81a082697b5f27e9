/**
 * General text learnt beside the examples, so that what the model knew stays (experience replay, Scialom et al. 2022). Its rows lie among
 * those of the examples at places that depend on the share and the number of the row alone.
 */

import { createHash } from 'node:crypto';
import { TrainingError } from '../errors.ts';
import { cutText, type EncodedExample, type ExampleCoder } from './encode-example.ts';

export interface ReplayTexts {
  readonly texts: readonly string[];
  /** Where they are from, said in errors. */
  readonly place: string;
  /** Of the rows; from above 0 to below 1. */
  readonly share: number;
}

export interface Replay {
  readonly pieces: readonly EncodedExample[];
  readonly place: string;
  readonly share: number;
  readonly sha256: string;
}

/** Characters of text at most, evenly chosen texts of more: a run of tuning reads a small part of a corpus. */
const MOST_CHARACTERS = 4_000_000;

/** Texts longer than the context in pieces that each go on from the last token of the one before. */
export function prepareReplay(
  { texts, place, share }: ReplayTexts,
  coder: ExampleCoder,
  contextLength: number,
): Replay {
  const hash = createHash('sha256');
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  const step = Math.max(1, Math.ceil(characters / MOST_CHARACTERS));
  const chosen = texts.filter((_, index) => index % step === 0);
  const pieces = chosen.flatMap((text, index) => {
    const ids = Int32Array.from([coder.begin, ...coder.text(text), coder.end]);
    hash.update(`${ids.length},`).update(ids);
    const learnt = new Uint8Array(ids.length).fill(1, 1);
    return cutText({ ids, learnt, line: index + 1, content: { kind: 'text', text } }, contextLength, coder);
  });
  if (pieces.length > 0) return { pieces, place, share, sha256: hash.digest('hex') };
  throw new TrainingError('TRAINING_MISSING_DATA', {
    en: `${place} has no text to learn beside the examples: give another --replay, or none`,
    zh: `${place} 中没有可与样例一同学习的文本：请换一个 --replay，或不给`,
  });
}

/** Which row of which kind row n of the run is: the replay's rows are spread evenly. */
export function mixedRow(n: number, share: number): { readonly replay: boolean; readonly index: number } {
  const [before, with_] = [Math.floor(n * share), Math.floor((n + 1) * share)];
  return with_ > before ? { replay: true, index: before } : { replay: false, index: n - before };
}

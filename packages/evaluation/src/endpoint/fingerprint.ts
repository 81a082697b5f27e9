/**
 * Which model answers behind an endpoint. A URL and a name say little: another checkpoint may be served there tomorrow. What a model
 * thinks of a few fixed texts tells it from every other, so that scores on disk are used again for the same model alone.
 *
 * Servers whose arithmetic varies a little from one start to the next are recognised all the same: prints that
 * are as good as equal are one model.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, writeWhole } from '@tunan/files';
import type { EchoedText } from './echoed-text.ts';

/** Prose, verse, talk, figures, code and English: models that agree on all of it to the thousandth are one. */
export const FINGERPRINT_TEXTS: readonly string[] = [
  '春雨过后，江边的小路上积了几处水洼，行人都绕着走。',
  '孤舟夜泊寒江上，一点渔灯照客愁。',
  '您好，请问明天下午三点还有去西站的班车吗？',
  '2019年该省粮食产量为3.68亿吨，比上年增长1.4%。',
  'for (let i = 0; i < 10; i++) sum += i * i;',
  'The library closes at six, but the garden stays open.',
];

/** Mean difference of log-probabilities, a token, up to which two prints are one model's. */
const SAME = 1e-3;

export interface Fingerprint {
  /** Of places of all tokens and their log-probabilities. */
  readonly hash: string;
  readonly cuts: readonly number[];
  readonly logprobs: readonly number[];
}

export function fingerprintOf(echoed: readonly EchoedText[]): Fingerprint {
  const tokens = echoed.flatMap((one) => one.tokens);
  const cuts = tokens.map(({ end }) => end);
  const logprobs = tokens.map(({ logprob }) => logprob ?? 0);
  const hash = createHash('sha256')
    .update(JSON.stringify([cuts, logprobs]))
    .digest('hex');
  return { hash, cuts, logprobs };
}

/**
 * The hash of the first print in the folder that is as good as equal; the print's own, which is then kept there, where there is none.
 * @param directory one small file for each model that was ever met
 * @returns others: how many those are where this one was not among them
 */
export function knownFingerprint(print: Fingerprint, directory: string): { hash: string; others: number } {
  makeFolder(directory);
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  for (const name of names.sort()) {
    const known = readPrint(path.join(directory, name));
    if (known !== undefined && isSame(known, print)) return { hash: known.hash, others: 0 };
  }
  writeWhole(path.join(directory, `${print.hash.slice(0, 24)}.json`), JSON.stringify(print));
  return { hash: print.hash, others: names.length };
}

/** Undefined where the file is damaged: the model is then met anew. */
function readPrint(file: string): Fingerprint | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Fingerprint;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isSame(one: Fingerprint, other: Fingerprint): boolean {
  if (one.cuts.length !== other.cuts.length || one.cuts.some((cut, i) => cut !== other.cuts[i])) return false;
  const difference = one.logprobs.reduce((sum, value, i) => sum + Math.abs(value - other.logprobs[i]!), 0);
  return difference / one.logprobs.length <= SAME;
}

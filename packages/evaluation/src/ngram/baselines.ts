/**
 * The two baselines of a language model: character unigram and Kneser-Ney n-gram, both estimated from all training text
 * and asked for exactly the characters that the language model is asked for.
 *
 * `scoreBaselines` computes here; `scoreBaselinesInWorker` in a thread of its own, beside a training run.
 */

import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type BitsPerCharacter, bitsPerCharacter } from '../bits/bits-per-character.ts';
import { CharacterNgram, checkOrder } from './character-ngram.ts';
import { type CharacterText, readCharacterText } from './character-text.ts';

export interface BaselineRequest {
  /** Read once. */
  readonly training: Iterable<string>;
  readonly evaluated: readonly string[];
  /** Of the larger baseline; 5 when absent. */
  readonly order?: number;
}

export interface BaselineScores {
  readonly unigram: BitsPerCharacter;
  readonly ngram: BitsPerCharacter & { readonly order: number };
}

/** What travels to the worker. */
export interface BaselineWork {
  readonly text: CharacterText;
  readonly evaluated: readonly string[];
  readonly order: number;
}

const DEFAULT_ORDER = 5;

/** @throws EvaluationError EVALUATION_EMPTY_TEXT, EVALUATION_BAD_ORDER */
export function scoreBaselines(request: BaselineRequest): BaselineScores {
  return scoreText(prepare(request));
}

/**
 * The training text is read on the calling thread (about 10 ns a character) and moved to the worker, not copied.
 *
 * @param signal aborting it ends the worker; the promise rejects with an AbortError
 * @throws what scoreBaselines throws
 */
export async function scoreBaselinesInWorker(request: BaselineRequest, signal?: AbortSignal): Promise<BaselineScores> {
  signal?.throwIfAborted();
  const work = prepare(request);
  // The worker has this module's extension: .ts in the source tree, .js in the published package.
  const extension = extname(fileURLToPath(import.meta.url));
  const worker = new Worker(new URL(`./baselines-worker${extension}`, import.meta.url), {
    workerData: work,
    transferList: [work.text.symbols.buffer],
  });
  try {
    const [scores] = await once(worker, 'message', signal && { signal });
    return scores as BaselineScores;
  } finally {
    await worker.terminate();
  }
}

export function scoreText({ text, evaluated, order }: BaselineWork): BaselineScores {
  const unigram = new CharacterNgram(text, 1);
  const ngram = new CharacterNgram(text, order);
  return {
    unigram: bitsPerCharacter((document) => unigram.score(document), evaluated),
    ngram: { ...bitsPerCharacter((document) => ngram.score(document), evaluated), order },
  };
}

function prepare({ training, evaluated, order = DEFAULT_ORDER }: BaselineRequest): BaselineWork {
  checkOrder(order);
  return { text: readCharacterText(training, evaluated), evaluated, order };
}

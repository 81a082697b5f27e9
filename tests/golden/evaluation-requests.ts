/**
 * The model and the requests of the golden log-likelihoods: weights by a formula that needs no random generator of any
 * library, and the first examples of every task with its first template, fitted to the context.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { clueTasks, fitPrompt, LocalScorer, labelWords, readTaskData, type ScoreRequest } from '@tunan/evaluation';
import { LanguageModel } from '@tunan/model';
import { Tokenizer } from '@tunan/tokenizer';
import { noGrad, scope, tensor } from '@tunan/torch';

export interface GoldenRequest {
  readonly task: string;
  /** SHA-256 of the request, so that other data or another template is told from other arithmetic. */
  readonly key: string;
  readonly request: ScoreRequest;
}

const EXAMPLES = 200;
export const tokenizerFile = path.join(import.meta.dirname, 'tokenizer-golden-file.json');

export function goldenTokenizer(): Tokenizer {
  return Tokenizer.load(tokenizerFile);
}

/** Weights wide enough that what precedes a token matters for it. */
export function goldenModel(): LanguageModel {
  const sizes = { vocabularySize: 768, contextLength: 1024, layers: 2, width: 48, heads: 3, endOfDocumentId: 4 };
  const model = LanguageModel.create(sizes, { seed: 0 });
  let salt = 0;
  noGrad(() =>
    scope(() => {
      for (const [name, parameter] of model.namedParameters()) {
        const { size, shape } = parameter;
        const centre = /ln_.*weight$/.test(name) ? 1 : 0;
        const values = Float32Array.from({ length: size }, (_, i) => centre + 0.15 * noise(salt + i));
        parameter.copy_(tensor(values, { shape }));
        salt += size;
      }
    }),
  );
  return model;
}

/** In [-1, 1): the finaliser of MurmurHash3 on a counter. */
function noise(counter: number): number {
  let h = counter | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1;
}

/** @param directory folder of the nine tasks */
export function goldenRequests(directory: string, model: LanguageModel): GoldenRequest[] {
  const scorer = new LocalScorer(model, goldenTokenizer(), { identity: 'golden' });
  return clueTasks.flatMap((task) =>
    readTaskData(task, directory, 'test_public')
      .slice(0, EXAMPLES)
      .map((example) => {
        const [template] = task.templates;
        const { words } = labelWords(task, template!, example, false);
        const question = { fields: example.fields, words, firstTokenOnly: false };
        const { request } = fitPrompt(task, template!, question, [], scorer);
        return { task: task.name, key: keyOf(request), request };
      }),
  );
}

function keyOf(request: ScoreRequest): string {
  const { context, candidates } = request;
  const text = JSON.stringify([context, candidates.map(({ given, scored }) => [given, scored])]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** What evaluation.py found: log-likelihoods of all candidates, float64, in base64. */
export interface GoldenTask {
  readonly keys: readonly string[];
  readonly logLikelihoods: string;
}

export interface Golden {
  readonly madeWith: Record<string, string>;
  readonly sets: Readonly<Record<'fixture' | 'shared', Readonly<Record<string, GoldenTask>>>>;
}

export function readGolden(): Golden {
  return JSON.parse(readFileSync(new URL('evaluation.json', import.meta.url), 'utf8')) as Golden;
}

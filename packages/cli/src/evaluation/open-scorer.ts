/** The model or the endpoint that is evaluated, with the cache of its scores. */
import path from 'node:path';
import type { Scorer } from '@tunan/evaluation';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { loadModel } from '../model-options.ts';

/** A wait without a word may be no longer. */
const SILENT_MILLISECONDS = 10_000;

export interface ScorerOptions {
  readonly model: string | undefined;
  readonly endpoint: string | undefined;
  readonly 'endpoint-model': string | undefined;
  readonly 'endpoint-tokenizer': string | undefined;
  readonly 'endpoint-timeout': number;
  readonly device: string;
  readonly dtype: string;
}

export interface OpenScorer extends Disposable {
  /** For reports. */
  readonly name: string;
  readonly scorer: Scorer;
}

/** @param out results folder; the cache stands in it */
export async function openScorer(options: ScorerOptions, out: string): Promise<OpenScorer> {
  const { CachedScorer } = await import('@tunan/evaluation');
  const cache = path.join(out, 'cache');
  const { name, scorer, dispose } = await openUncached(options, path.join(cache, 'endpoints'));
  const cached = new CachedScorer(scorer, cache);
  const damaged = cached.damagedLines;
  if (damaged > 0) {
    notice(
      text(
        `${damaged} damaged lines in ${cache}: their scores are computed again`,
        `${cache} 中有 ${damaged} 行损坏：其得分将重新计算`,
      ),
    );
  }
  return {
    name,
    scorer: cached,
    [Symbol.dispose]: () => {
      cached[Symbol.dispose]();
      dispose();
    },
  };
}

/** @param fingerprints where the models of endpoints are kept that were met */
async function openUncached(
  options: ScorerOptions,
  fingerprints: string,
): Promise<{ name: string; scorer: Scorer; dispose: () => void }> {
  const { model: directory, endpoint, device, dtype } = options;
  if (directory !== undefined && endpoint !== undefined) {
    throw new UsageError(
      text('give --model or --endpoint, not both', '--model 与 --endpoint 只能给出其一，不能同时使用'),
    );
  }
  if (endpoint !== undefined) return openEndpoint(options, endpoint, fingerprints);
  if (directory === undefined) {
    throw new UsageError(text('give --model or --endpoint', '请给出 --model 或 --endpoint 之一'));
  }
  const { LocalScorer, modelIdentity } = await import('@tunan/evaluation');
  const { model, tokenizer } = await loadModel(directory, { device, dtype });
  const identity = modelIdentity(directory, `${model.dtype} ${device}`);
  return {
    name: path.basename(path.resolve(directory)),
    scorer: new LocalScorer(model, tokenizer, { identity }),
    dispose: () => model.dispose(),
  };
}

async function openEndpoint(
  options: ScorerOptions,
  url: string,
  fingerprints: string,
): Promise<{ name: string; scorer: Scorer; dispose: () => void }> {
  const { EndpointScorer } = await import('@tunan/evaluation');
  const timeoutSeconds = options['endpoint-timeout'];
  if (!(timeoutSeconds > 0)) {
    throw new UsageError(text('--endpoint-timeout is a number of seconds', '--endpoint-timeout 应为秒数'));
  }
  const model = options['endpoint-model'];
  const apiKey = process.env.TUNAN_API_KEY;
  const countTokens = await tokenCounter(options['endpoint-tokenizer']);
  const slow = setTimeout(() => notice(text(`waiting for ${url}`, `正在等待 ${url}`)), SILENT_MILLISECONDS);
  const scorer = await EndpointScorer.connect({
    url,
    timeoutSeconds,
    fingerprints,
    onRetry: (failure) => notice(text(`${failure.en}; trying again`, `${failure.zh}；正在重试`)),
    ...(model !== undefined && { model }),
    ...(apiKey && { apiKey }),
    ...(countTokens && { countTokens }),
  }).finally(() => clearTimeout(slow));
  if (countTokens === undefined) {
    notice(
      text(
        'prompts are fitted as if every byte were a token: give --endpoint-tokenizer, so that less is cut',
        '按每字节一个词元截断提示：给出 --endpoint-tokenizer 可少截断',
      ),
    );
  }
  if (scorer.otherModels > 0) {
    notice(
      text(
        'another model answers at this endpoint than before in this folder: its scores are computed anew',
        '该接口上的模型与此目录中先前的不同：重新打分',
      ),
    );
  }
  return { name: `${scorer.model} (${url})`, scorer, dispose: () => {} };
}

function notice(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function tokenCounter(file: string | undefined): Promise<((text: string) => number) | undefined> {
  if (file === undefined) return undefined;
  const { Tokenizer } = await import('@tunan/tokenizer');
  const tokenizer = Tokenizer.load(file);
  return (text) => tokenizer.encode(text, { specials: false }).length;
}

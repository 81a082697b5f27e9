/** The model or the endpoint that a command line names, with what is to be said while it is opened. */
import path from 'node:path';
import type { OpenedModel } from '@tunan/evaluation';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { readPlace } from '../model-options.ts';

/** A wait without a word may be no longer. */
const SILENT_MILLISECONDS = 10_000;

export interface ModelOptions {
  readonly model: string | undefined;
  readonly endpoint: string | undefined;
  readonly 'endpoint-model': string | undefined;
  readonly 'endpoint-tokenizer': string | undefined;
  readonly 'endpoint-timeout': number;
  readonly device: string;
  readonly dtype: string;
  readonly 'prompt-attention'?: string | undefined;
}

/** @param out results folder, where the models of endpoints are kept that were met */
export async function openModel(options: ModelOptions, out: string): Promise<OpenedModel> {
  const { model: directory, endpoint } = options;
  if (directory !== undefined && endpoint !== undefined) {
    throw new UsageError(
      text('give --model or --endpoint, not both', '--model 与 --endpoint 只能给出其一，不能同时使用'),
    );
  }
  if (endpoint !== undefined) return openEndpoint(options, endpoint, path.join(out, 'cache/endpoints'));
  if (directory === undefined) {
    throw new UsageError(text('give --model or --endpoint', '请给出 --model 或 --endpoint 之一'));
  }
  const place = await readPlace(options);
  return (await import('@tunan/evaluation')).openModel(directory, place);
}

async function openEndpoint(options: ModelOptions, url: string, fingerprints: string): Promise<OpenedModel> {
  const { openEndpoint } = await import('@tunan/evaluation');
  const timeoutSeconds = options['endpoint-timeout'];
  if (!(timeoutSeconds > 0)) {
    throw new UsageError(text('--endpoint-timeout is a number of seconds', '--endpoint-timeout 应为秒数'));
  }
  const model = options['endpoint-model'];
  const tokenizer = options['endpoint-tokenizer'];
  const apiKey = process.env.TUNAN_API_KEY;
  const asked = {
    url,
    timeoutSeconds,
    fingerprints,
    onRetry: (failure: { en: string; zh: string }) =>
      notice(text(`${failure.en}; trying again`, `${failure.zh}；正在重试`)),
    ...(model !== undefined && { model }),
    ...(apiKey && { apiKey }),
  };
  const slow = setTimeout(() => notice(text(`waiting for ${url}`, `正在等待 ${url}`)), SILENT_MILLISECONDS);
  const opened = await openEndpoint(asked, tokenizer).finally(() => clearTimeout(slow));
  if (tokenizer === undefined) {
    notice(
      text(
        'prompts are fitted as if every byte were a token: give --endpoint-tokenizer, so that less is cut',
        '按每字节一个词元截断提示：给出 --endpoint-tokenizer 可少截断',
      ),
    );
  }
  if (opened.otherModels > 0) {
    notice(
      text(
        'another model answers at this endpoint than before in this folder: its scores are computed anew',
        '该接口上的模型与此目录中先前的不同：重新打分',
      ),
    );
  }
  return opened;
}

export function damagedCache(lines: number, cache: string): void {
  notice(
    text(
      `${lines} damaged lines in ${cache}: their scores are computed again`,
      `${cache} 中有 ${lines} 行损坏：其得分将重新计算`,
    ),
  );
}

function notice(line: string): void {
  process.stderr.write(`${line}\n`);
}

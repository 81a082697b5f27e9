/**
 * Fields of sampling beyond OpenAI's that completions and chat share, and the names that other servers have for the same thing.
 *
 * Contract: a field has the meaning that vLLM or llama.cpp gives it. An alias has one clear meaning, that of the field that it stands
 * for; both at once with different values are refused, since nobody could tell which was meant.
 */
import type { Said } from '@tunan/files';
import { z } from 'zod';
import { optional, withDefault } from './field.ts';

const tokenIds = z.array(z.int().min(0)).max(256);

/** What draws tokens, and what ends a text. */
export const samplingFields = {
  typical_p: withDefault(
    z.number().min(0).max(1),
    1,
    'Extension, llama.cpp and transformers: only the tokens whose surprise is nearest to the entropy, up to this share of the probability; 0 and 1 are off.',
    '扩展（llama.cpp、transformers）：只从惊异度最接近熵、概率合计达到此值的词元中抽取；0 与 1 为关闭。',
  ),
  min_tokens: withDefault(
    z.int().min(0),
    0,
    'Extension, vLLM: fewest tokens of each answer: until then no token that ends it is drawn, and no stop string counts.',
    '扩展（vLLM）：每个回答的最少词元数：此前不抽取结束词元，停止文本也不起作用。',
  ),
  ignore_eos: withDefault(
    z.boolean(),
    false,
    'Extension, vLLM and llama.cpp: the end of the document is never drawn.',
    '扩展（vLLM、llama.cpp）：从不抽取文档结束词元。',
  ),
  stop_token_ids: withDefault(
    tokenIds,
    [],
    'Extension, vLLM: ids of tokens that end the answer too; their text is not shown. At most 256.',
    '扩展（vLLM）：同样结束回答的词元编号，其文本不显示；至多 256 个。',
  ),
  include_stop_str_in_output: withDefault(
    z.boolean(),
    false,
    'Extension, vLLM: the stop string that ends the answer is shown.',
    '扩展（vLLM）：显示结束回答的停止文本。',
  ),
  prompt_logprobs: optional(
    z.int().min(0).max(20),
    'Extension, vLLM: log-probabilities of the tokens of the prompt, and of this many likeliest alternatives. Not in a stream.',
    '扩展（vLLM）：给出提示各词元及这么多个最可能候选的对数概率。不能用于流式。',
  ),
};

/** Other names of fields, as llama.cpp and transformers write them. */
export const aliasFields = {
  repeat_penalty: optional(
    z.number().gt(0).max(100),
    "llama.cpp's name of repetition_penalty; it looks back over all of prompt and answer.",
    'repetition_penalty 在 llama.cpp 中的名字；范围为整个提示与结果。',
  ),
  n_predict: optional(
    z.int().min(-1),
    "llama.cpp's name of max_tokens; -1: until the context ends.",
    'max_tokens 在 llama.cpp 中的名字；-1 表示直到上下文末尾。',
  ),
  no_repeat_ngram_size: optional(
    z.int().min(0),
    "transformers' name of noRepeatNgramSize.",
    'noRepeatNgramSize 在 transformers 中的名字。',
  ),
};

/** A request in which a field and its alias may both stand. */
interface Aliased {
  readonly max_tokens: number;
  readonly repetition_penalty: number;
  readonly noRepeatNgramSize: number;
  readonly repeat_penalty: number | undefined;
  readonly n_predict: number | undefined;
  readonly no_repeat_ngram_size: number | undefined;
}

type AliasName = keyof typeof aliasFields;

const MEANT = {
  repeat_penalty: 'repetition_penalty',
  n_predict: 'max_tokens',
  no_repeat_ngram_size: 'noRepeatNgramSize',
} as const satisfies Record<AliasName, keyof Aliased>;

/** More tokens than any context has. */
const UNLIMITED = 2 ** 31 - 1;

/** Values of fields that may stand under either name. */
export function withoutAliases(request: Aliased) {
  const { n_predict } = request;
  return {
    maxTokens: n_predict === undefined ? request.max_tokens : n_predict < 0 ? UNLIMITED : n_predict,
    repetitionPenalty: request.repeat_penalty ?? request.repetition_penalty,
    noRepeatNgramSize: request.no_repeat_ngram_size ?? request.noRepeatNgramSize,
  };
}

interface Contradiction {
  readonly field: string;
  readonly message: Said;
}

/** What of a request contradicts itself. @param defaults of the fields that have aliases, and is no contradiction */
export function contradictions(
  request: Aliased & {
    readonly min_tokens: number;
    readonly stream: boolean;
    readonly prompt_logprobs: number | undefined;
  },
  defaults: Pick<Aliased, (typeof MEANT)[AliasName]>,
): Contradiction[] {
  const found = (Object.keys(MEANT) as AliasName[]).flatMap((alias): Contradiction[] => {
    const field = MEANT[alias];
    const [meant, given] = [request[field], request[alias]];
    if (given === undefined || meant === defaults[field] || meant === given) return [];
    const message = {
      en: `is ${given}, and ${field}, which means the same, is ${meant}; leave one out`,
      zh: `为 ${given}，而含义相同的 ${field} 为 ${meant}；请去掉一个`,
    };
    return [{ field: alias, message }];
  });
  const { maxTokens } = withoutAliases(request);
  if (request.min_tokens > maxTokens) {
    const message = {
      en: `is ${request.min_tokens}, more than max_tokens, which is ${maxTokens}; raise max_tokens`,
      zh: `为 ${request.min_tokens}，大于 max_tokens（${maxTokens}）；请增大 max_tokens`,
    };
    found.push({ field: 'min_tokens', message });
  }
  if (request.stream && request.prompt_logprobs !== undefined) {
    const message = { en: 'cannot be had in a stream; leave stream out', zh: '不能用于流式；请去掉 stream' };
    found.push({ field: 'prompt_logprobs', message });
  }
  return found;
}

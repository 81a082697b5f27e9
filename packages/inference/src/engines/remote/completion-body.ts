/**
 * A request in the words of OpenAI's completions, for another server.
 *
 * A field at its default is not sent: servers differ in what they take. What OpenAI's API does not have is sent only to servers that
 * are known to honour it; to others it is refused, because they would ignore it and answer something else without a word.
 */
import { InferenceError } from '../../errors.ts';
import type { CheckedRequest, GenerationRequest } from '../../request.ts';

/** Fields beyond OpenAI's, by what `/models` says of who owns the model. */
const EXTENSIONS: Readonly<Record<string, readonly string[]>> = {
  tunan: [
    ...['top_k', 'min_p', 'typical_p', 'repetition_penalty', 'begin_document'],
    ...['frequencyPenalty', 'responsePenalty', 'noRepeatNgramSize'],
    ...['min_tokens', 'ignore_eos', 'stop_token_ids', 'include_stop_str_in_output'],
  ],
  vllm: [
    ...['top_k', 'min_p', 'repetition_penalty'],
    ...['min_tokens', 'ignore_eos', 'stop_token_ids', 'include_stop_str_in_output'],
  ],
  sglang: ['top_k', 'min_p', 'repetition_penalty', 'min_tokens', 'ignore_eos', 'stop_token_ids'],
  llamacpp: ['top_k', 'min_p', 'typical_p', 'ignore_eos'],
};

/**
 * @param owner as `/models` names it; undefined where it does not
 * @param seed the one that was asked for: without, the server draws its own
 * @throws InferenceError INFERENCE_BAD_OPTION
 */
export function completionBody(
  request: CheckedRequest,
  seed: GenerationRequest['seed'],
  model: string,
  owner: string | undefined,
): Readonly<Record<string, unknown>> {
  // The likeliest token alone is what a temperature of 0 takes, which everyone knows.
  const greedy = request.topK === 1;
  const extensions = {
    top_k: request.topK > 1 ? request.topK : undefined,
    min_p: request.minP || undefined,
    repetition_penalty: unless(request.repetitionPenalty, 1),
    frequencyPenalty: request.frequencyPenalty > 1 ? request.frequencyPenalty : undefined,
    responsePenalty: request.responsePenalty > 1 ? request.responsePenalty : undefined,
    noRepeatNgramSize: request.noRepeatNgramSize >= 1 ? request.noRepeatNgramSize : undefined,
    begin_document: request.beginDocument || undefined,
    typical_p: request.typicalP > 0 ? unless(request.typicalP, 1) : undefined,
    min_tokens: request.minTokens || undefined,
    ignore_eos: request.ignoreEnd || undefined,
    stop_token_ids: request.stopTokens.length === 0 ? undefined : request.stopTokens,
    include_stop_str_in_output: request.includeStop || undefined,
    prompt_logprobs: request.promptLogprobs,
  };
  refuseUnknown(extensions, EXTENSIONS[owner ?? ''] ?? []);
  return {
    model,
    prompt: promptOf(request.prompts),
    max_tokens: request.maxTokens,
    temperature: greedy ? 0 : request.temperature,
    top_p: greedy || request.topP === 0 ? undefined : unless(request.topP, 1),
    n: unless(request.choices, 1),
    stop: request.stop.length === 0 ? undefined : request.stop,
    seed,
    logprobs: request.logprobs,
    echo: request.echo || undefined,
    presence_penalty: request.additivePresence || undefined,
    frequency_penalty: request.additiveFrequency || undefined,
    logit_bias: request.logitBias.size === 0 ? undefined : Object.fromEntries(request.logitBias),
    ...extensions,
    stream: true,
    stream_options: { include_usage: true },
  };
}

const unless = (value: number, off: number): number | undefined => (value === off ? undefined : value);

function refuseUnknown(fields: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  const unknown = Object.keys(fields).find((name) => fields[name] !== undefined && !known.includes(name));
  if (unknown === undefined) return;
  const message = {
    en: `${unknown} is not known to the server that runs this model: leave it out`,
    zh: `运行此模型的服务不支持 ${unknown}：请省略`,
  };
  throw new InferenceError('INFERENCE_BAD_OPTION', message, { option: unknown });
}

/** One prompt as it is, several in a list; an empty one is a text. */
function promptOf(prompts: CheckedRequest['prompts']): unknown {
  const written = prompts.map((prompt) => (prompt.length === 0 ? '' : prompt));
  if (new Set(written.map((prompt) => typeof prompt)).size > 1) {
    const message = {
      en: 'texts and token ids are mixed: send them in requests of their own',
      zh: '文本与词元编号混用：请分成不同请求',
    };
    throw new InferenceError('INFERENCE_BAD_OPTION', message, { option: 'prompts' });
  }
  return written.length === 1 ? written[0] : written;
}

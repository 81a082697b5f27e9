/**
 * A request in the words of OpenAI's completions and chat, for another server.
 *
 * A field at its default is not sent: servers differ in what they take. What OpenAI's API does not have is sent only to servers that
 * are known to honour it; to others it is refused, because they would ignore it and answer something else without a word.
 */
import { InferenceError } from '../../errors.ts';
import type { CheckedRequest, GenerationRequest } from '../../request.ts';
import { constraintBody } from './constraint-body.ts';

/** Fields beyond OpenAI's by what `/models` says of who owns the model, under the names that they have there. */
const EXTENSIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  tunan: {
    ...{ topK: 'top_k', minP: 'min_p', typicalP: 'typical_p', repetitionPenalty: 'repetition_penalty' },
    ...{ frequencyPenalty: 'frequencyPenalty', responsePenalty: 'responsePenalty' },
    ...{ noRepeatNgramSize: 'noRepeatNgramSize', beginDocument: 'begin_document' },
    ...{ minTokens: 'min_tokens', ignoreEnd: 'ignore_eos' },
    ...{ stopTokens: 'stop_token_ids', includeStop: 'include_stop_str_in_output' },
  },
  vllm: {
    ...{ topK: 'top_k', minP: 'min_p', repetitionPenalty: 'repetition_penalty' },
    ...{ minTokens: 'min_tokens', ignoreEnd: 'ignore_eos' },
    ...{ stopTokens: 'stop_token_ids', includeStop: 'include_stop_str_in_output' },
  },
  sglang: {
    ...{ topK: 'top_k', minP: 'min_p', repetitionPenalty: 'repetition_penalty' },
    ...{ minTokens: 'min_tokens', ignoreEnd: 'ignore_eos', stopTokens: 'stop_token_ids' },
  },
  llamacpp: {
    ...{ topK: 'top_k', minP: 'min_p', typicalP: 'typical_p' },
    ...{ repetitionPenalty: 'repeat_penalty', ignoreEnd: 'ignore_eos' },
  },
};

/** What goes with a field: llama.cpp's penalty looks back at 64 tokens unless it is told to look at all. */
const COMPANIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  repeat_penalty: { repeat_last_n: -1 },
};

/** The words of our own API for what others do not have, for messages. */
const NAMES: Readonly<Record<string, string>> = { ...EXTENSIONS.tunan, promptLogprobs: 'prompt_logprobs' };

/** Whether a server is known to honour all that a request asks. @param owner as `/models` names it; undefined where it does not */
export function takes(owner: string | undefined, request: CheckedRequest): boolean {
  return unknownField(request, owner) === undefined;
}

/** @throws InferenceError INFERENCE_BAD_OPTION for what can be sent to no server, or is honoured by none of these */
export function checkBody(request: CheckedRequest, owners: readonly (string | undefined)[]): void {
  if (request.messages === undefined) promptOf(request.prompts);
  const [option, ...others] = owners.map((owner) => unknownField(request, owner));
  if (option === undefined || others.includes(undefined)) return;
  const message = {
    en: `${option} is not known to the server that runs this model: leave it out`,
    zh: `运行此模型的服务不支持 ${option}：请省略`,
  };
  throw new InferenceError('INFERENCE_BAD_OPTION', message, { option });
}

/** The first field that is not known there, as our API calls it. */
function unknownField(request: CheckedRequest, owner: string | undefined): string | undefined {
  const known = EXTENSIONS[owner ?? ''] ?? {};
  const unknown = Object.keys(extensionsOf(request)).find((field) => known[field] === undefined);
  if (unknown !== undefined) return NAMES[unknown];
  const { constraint } = request;
  if (constraint === undefined || constraintBody(owner, constraint) !== undefined) return undefined;
  return constraint.option ?? 'constraint';
}

/**
 * @param seed the one that was asked for: without, the server draws its own
 * @throws InferenceError INFERENCE_BAD_OPTION for texts and ids mixed
 */
export function requestBody(
  request: CheckedRequest,
  seed: GenerationRequest['seed'],
  model: string,
  owner: string | undefined,
): Readonly<Record<string, unknown>> {
  // The likeliest token alone is what a temperature of 0 takes, which everyone knows.
  const greedy = request.topK === 1;
  const names = EXTENSIONS[owner ?? ''] ?? {};
  const extensions = Object.entries(extensionsOf(request)).map(([field, value]) => {
    const name = names[field] ?? field;
    return { [name]: value, ...COMPANIONS[name] };
  });
  return {
    model,
    ...(request.messages === undefined ? textFields(request) : chatFields(request)),
    max_tokens: request.maxTokens,
    temperature: greedy ? 0 : request.temperature,
    top_p: greedy || request.topP === 0 ? undefined : unless(request.topP, 1),
    n: unless(request.choices, 1),
    stop: request.stop.length === 0 ? undefined : request.stop,
    seed,
    presence_penalty: request.additivePresence || undefined,
    frequency_penalty: request.additiveFrequency || undefined,
    logit_bias: request.logitBias.size === 0 ? undefined : Object.fromEntries(request.logitBias),
    ...Object.assign({}, ...extensions),
    ...(request.constraint && constraintBody(owner, request.constraint)),
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** What is asked beyond OpenAI's API. */
function extensionsOf(request: CheckedRequest): Readonly<Record<string, unknown>> {
  const fields = {
    topK: request.topK > 1 ? request.topK : undefined,
    minP: request.minP || undefined,
    repetitionPenalty: unless(request.repetitionPenalty, 1),
    frequencyPenalty: request.frequencyPenalty > 1 ? request.frequencyPenalty : undefined,
    responsePenalty: request.responsePenalty > 1 ? request.responsePenalty : undefined,
    noRepeatNgramSize: request.noRepeatNgramSize >= 1 ? request.noRepeatNgramSize : undefined,
    beginDocument: request.beginDocument || undefined,
    typicalP: request.typicalP > 0 ? unless(request.typicalP, 1) : undefined,
    minTokens: request.minTokens || undefined,
    ignoreEnd: request.ignoreEnd || undefined,
    stopTokens: request.stopTokens.length === 0 ? undefined : request.stopTokens,
    includeStop: request.includeStop || undefined,
    promptLogprobs: request.promptLogprobs,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function textFields(request: CheckedRequest) {
  return { prompt: promptOf(request.prompts), logprobs: request.logprobs, echo: request.echo || undefined };
}

/** Chat asks for log-probabilities in other words, and has no echo. */
function chatFields({ messages, logprobs }: CheckedRequest) {
  return { messages, ...(logprobs !== undefined && { logprobs: true, top_logprobs: logprobs }) };
}

const unless = (value: number, off: number): number | undefined => (value === off ? undefined : value);

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

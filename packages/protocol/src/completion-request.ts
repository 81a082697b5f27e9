/**
 * The body of `POST /v1/completions`.
 *
 * Contract: a field with OpenAI's name keeps OpenAI's meaning, range and default, so that any OpenAI client works
 * unchanged. What Yuan 1.0 adds is accepted beside it under the name that Yuan's own client class uses (camelCase):
 * `frequency_penalty` is OpenAI's additive penalty (-2..2), `frequencyPenalty` is Yuan's multiplicative one (>= 1).
 * Unknown fields are refused, because a misspelt parameter that is silently ignored costs its user hours. `null` is
 * the same as an absent field, as with OpenAI.
 *
 * Not supported, and refused with a message: `suffix`, and `best_of` other than `n`.
 */
import * as z from 'zod';

/** Upper bounds of one request. They bound the memory that a single caller can claim. */
export const LIMITS = {
  prompts: 128,
  choices: 128,
  sequences: 128,
  stops: 16,
  stopLength: 256,
  logprobs: 5,
  /** Token ids of one prompt; longer than any context that is served. */
  promptTokens: 131_072,
  /** Entries of logit_bias, as at OpenAI. */
  biases: 300,
} as const;

const tokenIds = z.array(z.int().min(0)).min(1).max(LIMITS.promptTokens);

const prompt = z.union([
  z.string(),
  z.array(z.string()).min(1).max(LIMITS.prompts),
  tokenIds,
  z.array(tokenIds).min(1).max(LIMITS.prompts),
]);

const stop = z.union([
  z.string().min(1).max(LIMITS.stopLength),
  z.array(z.string().min(1).max(LIMITS.stopLength)).max(LIMITS.stops),
]);

/** An optional field whose null or absence means `fallback`. */
function withDefault<S extends z.ZodType>(schema: S, fallback: z.output<S>) {
  return schema.nullish().transform((value): z.output<S> => value ?? fallback);
}

/** An optional field whose null or absence means "not asked for". */
function optional<S extends z.ZodType>(schema: S) {
  return schema.nullish().transform((value): z.output<S> | undefined => value ?? undefined);
}

export const completionRequestSchema = z
  .strictObject({
    model: optional(z.string().min(1)).describe('Id of a served model, see GET /v1/models. Absent: the served model.'),
    prompt: withDefault(prompt, '').describe(
      'Text, several texts, token ids, or several lists of token ids. Empty or absent: a new document is begun.',
    ),
    max_tokens: withDefault(z.int().min(0), 16).describe('Most tokens to generate for each choice.'),
    temperature: withDefault(z.number().min(0).max(2), 1).describe('0 takes the likeliest token every time.'),
    top_p: withDefault(z.number().min(0).max(1), 1).describe('Nucleus: the likeliest tokens with this share of mass.'),
    n: withDefault(z.int().min(1).max(LIMITS.choices), 1).describe('Choices for each prompt.'),
    best_of: optional(z.int().min(1)).describe('Only the value of n is accepted.'),
    stream: withDefault(z.boolean(), false).describe('Answer as server-sent events, ended by data: [DONE].'),
    stream_options: optional(z.strictObject({ include_usage: withDefault(z.boolean(), false) })),
    stop: withDefault(stop, []).describe('The text is cut before the first of these strings.'),
    seed: optional(z.int()).describe('Same seed, same request: same answer, whatever else is served meanwhile.'),
    logprobs: optional(z.int().min(0).max(LIMITS.logprobs)).describe(
      'Log-probabilities of the tokens and of this many likeliest alternatives, from the unmodified distribution.',
    ),
    echo: withDefault(z.boolean(), false).describe('Put the prompt before the answer.'),
    presence_penalty: withDefault(z.number().min(-2).max(2), 0).describe(
      'OpenAI: taken once from the logit of every token generated before.',
    ),
    frequency_penalty: withDefault(z.number().min(-2).max(2), 0).describe(
      'OpenAI: taken from a logit once for each time the token was generated before.',
    ),
    logit_bias: withDefault(z.record(z.string().regex(/^\d+$/), z.number().min(-100).max(100)), {}).describe(
      'Token id to a value that is added to its logit.',
    ),
    suffix: optional(z.string()).describe('Not supported.'),
    user: optional(z.string()).describe('Accepted and not used.'),
    top_k: withDefault(z.int().min(0), 0).describe('Extension: only the k likeliest tokens; 0 is off.'),
    frequencyPenalty: withDefault(z.number().min(1).max(100), 1).describe(
      'Extension, Yuan: l > 0 ? l / p : l * p with p = frequencyPenalty ^ (times generated); 1 is off.',
    ),
    responsePenalty: withDefault(z.number().min(1).max(100), 1).describe(
      'Extension, Yuan: the same with the count capped at 1; ignored while frequencyPenalty > 1; 1 is off.',
    ),
    noRepeatNgramSize: withDefault(z.int().min(0), 0).describe(
      'Extension, Yuan: no n-gram of this size occurs twice in prompt and answer together; 0 is off.',
    ),
    begin_document: withDefault(z.boolean(), false).describe(
      'Extension: put <eod> before the prompt, so that the model sees it as the beginning of a document.',
    ),
  })
  .check((context) => {
    const { value, issues } = context;
    const refuse = (field: keyof typeof value, message: string) =>
      issues.push({ code: 'custom', path: [field], message, input: value[field] });
    if (Object.keys(value.logit_bias).length > LIMITS.biases) {
      refuse('logit_bias', `logit_bias has more than ${LIMITS.biases} entries; leave some out`);
    }
    if (value.suffix !== undefined) refuse('suffix', 'suffix is not supported; leave it out');
    if (value.best_of !== undefined && value.best_of !== value.n) {
      refuse('best_of', 'best_of is supported only when it equals n; leave it out');
    }
    if (value.stream_options !== undefined && !value.stream) {
      refuse('stream_options', 'stream_options is allowed only together with stream: true');
    }
    if (promptsOf(value.prompt).length * value.n > LIMITS.sequences) {
      refuse('n', `prompts times n must be at most ${LIMITS.sequences}; send several requests`);
    }
  });

/** What a client may send. */
export type CompletionRequestInput = z.input<typeof completionRequestSchema>;
/** A checked request, every default filled in. */
export type CompletionRequest = z.output<typeof completionRequestSchema>;

/** The prompts of a request one by one: texts, or lists of token ids. */
export function promptsOf(value: CompletionRequest['prompt']): (string | number[])[] {
  if (typeof value === 'string') return [value];
  return typeof value[0] === 'number' ? [value as number[]] : (value as (string | number[])[]);
}

/** The stop strings of a request. */
export function stopsOf(value: CompletionRequest['stop']): string[] {
  return typeof value === 'string' ? [value] : value;
}

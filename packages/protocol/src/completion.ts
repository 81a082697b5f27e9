/**
 * The answer of `POST /v1/completions`, whole or as chunks of a stream (one shape for both, as with OpenAI).
 *
 * `usage.completion_tokens` counts every token that the model produced, the final `<eod>` and tokens of a cut stop
 * string included. With `stream_options.include_usage` every chunk has `usage: null` and a last chunk without choices
 * carries the numbers.
 */
import * as z from 'zod';

const completionLogprobsSchema = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
  text_offset: z.array(z.int()),
});

const finishReasonSchema = z.enum(['stop', 'length']);

const completionChoiceSchema = z.object({
  index: z.int(),
  text: z.string(),
  logprobs: completionLogprobsSchema.nullable(),
  finish_reason: finishReasonSchema.nullable(),
});

const usageSchema = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
});

export const completionSchema = z.object({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.int().describe('Unix time, seconds.'),
  model: z.string(),
  choices: z.array(completionChoiceSchema),
  usage: usageSchema.nullish(),
});

export type CompletionLogprobs = z.infer<typeof completionLogprobsSchema>;
export type FinishReason = z.infer<typeof finishReasonSchema>;
export type CompletionChoice = z.infer<typeof completionChoiceSchema>;
export type Usage = z.infer<typeof usageSchema>;
export type Completion = z.infer<typeof completionSchema>;

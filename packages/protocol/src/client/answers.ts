/**
 * What OpenAI-compatible servers answer, as far as it is read here. Wider than what our own server promises (completion.ts,
 * models.ts): others leave fields out, or fill them with null.
 */
import { z } from 'zod';

const modelSchema = z.object({
  id: z.string(),
  /** Tells which server it is: vllm, llamacpp, tunan. */
  owned_by: z.string().nullish(),
  max_model_len: z.int().positive().nullish(),
});

export const servedModelsSchema = z.object({ data: z.array(modelSchema).min(1) });

const logprobsSchema = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()).nullish(),
  text_offset: z.array(z.int()).nullish(),
});

const choiceSchema = z.object({
  index: z.int().min(0).optional(),
  text: z.string(),
  logprobs: logprobsSchema.nullish(),
  finish_reason: z.string().nullish(),
});

const chatTokenSchema = z.object({ token: z.string(), logprob: z.number() });
const chatLogprobsSchema = z.object({
  content: z.array(chatTokenSchema.extend({ top_logprobs: z.array(chatTokenSchema).nullish() })).nullish(),
});

/** A whole answer. */
export const servedCompletionSchema = z.object({
  choices: z.array(choiceSchema),
  usage: z
    .object({
      prompt_tokens: z.int().min(0),
      completion_tokens: z.int().min(0),
      prompt_tokens_details: z.object({ cached_tokens: z.int().min(0).nullish() }).nullish(),
    })
    .nullish(),
});

/** A whole answer in a conversation. */
export const servedChatSchema = servedCompletionSchema.extend({
  choices: z.array(
    choiceSchema.omit({ text: true, logprobs: true }).extend({
      message: z.object({ role: z.string(), content: z.string().nullish() }),
      logprobs: chatLogprobsSchema.nullish(),
    }),
  ),
});

export const servedEmbeddingsSchema = z.object({
  data: z.array(z.object({ index: z.int().min(0), embedding: z.array(z.number()) })),
  usage: z.object({ prompt_tokens: z.int().min(0) }).nullish(),
});

/** Codes are texts at OpenAI and statuses elsewhere. */
export const servedErrorSchema = z.object({
  error: z.object({
    message: z.string(),
    param: z.string().nullish(),
    code: z.union([z.string(), z.number()]).nullish(),
  }),
});

/** A part of a streamed answer; what fails in the middle is told in place of the choices. */
export const servedPartSchema = servedCompletionSchema.partial({ choices: true }).extend({
  error: servedErrorSchema.shape.error.optional(),
});

/** A part of a streamed answer in a conversation. */
export const servedChatPartSchema = servedPartSchema.extend({
  choices: z
    .array(
      choiceSchema.omit({ text: true, logprobs: true }).extend({
        delta: z.object({ content: z.string().nullish() }),
        logprobs: chatLogprobsSchema.nullish(),
      }),
    )
    .optional(),
});

export type ServedError = z.infer<typeof servedErrorSchema>['error'];
export type ServedModel = z.infer<typeof modelSchema>;
export type ServedCompletion = z.infer<typeof servedCompletionSchema>;
export type ServedChat = z.infer<typeof servedChatSchema>;
export type ServedEmbeddings = z.infer<typeof servedEmbeddingsSchema>;
export type ServedPart = z.infer<typeof servedPartSchema>;
export type ServedChatPart = z.infer<typeof servedChatPartSchema>;
export type ServedChoice = z.infer<typeof choiceSchema>;
export type ServedLogprobs = z.infer<typeof logprobsSchema>;

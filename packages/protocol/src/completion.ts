/**
 * The answer of `POST /v1/completions`, whole or as chunks of a stream (one shape for both, as with OpenAI).
 *
 * `usage.completion_tokens` counts every token that the model produced, the final `<eod>` and tokens of a cut stop
 * string included. With `stream_options.include_usage` every chunk has `usage: null` and a last chunk without choices
 * carries the numbers.
 */
import { z } from 'zod';
import { aigcSchema } from './aigc.ts';
import { inBoth } from './mistakes/said.ts';

const completionLogprobsSchema = z.object({
  tokens: z
    .array(z.string())
    .describe(
      inBoth(
        'The tokens of the text, those of the prompt first where echo is set. A token that is no whole character reads bytes:\\xe6\\x98. What ended the text (<eod>) stands last, though the text does not show it.',
        '文本的各词元，设了 echo 时提示的词元在前。不是完整字符的词元写作 bytes:\\xe6\\x98。结束文本的词元（<eod>）列在最后，文本中并不显示。',
      ),
    ),
  token_logprobs: z
    .array(z.number().nullable())
    .describe(
      inBoth(
        'Natural logarithm of the probability of each token; null for the first token of an echoed prompt.',
        '各词元概率的自然对数；所返回提示的第一个词元为 null。',
      ),
    ),
  top_logprobs: z
    .array(z.record(z.string(), z.number()).nullable())
    .describe(
      inBoth(
        'For each token the likeliest ones and itself, up to one more than was asked for.',
        '每个位置上最可能的词元及其自身，因此至多比所求多一个。',
      ),
    ),
  text_offset: z
    .array(z.int())
    .describe(
      inBoth(
        'Where the text of each token begins in text, in UTF-16 units (as JavaScript counts, not Python).',
        '各词元的文本在 text 中的起点，按 UTF-16 单元计（JavaScript 的计法，与 Python 不同）。',
      ),
    ),
});

/** vLLM's form: for each token a map from ids to what they are; null for the first token. */
export const promptLogprobsSchema = z.array(
  z
    .record(z.string(), z.object({ logprob: z.number(), rank: z.int().nullable(), decoded_token: z.string() }))
    .nullable(),
);

const finishReasonSchema = z.enum(['stop', 'length', 'content_filter']);

const completionChoiceSchema = z.object({
  index: z.int().describe(inBoth('Prompt number times n, plus choice.', '提示序号乘以 n，再加结果序号。')),
  text: z
    .string()
    .describe(
      inBoth(
        'What was generated, behind the prompt where echo is set. Always whole characters: no token is drawn that would make them malformed, and an unfinished character at the end is left out.',
        '生成的文本，设了 echo 时接在提示之后。总是完整的字符：不会抽取使其残缺的词元，末尾未写完的字符略去。',
      ),
    ),
  logprobs: completionLogprobsSchema
    .nullable()
    .describe(inBoth('null unless logprobs was asked for.', '未求 logprobs 时为 null。')),
  prompt_logprobs: promptLogprobsSchema
    .optional()
    .describe(
      inBoth(
        'Where prompt_logprobs asks for it: for each token of the prompt a map from its id, and those of the likeliest, to logprob, rank (1 is the likeliest) and text; null for the first.',
        '求 prompt_logprobs 时才有：提示的每个词元给出一张表，从其编号与最可能各词元的编号到对数概率、名次（1 为最可能）与文本；第一个为 null。',
      ),
    ),
  finish_reason: finishReasonSchema
    .nullable()
    .describe(
      inBoth(
        'stop: the model ended the text, or a stop string came. length: max_tokens or the context. content_filter: the rules of the server ended it. null in a stream before the end.',
        'stop：模型写完，或遇到停止文本。length：到达 max_tokens 或上下文末尾。content_filter：因服务器的内容规则而中止。流式未结束时为 null。',
      ),
    ),
});

const usageSchema = z.object({
  prompt_tokens: z.int().describe(inBoth('Tokens of all prompts, each counted once.', '各提示的词元数，每条计一次。')),
  completion_tokens: z
    .int()
    .describe(
      inBoth(
        'Every token that the model produced, the final <eod> and tokens of a cut stop string included.',
        '模型产生的全部词元，包括结尾的 <eod> 与被截去的停止文本。',
      ),
    ),
  total_tokens: z.int().describe(inBoth('The sum of both.', '两者之和。')),
  prompt_tokens_details: z
    .object({
      cached_tokens: z
        .int()
        .describe(
          inBoth(
            'Tokens of the prompts that did not have to be computed, because an earlier request began alike.',
            '提示中因与先前请求开头相同而无须重新计算的词元数。',
          ),
        ),
    })
    .optional()
    .describe(
      inBoth('Absent where another server computes and does not tell.', '由其他服务计算而其未告知时，没有此字段。'),
    ),
});

export const completionSchema = z.object({
  id: z.string().describe(inBoth('cmpl- and 32 hexadecimal digits.', 'cmpl- 加 32 位十六进制数字。')),
  object: z.literal('text_completion'),
  created: z.int().describe(inBoth('Unix time, seconds.', 'Unix 时间，秒。')),
  model: z.string().describe(inBoth('The served model.', '所服务的模型。')),
  choices: z.array(completionChoiceSchema).describe(inBoth('In the order of the prompts.', '按提示的次序。')),
  usage: usageSchema
    .nullish()
    .describe(inBoth('In a stream only where include_usage is set.', '流式时，设了 include_usage 才有。')),
  AIGC: aigcSchema.optional(),
});

export type PromptLogprobs = z.infer<typeof promptLogprobsSchema>;
export type CompletionLogprobs = z.infer<typeof completionLogprobsSchema>;
export type FinishReason = z.infer<typeof finishReasonSchema>;
export type CompletionChoice = z.infer<typeof completionChoiceSchema>;
export type Usage = z.infer<typeof usageSchema>;
export type Completion = z.infer<typeof completionSchema>;

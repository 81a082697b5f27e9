/** The body of every answer that is not 2xx, as OpenAI writes it. */
import { z } from 'zod';
import { inBoth } from './mistakes/said.ts';

export const errorBodySchema = z.object({
  error: z.object({
    message: z
      .string()
      .describe(
        inBoth(
          'One line: what is wrong and what to do, in the language of Accept-Language (English or Chinese).',
          '一行：哪里不对、怎么办；语言随 Accept-Language（中文或英文）。',
        ),
      ),
    type: z
      .string()
      .describe(inBoth('invalid_request_error or server_error.', 'invalid_request_error 或 server_error。')),
    param: z.string().nullable().describe(inBoth('The field of the request that is at fault.', '请求中有误的字段。')),
    code: z.string().nullable().describe(inBoth('See the table of errors.', '见错误表。')),
  }),
});

export type ErrorBody = z.infer<typeof errorBodySchema>;

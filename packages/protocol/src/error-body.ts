/** The body of every answer that is not 2xx, as OpenAI writes it. */
import * as z from 'zod';

export const errorBodySchema = z.object({
  error: z.object({
    message: z.string().describe('One line: what is wrong and what to do.'),
    type: z.string(),
    param: z.string().nullable().describe('The field of the request that is at fault.'),
    code: z.string().nullable(),
  }),
});

export type ErrorBody = z.infer<typeof errorBodySchema>;

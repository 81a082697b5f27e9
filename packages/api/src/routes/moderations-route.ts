/** `POST /v1/moderations`, where the deployment has a classifier for it; where not, unknown-route.ts says how to get one. */
import { randomUUID } from 'node:crypto';
import { type ModerationsRequest, moderationsRequestSchema, moderationsSchema } from '@tunan/protocol';
import { meteredFor, type ServerContext, type ZodFastify } from '../context.ts';
import type { Moderation } from '../safety/moderation.ts';
import { namingIgnored } from './ignored-fields.ts';

export function addModerationsRoute(app: ZodFastify, context: ServerContext, moderation: Moderation): void {
  const schema = { body: moderationsRequestSchema, response: { 200: moderationsSchema } };
  const preValidation = namingIgnored(moderationsRequestSchema, context);
  app.post('/v1/moderations', { schema, preValidation }, async (request, reply) => {
    // It counts as a request, and has no tokens of a model.
    const asked = { model: moderation.name, promptTokens: 0 };
    const judge = () => judgeAll(moderation, textsOf(request.body.input));
    const results = await meteredFor(context, request, reply, asked, judge);
    return { id: `modr-${randomUUID().replaceAll('-', '')}`, model: moderation.name, results };
  });
}

async function judgeAll(moderation: Moderation, texts: readonly string[]) {
  const results: Awaited<ReturnType<Moderation['judge']>>[] = [];
  for (const text of texts) results.push(await moderation.judge(text));
  return results;
}

const textsOf = (input: ModerationsRequest['input']): readonly string[] =>
  typeof input === 'string' ? [input] : input.map((one) => (typeof one === 'string' ? one : one.text));

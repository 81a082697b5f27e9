/** Fields of a body that change nothing are named in the header `x-ignored-fields`, and counted. */
import { ignoredFields } from '@tunan/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServerContext } from '../context.ts';

/** For `preValidation`: the schema leaves unknown fields out, so that they are looked for before it. */
export function namingIgnored(schema: Parameters<typeof ignoredFields>[1], { telemetry }: ServerContext) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const ignored = ignoredFields(request.body, schema);
    if (ignored.length === 0) return;
    reply.header('x-ignored-fields', headerText(ignored));
    telemetry.noteIgnored(request, ignored);
  };
}

const LONGEST_HEADER = 1_000;

/** Names as a header can carry them: ASCII, a comma between. */
function headerText(names: readonly string[]): string {
  const text = names.map((name) => encodeURIComponent(name.toWellFormed())).join(', ');
  return text.length > LONGEST_HEADER ? `${text.slice(0, LONGEST_HEADER)}...` : text;
}

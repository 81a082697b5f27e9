/** `GET /openapi.json`: what this server serves, as OpenAPI 3.1, in the language of Accept-Language. */
import { type Language, preferredLanguage } from '@tunan/protocol';
import type { ZodFastify } from '../context.ts';
import type { Guarded, RouteBook } from '../openapi/document.ts';

export function addOpenApiRoute(app: ZodFastify, book: RouteBook, guarded: Guarded): void {
  const made = new Map<Language, string>();
  app.get('/openapi.json', async (request, reply) => {
    const language = preferredLanguage(request.headers['accept-language']);
    const text = made.get(language) ?? JSON.stringify(book.document(guarded, language));
    made.set(language, text);
    return reply.headers({ 'content-type': 'application/json; charset=utf-8', vary: 'accept-language' }).send(text);
  });
}

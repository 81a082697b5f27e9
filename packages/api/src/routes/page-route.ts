/** `GET /`: the page that the server hands out. */
import type { ZodFastify } from '../context.ts';

/** The page runs its own inline script and style and talks to its own server; nothing else is allowed. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** @param html self-contained */
export function addPageRoute(app: ZodFastify, html: string): void {
  app.get('/', async (_request, reply) => {
    reply.headers({ 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' });
    return reply.type('text/html; charset=utf-8').send(html);
  });
}

/** Who goes away before the end of an answer gives it up. */
import { InferenceError } from '@tunan/inference';
import type { FastifyReply } from 'fastify';

/**
 * One for all: `abort()` without a reason makes an exception with its stack, and every connection of an answer closes, also behind its end.
 */
const LEFT = new InferenceError('INFERENCE_ABORTED', {
  en: 'the request was given up by its caller',
  zh: '请求已被调用者放弃',
});

export function abortedByLeaving(reply: FastifyReply): AbortController {
  const abort = new AbortController();
  reply.raw.once('close', () => abort.abort(LEFT));
  return abort;
}

/** While the server closes, what runs goes on, and new requests on connections that are kept alive are refused in the API's own form. */
import { InferenceError } from '@tunan/inference';
import type { FastifyInstance } from 'fastify';

/** Say how things are, also then. */
const STILL = /^\/(healthz|readyz|metrics)(\?|$)/;

/** @returns whether it closes */
export function refuseWhileClosing(app: FastifyInstance): () => boolean {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onRequest', async (request) => {
    if (!closing || STILL.test(request.url)) return;
    throw new InferenceError('INFERENCE_CLOSED', {
      en: 'the server is closing: send the request again later',
      zh: '服务器正在关闭：请稍后重新发送请求',
    });
  });
  return () => closing;
}

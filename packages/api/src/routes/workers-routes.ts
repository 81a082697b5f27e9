/**
 * `/admin/workers`: which servers run the models, one more of them, and one taken out with its running answers going on to their end.
 *
 * For whoever operates the server: the holder of an unrestricted API key of an admin where accounts are on, of the operator's key
 * otherwise. A key and no session, because it is programs that replace workers.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { RemoteEngine, type WorkerStatus } from '@tunan/inference';
import { workerListSchema, workerRequestSchema, workerSchema } from '@tunan/protocol';
import type { FastifyRequest } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { ServerContext, ZodFastify } from '../context.ts';
import { RequestError } from '../errors/request-error.ts';

/** @param operator accounts, or the operator's key */
export function addWorkersRoutes(app: ZodFastify, { models }: ServerContext, operator: Accounts | string): void {
  const onRequest = (request: FastifyRequest) => checkOperator(request, operator);
  const config = { operators: true };
  const remote = () =>
    models.statuses.flatMap(({ name, engine }) => (engine instanceof RemoteEngine ? [{ name, engine }] : []));
  const engineOf = (model: string): RemoteEngine => {
    const found = remote().find(({ name }) => name === model);
    if (found !== undefined) return found.engine;
    const names = remote().map(({ name }) => name);
    const message = {
      en: `model: no servers behind run '${model}'; they run ${names.join(', ') || 'none'}`,
      zh: `model：没有上游服务运行“${model}”；由上游服务运行的有 ${names.join('、') || '（无）'}`,
    };
    throw new RequestError('notFound', message, 'model');
  };

  app.get('/admin/workers', { config, onRequest, schema: { response: { 200: workerListSchema } } }, async () => ({
    object: 'list' as const,
    data: remote().flatMap(({ name, engine }) => engine.workers.map((worker) => bodyOf(name, worker))),
  }));

  const adding = { body: workerRequestSchema, response: { 201: workerSchema } };
  app.post('/admin/workers', { config, onRequest, schema: adding }, async ({ body: { model, url } }, reply) => {
    const engine = engineOf(model);
    if (engine.workers.some((worker) => worker.url === url && worker.state !== 'draining')) {
      throw new RequestError('conflict', { en: `url: ${url} is in use already`, zh: `url：${url} 已在使用` }, 'url');
    }
    await engine.addWorker(url);
    return reply.code(201).send(bodyOf(model, engine.workers.findLast((worker) => worker.url === url)!));
  });

  const draining = { body: workerRequestSchema, response: { 202: workerSchema } };
  app.post('/admin/workers/drain', { config, onRequest, schema: draining }, async ({ body: { model, url } }, reply) => {
    const engine = engineOf(model);
    const worker = engine.workers.find((one) => one.url === url);
    if (worker === undefined) {
      const urls = engine.workers.map((one) => one.url);
      const message = {
        en: `url: ${url} is no worker of '${model}'; there are ${urls.join(', ') || 'none'}`,
        zh: `url：${url} 不是“${model}”的工作服务；现有 ${urls.join('、') || '（无）'}`,
      };
      throw new RequestError('notFound', message, 'url');
    }
    // Its last answer may be long in coming; the list tells when it has gone.
    void engine.drain(url);
    return reply.code(202).send(bodyOf(model, { ...worker, state: 'draining' }));
  });
}

function bodyOf(model: string, { url, state, running, reason }: WorkerStatus) {
  return { object: 'worker' as const, model, url, state, running, ...(reason !== undefined && { reason }) };
}

/** @throws RequestError; AccountError ACCOUNT_KEY */
async function checkOperator({ headers }: FastifyRequest, operator: Accounts | string): Promise<void> {
  const given = /^Bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
  if (typeof operator === 'string') {
    if (given !== undefined && timingSafeEqual(digest(given), digest(operator))) return;
    throw new RequestError('unauthorized', {
      en: "this is for the operator: send the header Authorization: Bearer KEY with the server's TUNAN_ADMIN_KEY",
      zh: '仅限运营者：请用请求头 Authorization: Bearer KEY 发送服务器的 TUNAN_ADMIN_KEY',
    });
  }
  if (given === undefined) {
    throw new RequestError('unauthorized', {
      en: 'this is for admins: send the header Authorization: Bearer KEY with an API key of an admin',
      zh: '仅限管理员：请用请求头 Authorization: Bearer KEY 发送管理员的 API 密钥',
    });
  }
  const { accountId, models, routes } = await operator.keys.authenticate(given);
  const { role } = await operator.members.find(accountId);
  if (role === 'admin' && models === undefined && routes === undefined) return;
  throw new RequestError('forbidden', {
    en: 'this is for admins alone, with a key that is not restricted to models or routes',
    zh: '仅限管理员，且所用密钥不得限定模型或路由',
  });
}

const digest = (key: string): Buffer => createHash('sha256').update(key).digest();

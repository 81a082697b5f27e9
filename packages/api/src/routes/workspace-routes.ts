/**
 * What lies below the operator's folder, to be read alone. Where accounts are on it is for admins, below `/accounts`, whose sessions it
 * needs; a server without them, which only this machine can reach, has it at `/workspace`.
 */
import {
  workspaceCorpusDetailsSchema,
  workspaceCorpusListSchema,
  workspaceEvaluationDetailsSchema,
  workspaceEvaluationListSchema,
  workspaceLogSchema,
  workspaceRunDetailsSchema,
  workspaceRunListSchema,
} from '@tunan/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ZodFastify } from '../context.ts';
import { RequestError } from '../errors/request-error.ts';
import type { PlaceKind } from '../workspace/find-places.ts';
import type { Workspace } from '../workspace/workspace.ts';

const params = z.object({ id: z.string() });
const querystring = z.object({ offset: z.coerce.number().int().min(0).default(0) });
/** Styles of its own and nothing else: no script, no address, not even an origin. */
const REPORT_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/** @param hasAccounts whether admins are known by their sessions */
export function addWorkspaceRoutes(app: ZodFastify, workspace: Workspace, hasAccounts: boolean): void {
  const base = hasAccounts ? '/accounts/workspace' : '/workspace';
  const guard = hasAccounts ? { config: { access: 'admin' as const } } : { onRequest: requireOwnName };
  const { runs, corpora, evaluations } = workspace;

  const runList = { ...guard, schema: { response: { 200: workspaceRunListSchema } } };
  app.get(`${base}/runs`, runList, () => workspace.list('run', (...of) => runs.body(...of)));
  const run = { ...guard, schema: { params, response: { 200: workspaceRunDetailsSchema } } };
  app.get(`${base}/runs/:id`, run, async ({ params: { id } }) =>
    known(await workspace.one('run', id, (...of) => runs.details(...of)), id),
  );
  const log = { ...guard, schema: { params, querystring, response: { 200: workspaceLogSchema } } };
  app.get(`${base}/runs/:id/log`, log, async ({ params: { id }, query: { offset } }) =>
    known(await workspace.one('run', id, (place) => runs.log(place, offset)), id),
  );

  const corpusList = { ...guard, schema: { response: { 200: workspaceCorpusListSchema } } };
  app.get(`${base}/corpora`, corpusList, () => workspace.list('corpus', (...of) => corpora.body(...of)));
  const corpus = { ...guard, schema: { params, response: { 200: workspaceCorpusDetailsSchema } } };
  app.get(`${base}/corpora/:id`, corpus, async ({ params: { id } }) =>
    known(await workspace.one('corpus', id, (...of) => corpora.details(...of)), id),
  );

  const evaluationList = { ...guard, schema: { response: { 200: workspaceEvaluationListSchema } } };
  app.get(`${base}/evaluations`, evaluationList, () =>
    workspace.list('evaluation', (...of) => evaluations.body(...of)),
  );
  const evaluation = { ...guard, schema: { params, response: { 200: workspaceEvaluationDetailsSchema } } };
  app.get(`${base}/evaluations/:id`, evaluation, async ({ params: { id } }) =>
    known(await workspace.one('evaluation', id, (...of) => evaluations.details(...of)), id),
  );

  const sendReport = async (kind: PlaceKind, id: string, reply: FastifyReply) => {
    const report = known(await workspace.one(kind, id, (place) => workspace.report(place)), id);
    reply.headers({ 'content-security-policy': REPORT_POLICY, 'x-content-type-options': 'nosniff' });
    return reply.type('text/html; charset=utf-8').send(report);
  };
  app.get(`${base}/corpora/:id/report`, { ...guard, schema: { params } }, ({ params: { id } }, reply) =>
    sendReport('corpus', id, reply),
  );
  app.get(`${base}/evaluations/:id/report`, { ...guard, schema: { params } }, ({ params: { id } }, reply) =>
    sendReport('evaluation', id, reply),
  );
}

function known<Body>(body: Body | undefined, id: string): Body {
  if (body !== undefined) return body;
  throw new RequestError('notFound', {
    en: `there is no '${id}' below the folder of this server: look at the list again`,
    zh: `本服务器的目录中没有“${id}”：请重新查看列表`,
  });
}

/** A page of another site may have its own name point to this machine: that is the name its browser asks by. */
async function requireOwnName({ headers: { host = '' } }: FastifyRequest): Promise<void> {
  if (/^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(host)) return;
  throw new RequestError('forbidden', {
    en: `this is for this machine alone, at http://127.0.0.1 or http://localhost and not at '${host}': others need --accounts`,
    zh: `仅限在本机以 http://127.0.0.1 或 http://localhost 访问，而不是“${host}”；供他人使用须启用 --accounts`,
  });
}

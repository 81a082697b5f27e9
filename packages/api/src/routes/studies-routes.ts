/**
 * `/studies`: what the judges' page asks. Judges have neither accounts nor keys, so it lies outside /v1; who has agreed gets a random number
 * and sends it as x-judge. Only what a schema names is sent, and no schema has a field for who wrote a text.
 */
import {
  judgementRequestSchema,
  studyInfoSchema,
  studyJoinedSchema,
  studyJoinRequestSchema,
  studyProgressSchema,
} from '@tunan/protocol/studies';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ZodFastify } from '../context.ts';
import { RequestError } from '../errors/request-error.ts';
import type { OpenStudy } from '../studies/open-study.ts';

const params = z.object({ study: z.string() });
const judges = { judges: true } as const;

export function addStudiesRoutes(app: ZodFastify, studies: readonly OpenStudy[]): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.url?.startsWith('/studies/')) reply.header('cache-control', 'no-store');
  });
  const studyOf = (id: string): OpenStudy => {
    const found = studies.find(({ study }) => study.id === id);
    if (found !== undefined) return found;
    throw new RequestError('notFound', { en: `there is no study '${id}' here`, zh: `此处没有研究“${id}”` }, 'study');
  };

  app.get('/studies/:study', { schema: { params, response: { 200: studyInfoSchema } } }, async (request) => {
    return studyOf(request.params.study).info;
  });

  const joining = { params, body: studyJoinRequestSchema, response: { 200: studyJoinedSchema } };
  app.post('/studies/:study/judges', { schema: joining }, async (request) => {
    const study = studyOf(request.params.study);
    const judge = study.join(request.body.invitation);
    return { judge, ...study.progress(study.judge(judge)) };
  });

  app.delete('/studies/:study/judges', { config: judges, schema: { params } }, async (request, reply) => {
    const study = studyOf(request.params.study);
    study.forget(study.judge(tokenOf(request)));
    return reply.code(204).send();
  });

  const next = { params, response: { 200: studyProgressSchema } };
  app.get('/studies/:study/next', { config: judges, schema: next }, async (request) => {
    const study = studyOf(request.params.study);
    return study.progress(study.judge(tokenOf(request)));
  });

  const judging = { params, body: judgementRequestSchema, response: { 200: studyProgressSchema } };
  app.post('/studies/:study/judgements', { config: judges, schema: judging }, async (request) => {
    const study = studyOf(request.params.study);
    const judge = study.judge(tokenOf(request));
    study.take(judge, request.body);
    return study.progress(judge);
  });
}

function tokenOf({ headers }: FastifyRequest): string | undefined {
  const token = headers['x-judge'];
  return typeof token === 'string' ? token : undefined;
}

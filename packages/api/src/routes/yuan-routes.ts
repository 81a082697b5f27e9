/**
 * The two routes of Yuan 1.0's own API, so that a client that was written for it runs unchanged but for the host:
 *
 *   GET …/infer/getRequestId → token → model → number of the request;  GET …/result → null while it is being made, then the text
 *
 * Every reply has status 200 and the original's form; errMessage is Chinese, exceptionMsg says more in the caller's language.
 */
import { collect, type GenerationRequest } from '@tunan/inference';
import {
  describeInvalid,
  preferredLanguage,
  YUAN_ERRORS,
  YUAN_RESULT,
  YUAN_SUBMIT,
  type YuanErrorCode,
  type YuanReply,
  type YuanSubmit,
  yuanReplySchema,
  yuanResultSchema,
  yuanSubmitSchema,
} from '@tunan/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { engineFor, findModel, type ServerContext, type ZodFastify } from '../context.ts';
import { KeptAnswers } from '../yuan/kept-answers.ts';
import { type TokenCheck, TokenChecker } from '../yuan/token-check.ts';

export interface YuanSettings extends TokenCheck {
  /** The model of an engine of the original, such as `base_10B`; of others the model of that name, or the only one. */
  readonly engines: ReadonlyMap<string, string>;
}

export function addYuanRoutes(app: ZodFastify, context: ServerContext, settings: YuanSettings): void {
  const checker = new TokenChecker(settings);
  const answers = new KeptAnswers();
  app.addHook('onClose', () => answers.close());
  const checkToken = async (request: FastifyRequest, reply: FastifyReply) => {
    const { account = '' } = request.query as { readonly account?: unknown };
    const token = request.headers.token;
    const verdict = await checker.verify(String(account), typeof token === 'string' ? token : '', request.ip);
    if ('refused' in verdict) return reply.send(refusal('IBASE_TOKEN_ERROR', verdict.refused));
    request.caller = verdict.caller;
  };
  const common = {
    config: { checksCallers: true },
    onRequest: checkToken,
    errorHandler: (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      reply.code(200).send(replyTo(error, request, context));
    },
  };

  const submitting = { querystring: yuanSubmitSchema, response: { 200: yuanReplySchema } };
  app.get(YUAN_SUBMIT, { ...common, schema: submitting }, async (request) => {
    const model = modelOf(context, settings, request);
    const owner = ownerOf(request);
    const id = answers.start(owner, (abort) => answer(context, request, model, abort));
    return id === undefined ? refusal('IBASE_BUSY', 'too many answers are being made') : told(id);
  });

  const fetching = { querystring: yuanResultSchema, response: { 200: yuanReplySchema } };
  app.get(YUAN_RESULT, { ...common, schema: fetching }, async (request) => {
    const found = answers.find(ownerOf(request), request.query.requestId);
    if (found === undefined) return refusal('IBASE_REQUEST_NOT_FOUND', 'results are kept for ten minutes');
    if (found.state === 'failed') return replyTo(found.error, request, context);
    return told(found.state === 'done' ? found.text : null);
  });
}

/** Goes on after the request that began it has been replied to. */
async function answer(
  context: ServerContext,
  request: FastifyRequest,
  model: string,
  abort: AbortController,
): Promise<string> {
  const done = context.openRequest(request, abort);
  try {
    using lease = await context.models.acquire(model, abort.signal);
    const asked = toRequest(request.query as YuanSubmit);
    const generation = engineFor(context, request, undefined, lease, { stream: false }).submit(asked, abort.signal);
    try {
      const { sequences } = await collect(generation);
      return sequences[0]?.text ?? '';
    } finally {
      context.telemetry.countApart(model, generation.usage);
    }
  } finally {
    done();
  }
}

/** @throws RequestError */
function modelOf(context: ServerContext, { engines }: YuanSettings, { query, caller }: FastifyRequest): string {
  const { engine } = query as YuanSubmit;
  const named = engine === undefined ? undefined : (engines.get(engine) ?? engine);
  const isKnown = named !== undefined && (engines.has(engine ?? '') || context.models.has(named));
  return findModel(context, isKnown || context.models.names.length > 1 ? named : undefined, caller);
}

function toRequest(asked: YuanSubmit): GenerationRequest {
  return {
    prompts: [asked.data],
    maxTokens: asked.tokensToGenerate,
    temperature: asked.temperature,
    topP: asked.topP,
    topK: asked.topK,
    frequencyPenalty: asked.frequencyPenalty,
    responsePenalty: asked.responsePenalty,
    noRepeatNgramSize: Math.max(0, asked.noRepeatNgramSize),
  };
}

/** Numbers are told to whoever asked for them alone. */
const ownerOf = ({ caller, query }: FastifyRequest): string =>
  caller?.accountId ?? (query as { readonly account: string }).account;

const told = (resData: string | null): YuanReply => ({
  ...{ flag: true, errCode: null, errMessage: null, exceptionMsg: null, resData },
});

const refusal = (errCode: YuanErrorCode, exceptionMsg: string): YuanReply => ({
  ...{ flag: false, errCode, errMessage: YUAN_ERRORS[errCode].zh, exceptionMsg, resData: null },
});

function replyTo(error: unknown, request: FastifyRequest, context: ServerContext): YuanReply {
  const schema = request.routeOptions.schema?.querystring as z.ZodType;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const language = preferredLanguage(request.headers['accept-language']);
    return refusal('IBASE_PARAM_ERROR', describeInvalid(schema, request.query, language)?.message ?? '');
  }
  const { status, body } = context.answerTo(error, request);
  return refusal(codeOf(status), body.error.message);
}

function codeOf(status: number): YuanErrorCode {
  if (status === 429) return 'IBASE_LIMIT_ERROR';
  if (status === 503) return 'IBASE_BUSY';
  return status >= 500 ? 'IBASE_SYSTEM_ERROR' : 'IBASE_PARAM_ERROR';
}

/**
 * What is said where there is no route: what to call instead. OPTIONS of a known address is answered with its methods.
 *
 * Most clients try chat first. A base model continues texts and has no chat, which a bare 404 does not tell: LangChain
 * shows it as «model not found».
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequestError } from '../errors/request-error.ts';

/** Methods of the addresses that are served, page and models by name included. */
const ROUTES: readonly (readonly [path: RegExp, methods: readonly string[], shown: string])[] = [
  [/^\/v1\/completions\/?$/, ['POST'], 'POST /v1/completions'],
  [/^\/v1\/models\/?$/, ['GET', 'HEAD'], 'GET /v1/models'],
  [/^\/v1\/models\/[^/]+$/, ['GET', 'HEAD'], 'GET /v1/models/{id}'],
  [/^\/healthz$/, ['GET', 'HEAD'], 'GET /healthz'],
  [/^\/metrics$/, ['GET', 'HEAD'], 'GET /metrics'],
];

type Said = { readonly en: string; readonly zh: string };

const HINTS: readonly (readonly [path: RegExp, hint: Said])[] = [
  [
    /^\/(v1\/)?(chat\/completions|responses|messages|assistants|threads)\b/,
    {
      en: 'this server has a base model, which continues a text and has no chat: call POST /v1/completions with {"prompt": "…"} (openai: client.completions.create; LangChain: OpenAI, not ChatOpenAI; AI SDK: completionModel)',
      zh: '这里服务的是基座模型，它续写文本，没有对话：请用 {"prompt": "…"} 调用 POST /v1/completions（openai：client.completions.create；LangChain：用 OpenAI 而非 ChatOpenAI；AI SDK：completionModel）',
    },
  ],
  [
    /^\/(completions|models)\b/,
    {
      en: 'the API is below /v1: let the base URL of the client end in /v1',
      zh: 'API 在 /v1 之下：客户端的 base URL 应以 /v1 结尾',
    },
  ],
  [
    /^\/v1\/v1\b/,
    {
      en: 'the base URL of the client has /v1 twice: leave one out',
      zh: '客户端的 base URL 中 /v1 重复了：请去掉一个',
    },
  ],
];

const LONGEST_SHOWN = 100;

/** @throws RequestError unless the request asks which methods there are */
export async function answerUnknownRoute(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const path = request.url.split('?')[0] ?? '';
  const route = ROUTES.find(([known]) => known.test(path));
  if (route === undefined) throw notFound(request.method, path);
  const allow = [...route[1], 'OPTIONS'].join(', ');
  reply.header('allow', allow);
  if (request.method === 'OPTIONS') return reply.code(204).send();
  throw new RequestError('methodNotAllowed', {
    en: `${path} takes ${route[1][0]}, not ${request.method}`,
    zh: `${path} 须用 ${route[1][0]}，而不是 ${request.method}`,
  });
}

function notFound(method: string, path: string): RequestError {
  const shown = path.length > LONGEST_SHOWN ? `${path.slice(0, LONGEST_SHOWN)}…` : path;
  const routes = ROUTES.map(([, , name]) => name);
  const hint = HINTS.find(([known]) => known.test(path))?.[1] ?? {
    en: `there are ${routes.join(', ')}`,
    zh: `有 ${routes.join('、')}`,
  };
  return new RequestError('routeNotFound', {
    en: `there is no ${method} ${shown} here: ${hint.en}`,
    zh: `此处没有 ${method} ${shown}：${hint.zh}`,
  });
}

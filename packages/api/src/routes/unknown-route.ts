/**
 * What is said where there is no route: what to call instead. OPTIONS of a known address is answered with its methods.
 */
import type { Said } from '@tunan/files';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ZodFastify } from '../context.ts';
import { RequestError } from '../errors/request-error.ts';

/** An address that is served. */
interface Known {
  /** Such as `/v1/models/:id`. */
  readonly url: string;
  readonly methods: readonly string[];
}

const HINTS: readonly (readonly [path: RegExp, hint: Said])[] = [
  [
    /^\/v1\/(messages|assistants|threads)\b/,
    {
      en: 'conversations are at POST /v1/chat/completions, texts at POST /v1/completions (openai: client.chat.completions.create)',
      zh: '对话请用 POST /v1/chat/completions，续写请用 POST /v1/completions（openai：client.chat.completions.create）',
    },
  ],
  [
    /^\/v1\/(files|batches)\b/,
    {
      en: 'this server keeps no files and runs no batches: it does where it has a folder for them, tunan serve --data DIR',
      zh: '本服务器不保存文件，也不运行批处理：给出存放目录后才提供，tunan serve --data DIR',
    },
  ],
  [
    /^\/v1\/moderations\b/,
    {
      en: 'this server judges no texts: it does where it is given a classifier, tunan serve --moderation DIR',
      zh: '本服务器不判断文本：给出分类器后才提供，tunan serve --moderation DIR',
    },
  ],
  [
    /^\/studies\b/,
    {
      en: 'this server has no studies: it does where it is given one, tunan study serve DIR',
      zh: '本服务器没有研究：给出研究目录后才提供，tunan study serve DIR',
    },
  ],
  [
    /^\/(completions|chat|embeddings|models|responses)\b/,
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

/** To be added before all others: what they are is learnt while they are added. */
export function addUnknownRoute(app: ZodFastify): void {
  const known = new Map<string, Known>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = [...(known.get(url)?.methods ?? []), ...[method].flat()];
    known.set(url, { url, methods });
  });
  app.setNotFoundHandler((request, reply) => answerUnknown(request, reply, [...known.values()]));
}

/** @throws RequestError unless the request asks which methods there are */
async function answerUnknown(
  request: FastifyRequest,
  reply: FastifyReply,
  known: readonly Known[],
): Promise<FastifyReply> {
  const path = request.url.split('?')[0] ?? '';
  const route = known.find(({ url }) => patternOf(url).test(path));
  if (route === undefined) throw notFound(request.method, path, known);
  reply.header('allow', [...route.methods, 'OPTIONS'].join(', '));
  if (request.method === 'OPTIONS') return reply.code(204).send();
  throw new RequestError('methodNotAllowed', {
    en: `${path} takes ${methodOf(route)}, not ${request.method}`,
    zh: `${path} 须用 ${methodOf(route)}，而不是 ${request.method}`,
  });
}

const patternOf = (url: string): RegExp => new RegExp(`^${url.replace(/:\w+/g, '[^/]+')}$`);

/** HEAD goes with GET. */
const methodOf = ({ methods }: Known): string => methods.filter((method) => method !== 'HEAD').join(', ');

function notFound(method: string, path: string, known: readonly Known[]): RequestError {
  const shown = path.length > LONGEST_SHOWN ? `${path.slice(0, LONGEST_SHOWN)}…` : path;
  const routes = known
    .filter(({ url }) => url !== '/' && !url.startsWith('/page/'))
    .map((one) => `${methodOf(one)} ${one.url.replace(/:(\w+)/g, '{$1}')}`);
  const hint = HINTS.find(([pattern]) => pattern.test(path))?.[1] ?? {
    en: `there are ${routes.join(', ')}`,
    zh: `有 ${routes.join('、')}`,
  };
  return new RequestError('routeNotFound', {
    en: `there is no ${method} ${shown} here: ${hint.en}`,
    zh: `此处没有 ${method} ${shown}：${hint.zh}`,
  });
}

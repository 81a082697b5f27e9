/** `/v1/apps`: applications listed, read, copied, saved, shared, exported. Running one: app-run-route.ts. */
import { checkApp, parseYaml, writeYaml } from '@tunan/applications';
import {
  type App,
  appBodySchema,
  appFileQuerySchema,
  appListSchema,
  appMakeSchema,
  appSaveSchema,
  appSharingSchema,
  appVersionListSchema,
  appVersionSchema,
} from '@tunan/protocol';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppShelf, type AppsOptions, type FoundApp } from '../../apps/app-shelf.ts';
import { APP_STORE_LIMITS, type AppOwner, type AppStore, type AppVersion } from '../../apps/app-store.ts';
import { ownerOf, type ServerContext, type ZodFastify } from '../../context.ts';
import { RequestError } from '../../errors/request-error.ts';
import { addAppRunRoute } from './app-run-route.ts';

const params = z.object({ id: z.string() });
const versionParams = z.object({ id: z.string(), revision: z.string() });

export function addAppsRoutes(app: ZodFastify, context: ServerContext, options: AppsOptions): void {
  const shelf = new AppShelf(options, context);
  addReading(app, shelf, options.store);
  addAppRunRoute(app, context, shelf);
  if (options.store !== undefined) addWriting(app, shelf, options.store);
}

function addReading(app: ZodFastify, shelf: AppShelf, store: AppStore | undefined): void {
  app.get('/v1/apps', { schema: { response: { 200: appListSchema } } }, async (request) => {
    return { object: 'list' as const, data: await shelf.list(request) };
  });

  app.get('/v1/apps/:id', { schema: { params, response: { 200: appBodySchema } } }, async (request) => {
    return shelf.body(await shelf.find(request, request.params.id), request);
  });

  const exporting = { params, querystring: appFileQuerySchema };
  app.get('/v1/apps/:id/file', { schema: exporting }, async (request, reply) => {
    const { app: found, file } = await shelf.find(request, request.params.id);
    const isYaml = request.query.format === 'yaml';
    return reply
      .headers({
        'content-type': `${isYaml ? 'application/yaml' : 'application/json'}; charset=utf-8`,
        'content-disposition': `attachment; filename="${found.name}.${request.query.format}"`,
        'x-content-type-options': 'nosniff',
      })
      .send(isYaml ? writeYaml(file) : `${JSON.stringify(file, undefined, 2)}\n`);
  });

  const listing = { params, response: { 200: appVersionListSchema } };
  app.get('/v1/apps/:id/versions', { schema: listing }, async (request) => {
    const versions = await versionsOf(await shelf.find(request, request.params.id), store);
    const data = versions.map(({ revision, savedAt, file }) => {
      return { revision, saved: Math.floor(savedAt / 1000), title: file.title, examples: file.examples?.length ?? 0 };
    });
    return { object: 'list' as const, data };
  });

  const reading = { params: versionParams, response: { 200: appVersionSchema } };
  app.get('/v1/apps/:id/versions/:revision', { schema: reading }, async (request) => {
    const { id, revision } = request.params;
    const versions = await versionsOf(await shelf.find(request, id), store);
    const found = versions.find((one) => String(one.revision) === revision);
    if (found === undefined) throw noVersion(revision);
    return { revision: found.revision, saved: Math.floor(found.savedAt / 1000), app: { ...found.file } };
  });
}

/** Of the gallery there is one alone. */
async function versionsOf({ id, origin }: FoundApp, store: AppStore | undefined): Promise<AppVersion[]> {
  return origin === 'gallery' ? [] : ((await store?.versions(id)) ?? []);
}

function addWriting(app: ZodFastify, shelf: AppShelf, store: AppStore): void {
  const making = { body: appMakeSchema, response: { 201: appBodySchema } };
  app.post('/v1/apps', { schema: making }, async (request, reply) => {
    const { copy, app: given, file } = request.body;
    const found = copy === undefined ? undefined : await shelf.find(request, copy);
    const made = await store.add(ownOf(request), found?.file ?? given ?? readFile(file!), copy);
    if (made === undefined) throw tooMany();
    return reply.code(201).send(shelf.body(await shelf.find(request, made.id), request));
  });

  const saving = { params, body: appSaveSchema, response: { 200: appBodySchema } };
  app.put('/v1/apps/:id', { schema: saving }, async (request) => {
    const { id } = request.params;
    const { app: file, revision } = request.body;
    const found = await findOwn(shelf, request, id);
    const saved = await store.save(ownOf(request), id, revision, file);
    if (saved === undefined) throw stale(revision, (await shelf.find(request, id)).revision ?? found.revision);
    return shelf.body(await shelf.find(request, id), request);
  });

  app.delete('/v1/apps/:id', { schema: { params } }, async (request, reply) => {
    await findOwn(shelf, request, request.params.id);
    await store.delete(ownerOf(request), request.params.id);
    return reply.code(204).send();
  });

  const sharing = { params, body: appSharingSchema, response: { 200: appBodySchema } };
  app.post('/v1/apps/:id/sharing', { schema: sharing }, async (request) => {
    const { id } = request.params;
    await findOwn(shelf, request, id);
    await store.share(ownerOf(request), id, request.body.shared);
    return shelf.body(await shelf.find(request, id), request);
  });
}

/** @throws RequestError where it is not the caller's to change */
async function findOwn(shelf: AppShelf, request: FastifyRequest, id: string): Promise<FoundApp> {
  const found = await shelf.find(request, id);
  if (found.origin === 'own') return found;
  throw new RequestError('forbidden', {
    en: `'${id}' can be read and run, not changed: copy it with POST /v1/apps {"copy": "${id}"}`,
    zh: `“${id}”只可查看和运行，不能修改：请用 POST /v1/apps {"copy": "${id}"} 复制一份`,
  });
}

/** @throws AppError APP_BAD_FILE */
const readFile = (text: string): App => checkApp(parseYaml(text, 'file'), 'file');

const ownOf = (request: FastifyRequest): AppOwner => ({
  organisationId: ownerOf(request),
  accountId: request.caller?.accountId,
});

function stale(read: number, newest: number): RequestError {
  const message = {
    en: `revision ${read} was read, and another has saved revision ${newest} since: nothing was saved; read it again, or keep yours as a copy with POST /v1/apps`,
    zh: `读取的是第 ${read} 版，其间他人已保存第 ${newest} 版：未作任何保存；请重新读取，或用 POST /v1/apps 把您的内容另存为副本`,
  };
  return new RequestError('conflict', message, 'revision');
}

function tooMany(): RequestError {
  return new RequestError('conflict', {
    en: `there are ${APP_STORE_LIMITS.apps} applications already: delete one first`,
    zh: `已有 ${APP_STORE_LIMITS.apps} 个应用：请先删除一个`,
  });
}

function noVersion(revision: string): RequestError {
  const message = {
    en: `there is no revision '${revision}', or it is no longer kept; GET …/versions lists them`,
    zh: `没有第 ${revision} 版，或已不再保留；GET …/versions 列出全部`,
  };
  return new RequestError('notFound', message, 'revision');
}

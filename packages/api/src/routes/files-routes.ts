/** `/v1/files`: what batches read, and what they have written. A caller sees the files of its own organisation. */
import { fileDeletedSchema, fileListSchema, fileSchema } from '@tunan/protocol';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BATCH_LIMITS, type BatchStore, isOpenOf } from '../batches/batch-store.ts';
import { ownerOf, type ZodFastify } from '../context.ts';
import { RequestError } from '../errors/request-error.ts';

const params = z.object({ id: z.string() });

const FORM = z.object({ file: z.string(), purpose: z.string() });

export function addFilesRoutes(app: ZodFastify, store: BatchStore): void {
  app.addContentTypeParser<Buffer>(
    /^multipart\/form-data(?:\s*;|\s*$)/i,
    { parseAs: 'buffer', bodyLimit: BATCH_LIMITS.fileBytes },
    async (request: FastifyRequest, body: Buffer) => await readForm(request, body),
  );

  const making = { response: { 200: fileSchema } };
  app.post(
    '/v1/files',
    { config: { form: FORM }, schema: making, bodyLimit: BATCH_LIMITS.fileBytes },
    async (request) => {
      const { filename, purpose, content } = uploadOf(request.body);
      const owner = ownerOf(request);
      if (!store.hasRoom(owner, content.length)) throw full();
      return store.addFile(owner, { filename, purpose }, content);
    },
  );

  const listing = { querystring: z.object({ purpose: z.string().optional() }), response: { 200: fileListSchema } };
  app.get('/v1/files', { schema: listing }, async (request) => {
    const { purpose } = request.query;
    const data = store.files(ownerOf(request)).filter((file) => purpose === undefined || file.purpose === purpose);
    return { object: 'list' as const, data, has_more: false };
  });

  app.get('/v1/files/:id', { schema: { params, response: { 200: fileSchema } } }, async (request) => {
    return findFile(store, request, request.params.id);
  });

  app.get('/v1/files/:id/content', { schema: { params } }, async (request, reply) => {
    const file = findFile(store, request, request.params.id);
    reply.headers({ 'content-type': 'application/octet-stream', 'x-content-type-options': 'nosniff' });
    return reply.send(store.content(file));
  });

  app.delete('/v1/files/:id', { schema: { params, response: { 200: fileDeletedSchema } } }, async (request) => {
    const file = findFile(store, request, request.params.id);
    const user = store
      .batches(ownerOf(request))
      .find(({ batch }) => batch.input_file_id === file.id && isOpenOf(batch));
    if (user !== undefined) throw inUse(user.batch.id);
    store.deleteFile(file);
    return { id: file.id, object: 'file' as const, deleted: true as const };
  });
}

/** @throws RequestError */
export function findFile(store: BatchStore, request: FastifyRequest, id: string) {
  const found = store.file(ownerOf(request), id);
  if (found !== undefined) return found;
  throw new RequestError('notFound', { en: `there is no file '${id}'`, zh: `没有文件“${id}”` }, 'id');
}

interface Upload {
  readonly filename: string;
  readonly purpose: string;
  readonly content: Buffer;
}

const uploads = new WeakSet<object>();

/** By Node's own reader of forms. @throws RequestError */
async function readForm({ headers, routeOptions }: FastifyRequest, body: Buffer): Promise<Upload> {
  if (routeOptions.url !== '/v1/files')
    throw Object.assign(new Error('no form'), { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE' });
  const type = headers['content-type'] ?? '';
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } })
    .formData()
    .catch(() => undefined);
  const [file, purpose] = [form?.get('file'), form?.get('purpose')];
  if (!(file instanceof Blob)) throw wrong('file', 'the form has no file', '表单中没有文件');
  if (purpose !== 'batch') throw wrong('purpose', 'must be batch', '应为 batch');
  const filename = (file instanceof File ? file.name : '').replace(/\p{Cc}/gu, '').slice(0, 200) || 'file';
  const upload = { filename, purpose, content: Buffer.from(await file.arrayBuffer()) };
  uploads.add(upload);
  return upload;
}

/** @throws RequestError for a body that was no form */
function uploadOf(body: unknown): Upload {
  if (typeof body === 'object' && body !== null && uploads.has(body)) return body as Upload;
  throw wrong(
    'file',
    'send a form (multipart/form-data) with file and purpose',
    '请发送含 file 与 purpose 的表单（multipart/form-data）',
  );
}

const wrong = (param: string, en: string, zh: string): RequestError =>
  new RequestError('invalid', { en: `${param}: ${en}`, zh: `${param}：${zh}` }, param);

function full(): RequestError {
  const [files, gib] = [BATCH_LIMITS.files, BATCH_LIMITS.bytes / 2 ** 30];
  const message = {
    en: `file: at most ${files} files and ${gib} GiB are kept: delete some with DELETE /v1/files/ID`,
    zh: `file：至多保存 ${files} 个文件、${gib} GiB：请用 DELETE /v1/files/ID 删除一些`,
  };
  return new RequestError('invalid', message, 'file');
}

function inUse(batch: string): RequestError {
  const message = {
    en: `the file is read by ${batch}: cancel that first, or wait for its end`,
    zh: `${batch} 正在使用该文件：请先取消它，或等它结束`,
  };
  return new RequestError('conflict', message, 'id');
}

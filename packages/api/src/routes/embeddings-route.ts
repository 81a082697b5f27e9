/**
 * `POST /v1/embeddings`: check → count → embed → vectors, as numbers or as base64 of 32-bit floats, which the official clients ask for.
 *
 * Vectors are the model's own, averaged and of length 1; they are not cut to other dimensions.
 */
import { type EmbeddedTexts, type EmbeddingInput, type Engine, InferenceError } from '@tunan/inference';
import { type Embeddings, type EmbeddingsRequest, embeddingsRequestSchema, embeddingsSchema } from '@tunan/protocol';
import { abortedByLeaving } from '../answers/leaving.ts';
import { examinedOf, findModel, meteredFor, type ServerContext, type ZodFastify } from '../context.ts';
import { RequestError } from '../errors/request-error.ts';
import { namingIgnored } from './ignored-fields.ts';

export function addEmbeddingsRoute(app: ZodFastify, context: ServerContext): void {
  const schema = { body: embeddingsRequestSchema, response: { 200: embeddingsSchema } };
  const preValidation = namingIgnored(embeddingsRequestSchema, context);
  app.post('/v1/embeddings', { schema, preValidation }, async (request, reply) => {
    const { body } = request;
    const id = findModel(context, body.model, request.caller);
    const abort = abortedByLeaving(reply);
    const done = context.openRequest(request, abort);
    try {
      using model = await context.models.acquire(id, abort.signal);
      const { engine } = model;
      const { embed } = engine;
      if (embed === undefined) throw withoutVectors(id);
      const given = inputsOf(body.input);
      context.safety?.requireTexts(given, request.caller, 'input');
      const check = (text: string) => context.safety?.checkText(text, examinedOf(request, id), 'input') ?? text;
      const inputs = given.map((input) => (typeof input === 'string' ? check(input) : input));
      const asked = { model: id, promptTokens: tokensOf(engine, inputs) };
      const traceparent = context.telemetry.traceparentOf(request);
      const work = () => embed.call(engine, inputs, abort.signal, traceparent);
      const embedded = await meteredFor(context, request, reply, asked, work);
      const { vectors, promptTokens } = embedded;
      context.telemetry.noteUsage(request, id, () => ({ promptTokens, cachedTokens: undefined, completionTokens: 0 }));
      requireDimensions(body, vectors);
      return toEmbeddings(id, body, embedded, asked.promptTokens);
    } finally {
      done();
    }
  });
}

function inputsOf(input: EmbeddingsRequest['input']): readonly EmbeddingInput[] {
  if (typeof input === 'string') return [input];
  return typeof input[0] === 'number' ? [input as number[]] : (input as EmbeddingInput[]);
}

/** As the engine will count them; where another server has the tokenizer, the bytes are the bound. @throws InferenceError */
function tokensOf(engine: Engine, inputs: readonly EmbeddingInput[]): number {
  if (engine.measure === undefined) {
    const most = (input: EmbeddingInput) => (typeof input === 'string' ? Buffer.byteLength(input) : input.length);
    return inputs.reduce((sum, input) => sum + most(input), 0);
  }
  try {
    return engine.measure({ prompts: inputs, maxTokens: 0 }).promptTokens;
  } catch (error) {
    if (!(error instanceof InferenceError && error.option === 'prompts')) throw error;
    const { message: en, chinese: zh = en } = error;
    throw new InferenceError(error.code, { en, zh }, { option: 'input', cause: error });
  }
}

function toEmbeddings(
  model: string,
  { encoding_format: format }: EmbeddingsRequest,
  { vectors, promptTokens }: EmbeddedTexts,
  counted: number,
): Embeddings {
  const data = vectors.map((vector, index) => {
    const embedding = format === 'base64' ? toBase64(vector) : [...vector];
    return { object: 'embedding' as const, index, embedding };
  });
  const tokens = promptTokens ?? counted;
  return { object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(4 * vector.length);
  vector.forEach((value, place) => void bytes.writeFloatLE(value, 4 * place));
  return bytes.toString('base64');
}

/** @throws RequestError */
function requireDimensions({ dimensions }: EmbeddingsRequest, vectors: readonly Float32Array[]): void {
  const own = vectors[0]?.length;
  if (dimensions === undefined || own === undefined || dimensions === own) return;
  const message = {
    en: `dimensions: the vectors of this model have ${own} and are not cut to ${dimensions}: leave it out`,
    zh: `dimensions：此模型的向量为 ${own} 维，不会截为 ${dimensions} 维：请删去`,
  };
  throw new RequestError('invalid', message, 'dimensions');
}

function withoutVectors(id: string): RequestError {
  const message = {
    en: `model: '${id}' is run by an engine that gives no embeddings: serve its directory with --engine torch, or ask for another model`,
    zh: `model：运行“${id}”的引擎不提供向量：请用 --engine torch 服务其目录，或改用其他模型`,
  };
  return new RequestError('invalid', message, 'model');
}

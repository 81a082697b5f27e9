/**
 * `POST /v1/apps/{id}`: inputs → prompt → answer → checks, whole or as server-sent events.
 *
 * A run counts as one request, the tokens of all its attempts as its own; each attempt is held to the limits before it begins. The gallery's
 * examples stand first in every prompt, so that an engine with a prefix cache computes them once.
 */
import { randomUUID } from 'node:crypto';
import { type AppEngine, type AppOutcome, collectRun, fillInputs, type Inputs, runApp } from '@tunan/applications';
import type { Engine } from '@tunan/inference';
import {
  type App,
  type AppRun,
  type AppRunPart,
  type AppTurn,
  appRunRequestSchema,
  appRunSchema,
} from '@tunan/protocol';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../accounts/keys.ts';
import { streamAnswer } from '../../answers/event-stream.ts';
import type { AppShelf, FoundApp } from '../../apps/app-shelf.ts';
import { engineFor, examinedOf, findModel, type ServerContext, type ZodFastify } from '../../context.ts';

export function addAppRunRoute(app: ZodFastify, context: ServerContext, shelf: AppShelf): void {
  const schema = { params: z.object({ id: z.string() }), body: appRunRequestSchema, response: { 200: appRunSchema } };
  app.post('/v1/apps/:id', { schema }, async (request, reply) => {
    const { body } = request;
    const found = await shelf.find(request, request.params.id);
    const model = findModel(context, body.model ?? preferred(found.app, context, request.caller), request.caller);
    const given = fillInputs(found.app, body.inputs, body.input);
    const { inputs, turns } = examine(context, request, found, model, { inputs: given, turns: body.turns });
    const abort = new AbortController();
    reply.raw.once('close', () => abort.abort());
    const done = context.openRequest(request, abort);
    try {
      using lease = await context.models.acquire(model, abort.signal);
      const counted = engineFor(context, request, reply, lease, body);
      const engine: AppEngine = {
        submit: (asked, signal) => counted.submit(asked, signal),
        ...knownOf(lease.engine),
      };
      const run = runApp(found.app, { inputs, turns, seed: body.seed }, engine, abort.signal);
      const toRun = (outcome: AppOutcome) => {
        const { promptTokens, cachedTokens, completionTokens } = outcome.usage;
        context.telemetry.noteUsage(request, model, () => ({ promptTokens, cachedTokens, completionTokens }));
        return runOf(outcome, found, model, body.show_prompt);
      };
      if (!body.stream) return toRun(await collectRun(run));
      // What is refused is refused before the first byte of the stream.
      const first = await run.next();
      await streamAnswer(reply, partsOf(first, run, toRun), context);
    } finally {
      done();
    }
    return reply;
  });
}

/** The model that an application asks for; else its adapter, where that is served to the caller. */
function preferred({ model, adapter }: App, { models }: ServerContext, caller: Caller | undefined): string | undefined {
  const isForCaller = (name: string) => caller?.models?.includes(name) ?? true;
  return model ?? models.names.find((name) => name === adapter && isForCaller(name));
}

/** What an engine knows of its model, called as its methods. */
const knownOf = (engine: Engine): Omit<AppEngine, 'submit'> => ({
  contextLength: engine.contextLength,
  ...(engine.measure !== undefined && { measure: (asked) => engine.measure!(asked) }),
  ...(engine.encodeChat !== undefined && { encodeChat: (messages) => engine.encodeChat!(messages) }),
  ...(engine.takesMessages !== undefined && { takesMessages: engine.takesMessages }),
});

interface Given {
  readonly inputs: Inputs;
  readonly turns: readonly AppTurn[];
}

/** Prompts that are texts are looked over where they are submitted; what becomes token ids by a template is looked over here. */
function examine(
  { safety }: ServerContext,
  request: FastifyRequest,
  { app }: FoundApp,
  model: string,
  given: Given,
): Given {
  if (safety === undefined || app.needs === 'completion') return given;
  const check = (text: string) => safety.checkText(text, examinedOf(request, model), 'inputs');
  return {
    inputs: Object.fromEntries(Object.entries(given.inputs).map(([name, text]) => [name, check(text)])),
    turns: given.turns.map(({ input, output }) => ({ input: check(input), output: check(output) })),
  };
}

function runOf(outcome: AppOutcome, { id, revision }: FoundApp, model: string, showsPrompt: boolean): AppRun {
  const { output, passed, attempts, prompt, examplesLeftOut, seed, usage } = outcome;
  return {
    id: `run-${randomUUID().replaceAll('-', '')}`,
    object: 'app.run',
    created: Math.floor(Date.now() / 1000),
    ...{ app: id, revision, model, output, passed, attempts: [...attempts] },
    ...(showsPrompt && { prompt }),
    examples_left_out: examplesLeftOut,
    usage: {
      prompt_tokens: usage.promptTokens,
      completion_tokens: usage.completionTokens,
      total_tokens: usage.promptTokens + usage.completionTokens,
      prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    },
    seed,
  };
}

/** The parts as they are made, and the whole at the end. */
async function* partsOf(
  first: IteratorResult<AppRunPart, AppOutcome>,
  run: AsyncGenerator<AppRunPart, AppOutcome, void>,
  toRun: (outcome: AppOutcome) => AppRun,
): AsyncGenerator<AppRunPart | AppRun, void, void> {
  for (let one = first; ; one = await run.next()) {
    if (one.done === true) {
      yield toRun(one.value);
      return;
    }
    yield one.value;
  }
}

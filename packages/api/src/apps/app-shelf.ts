/** The applications that a caller may use: those of the gallery, own ones, and those that others share. */
import { checkApp, type MeasuredApp } from '@tunan/applications';
import type { ModelStatus } from '@tunan/inference';
import type { App, AppBody, AppInput, AppQuality, AppSummary } from '@tunan/protocol';
import type { FastifyRequest } from 'fastify';
import { ownerOf, type ServerContext } from '../context.ts';
import { RequestError } from '../errors/request-error.ts';
import type { AppStore, StoredApp } from './app-store.ts';

/** What a server has of applications. */
export interface AppsOptions {
  /** In the order in which they are listed. */
  readonly gallery: readonly App[];
  /** Where copies are kept; there are none when absent. */
  readonly store?: AppStore | undefined;
  /** What was measured of each served model, by its name. */
  readonly quality?: ReadonlyMap<string, readonly MeasuredApp[]> | undefined;
}

export interface FoundApp {
  readonly id: string;
  readonly origin: AppSummary['origin'];
  readonly revision: number;
  readonly shared: boolean;
  readonly copiedFrom: string | undefined;
  /** ms */
  readonly updatedAt: number | undefined;
  readonly app: App;
  /** As it was saved. */
  readonly file: App | AppInput;
}

export class AppShelf {
  readonly #options: AppsOptions;
  readonly #context: ServerContext;

  constructor(options: AppsOptions, context: ServerContext) {
    this.#options = options;
    this.#context = context;
  }

  async list(request: FastifyRequest): Promise<AppSummary[]> {
    const owner = ownerOf(request);
    const stored = (await this.#options.store?.list(owner)) ?? [];
    const found = [...this.#options.gallery.map(ofGallery), ...stored.map((one) => ofStore(one, owner))];
    return found.map((one) => this.summary(one, request));
  }

  /** @throws RequestError */
  async find(request: FastifyRequest, id: string): Promise<FoundApp> {
    const owner = ownerOf(request);
    const shown = this.#options.gallery.find(({ name }) => name === id);
    if (shown !== undefined) return ofGallery(shown);
    const stored = await this.#options.store?.find(owner, id);
    if (stored !== undefined) return ofStore(stored, owner);
    throw new RequestError(
      'notFound',
      {
        en: `there is no application '${id}'; GET /v1/apps lists them`,
        zh: `没有应用“${id}”；GET /v1/apps 列出全部`,
      },
      'id',
    );
  }

  summary({ id, origin, revision, shared, copiedFrom, updatedAt, app }: FoundApp, request: FastifyRequest): AppSummary {
    const { name, title, description, group, author, licence, version, needs, model } = app;
    const unfit = this.#unfit(app, request);
    return {
      ...{ id, object: 'app', origin, name, title, description, group, author, licence, version, needs },
      ...(model !== undefined && { model }),
      ...{ revision, shared },
      ...(copiedFrom !== undefined && { copied_from: copiedFrom }),
      ...(updatedAt !== undefined && { updated: Math.floor(updatedAt / 1000) }),
      ...(unfit !== undefined && { unfit }),
      quality: this.#quality(name, request),
    };
  }

  body(found: FoundApp, request: FastifyRequest): AppBody {
    return { ...this.summary(found, request), app: { ...found.file } };
  }

  /** Why none of the models that the caller may name can run it, as far as that is known without loading them. */
  #unfit({ model, needs }: App, request: FastifyRequest): AppSummary['unfit'] {
    const fitting = this.#models(request).filter(({ name }) => model === undefined || name === model);
    if (fitting.length === 0 && model !== undefined) {
      return { en: `it wants the model '${model}', which is not served here`, zh: `它需要模型“${model}”，此处没有` };
    }
    if (needs === 'completion' || fitting.some(({ chats }) => chats !== false)) return undefined;
    return { en: 'it needs a model with a chat template', zh: '它需要带对话模板的模型' };
  }

  #models({ caller }: FastifyRequest): ModelStatus[] {
    return this.#context.models.statuses.filter(({ name }) => caller?.models?.includes(name) ?? true);
  }

  #quality(app: string, request: FastifyRequest): AppQuality[] {
    return this.#models(request).flatMap(({ name: model }) =>
      (this.#options.quality?.get(model) ?? [])
        .filter((one) => one.app === app)
        .map(({ app: _, ...measured }) => ({ ...measured, model })),
    );
  }
}

function ofGallery(app: App): FoundApp {
  return {
    ...{ id: app.name, origin: 'gallery', revision: 0, shared: false, copiedFrom: undefined, updatedAt: undefined },
    ...{ app, file: app },
  };
}

function ofStore(
  { id, organisationId, revision, shared, copiedFrom, updatedAt, file }: StoredApp,
  owner: string,
): FoundApp {
  const origin = organisationId === owner ? 'own' : 'shared';
  return { id, origin, revision, shared, copiedFrom, updatedAt, app: checkApp(file, id), file };
}

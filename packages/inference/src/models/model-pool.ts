/**
 * Several models behind their names, of which as many are loaded at a time as a bound of memory holds.
 *
 * A model is loaded for its first request and stays; where another one needs its memory, idle models go first, the least recently used one
 * before the others, and a model is never unloaded under a request. Where models do not fit together and all are wanted at once they take
 * turns, in the order in which they were asked for: a model that is busy keeps answering whoever comes until it has had its turn,
 * which is several times as long as loading takes; then whoever still asks for it waits behind the one whose turn it is. So nobody waits
 * for ever, and most of the time goes into answers. A model that has just become idle is kept for as long as loading it took: a
 * client that asks again at once finds it, and waiting costs the other no more than twice the loading.
 *
 * An adapter is a name of its own for a model: it is loaded, held and unloaded with it, and counted there.
 *
 * Knows no files and no HTTP: what loads a model, and how large it is, is given.
 */
import { trimMemory } from '@tunan/torch';
import type { Engine, EngineKind, Occupancy } from '../engine.ts';
import { aborted, closed, InferenceError, waitedTooLong } from '../errors.ts';

export interface ModelPoolOptions {
  /** Bytes that models loaded on request may take together; no bound when absent. */
  readonly memoryBytes?: number | undefined;
  /** A model that was idle for so long is unloaded; never for that alone when absent. */
  readonly idleSeconds?: number | undefined;
  /** The shortest turn of a busy model while others wait for its memory; 5 when absent. */
  readonly turnSeconds?: number | undefined;
  /** How long a request may wait for its model; without bound when absent. */
  readonly waitSeconds?: number | undefined;
  /** Requests that may wait for models; 256 when absent. */
  readonly waitingSize?: number | undefined;
  /** Told when a model has been loaded or unloaded, or could not be loaded. */
  readonly onModel?: ((event: ModelEvent) => void) | undefined;
}

export interface ModelEvent {
  readonly name: string;
  readonly what: 'loaded' | 'unloaded' | 'failed';
  /** Of loading. */
  readonly seconds: number;
  readonly error?: unknown;
}

/** What is known of a model before it is loaded. */
export interface ModelDescription {
  readonly kind: EngineKind;
  readonly device: string | undefined;
  /** Bytes of its weights, and of its caches at the most. */
  readonly weightBytes: number;
  readonly cacheBytes: number;
  readonly contextLength: number | undefined;
  /** Whether it takes conversations; undefined where only loading tells. */
  readonly chats: boolean | undefined;
}

export type ModelState = 'loaded' | 'loading' | 'unloaded';

export interface ModelStatus {
  readonly name: string;
  /** Of an adapter, the model that it is loaded with. */
  readonly parent: string | undefined;
  readonly state: ModelState;
  readonly kind: EngineKind;
  readonly device: string | undefined;
  readonly contextLength: number | undefined;
  readonly chats: boolean | undefined;
  /** Weights and caches; undefined where another machine has them, who opened the engine did not say, or they are counted with the parent. */
  readonly bytes: number | undefined;
  readonly occupancy: Occupancy;
  /** Requests that wait for the model to be loaded. */
  readonly waitingRequests: number;
  readonly loads: number;
  readonly loadSeconds: number;
  /** While it is loaded. */
  readonly engine: Engine | undefined;
}

/** A model that is kept loaded until this is disposed. */
export interface ModelLease extends Disposable {
  readonly name: string;
  readonly engine: Engine;
}

interface Waiter {
  readonly resolve: (lease: ModelLease) => void;
  readonly reject: (error: unknown) => void;
}

interface Shelf {
  readonly name: string;
  /** Absent for an engine that was given: it always stays. */
  readonly offer: { readonly description: ModelDescription; load(): Promise<Engine> } | undefined;
  readonly isOwned: boolean;
  engine: Engine | undefined;
  isLoading: boolean;
  waiting: Waiter[];
  uses: number;
  /** When it became idle, was loaded, and how long that took; milliseconds. */
  idleSince: number;
  loadedAt: number;
  loadMilliseconds: number;
  loads: number;
  loadSeconds: number;
}

interface Adapter {
  readonly name: string;
  readonly parent: Shelf;
  readonly chats: boolean | undefined;
}

const TURN_SECONDS = 5;
/** A turn is at least so many times as long as loading. */
const TURN_LOADS = 4;
const WAITING_SIZE = 256;
const NOBODY: Occupancy = { running: 0, waiting: 0 };

export class ModelPool implements Disposable {
  readonly #options: ModelPoolOptions;
  readonly #shelves = new Map<string, Shelf>();
  readonly #adapters = new Map<string, Adapter>();
  /** Models that are to be loaded, in the order of their first waiter. */
  #queue: Shelf[] = [];
  /** Models that have had their turn and take no new requests until the one for which they leave has been loaded. */
  #leaving = new Set<Shelf>();
  #leavingFor: Shelf | undefined;
  #timer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ModelPoolOptions = {}) {
    this.#options = options;
  }

  /** Engines that are open and stay the caller's. */
  static of(engines: ReadonlyMap<string, Engine>): ModelPool {
    const pool = new ModelPool();
    for (const [name, engine] of engines) pool.hold(name, engine, false);
    return pool;
  }

  /** Of models, and behind them of adapters, in the order in which they were added. */
  get names(): readonly string[] {
    return [...this.#shelves.keys(), ...this.#adapters.keys()];
  }

  /** In the order of the names. */
  get statuses(): readonly ModelStatus[] {
    return [...[...this.#shelves.values()].map(statusOf), ...[...this.#adapters.values()].map(adapterStatus)];
  }

  has(name: string): boolean {
    return this.#shelves.has(name) || this.#adapters.has(name);
  }

  /** Adds an engine that is open and never unloaded, such as one of another machine. @param isOwned whether close() closes it */
  hold(name: string, engine: Engine, isOwned = true): void {
    this.#add({ ...emptyShelf(name), offer: undefined, isOwned, engine });
  }

  /**
   * Adds a model that is loaded on request.
   * @throws InferenceError INFERENCE_MODEL_TOO_LARGE where it can never be
   */
  offer(name: string, description: ModelDescription, load: () => Promise<Engine>): void {
    const most = this.#options.memoryBytes;
    if (most !== undefined && bytesOf(description) > most) throw tooLarge(name, description, most);
    this.#add({ ...emptyShelf(name), offer: { description, load }, isOwned: true, engine: undefined });
  }

  /**
   * Adds a name for a model under an adapter that its engine is opened with, by that very name.
   * @param parent a model of the pool
   * @param chats whether it takes conversations; undefined where only loading tells
   */
  offerAdapter(name: string, parent: string, chats: boolean | undefined): void {
    const shelf = this.#shelves.get(parent);
    if (shelf === undefined) throw new Error(`there is no model ${parent} in the pool`);
    this.#checkName(name);
    this.#adapters.set(name, { name, parent: shelf, chats });
  }

  /**
   * The model, loaded, for as long as the lease is held.
   * @param signal ends the waiting
   * @throws InferenceError INFERENCE_LOAD_FAILED, INFERENCE_QUEUE_FULL, INFERENCE_CLOSED; what the signal says
   */
  async acquire(name: string, signal?: AbortSignal): Promise<ModelLease> {
    if (this.#closed) throw closed();
    if (signal?.aborted) throw aborted(signal);
    const adapter = this.#adapters.get(name);
    if (adapter !== undefined) return adaptedLease(name, await this.acquire(adapter.parent.name, signal));
    const shelf = this.#shelves.get(name);
    if (shelf === undefined) throw new Error(`there is no model ${name} in the pool`);
    if (shelf.engine !== undefined && !this.#leaving.has(shelf)) return this.#use(shelf, shelf.engine);
    this.#checkRoom();
    const { promise, resolve, reject } = Promise.withResolvers<ModelLease>();
    const waiter = { resolve, reject };
    shelf.waiting.push(waiter);
    const giveUp = (why: InferenceError) => {
      shelf.waiting = shelf.waiting.filter((other) => other !== waiter);
      reject(why);
      this.#pump();
    };
    const leave = () => giveUp(aborted(signal));
    signal?.addEventListener('abort', leave, { once: true });
    const { waitSeconds } = this.#options;
    const late = () => giveUp(waitedTooLong(waitSeconds!, this.#turnSeconds));
    const timer = waitSeconds === undefined ? undefined : setTimeout(late, 1000 * waitSeconds);
    if (!shelf.isLoading && !this.#queue.includes(shelf)) this.#queue.push(shelf);
    this.#pump();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
    }
  }

  /** Loads models before anybody asks. @throws InferenceError INFERENCE_MODEL_TOO_LARGE where they do not fit together */
  async preload(names: readonly string[]): Promise<void> {
    const shelves = names.map((name) => this.#adapters.get(name)?.parent ?? this.#shelves.get(name));
    const offers = [...new Set(shelves)].flatMap((shelf) => shelf?.offer ?? []);
    const bytes = offers.reduce((sum, { description }) => sum + bytesOf(description), 0);
    const most = this.#options.memoryBytes;
    if (most !== undefined && bytes > most) throw tooManyPreloaded(names, bytes, most);
    for (const name of names) (await this.acquire(name))[Symbol.dispose]();
  }

  /** Requests that wait for a model, and running ones, end with INFERENCE_CLOSED; a model that is being loaded goes when it is there. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#idleTimer);
    for (const shelf of this.#shelves.values()) {
      for (const { reject } of shelf.waiting.splice(0)) reject(closed());
      if (shelf.isOwned) shelf.engine?.close();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #add(shelf: Shelf): void {
    this.#checkName(shelf.name);
    this.#shelves.set(shelf.name, shelf);
  }

  #checkName(name: string): void {
    if (this.has(name)) throw new Error(`two models of a pool are called ${name}`);
  }

  #checkRoom(): void {
    const waiting = [...this.#shelves.values()].reduce((sum, shelf) => sum + shelf.waiting.length, 0);
    if (waiting < (this.#options.waitingSize ?? WAITING_SIZE)) return;
    const message = {
      en: 'too many requests wait for models to be loaded: send it again in a while',
      zh: '等待载入模型的请求太多：请稍后再发',
    };
    throw new InferenceError('INFERENCE_QUEUE_FULL', message, { retryAfter: this.#turnSeconds });
  }

  get #turnSeconds(): number {
    return this.#options.turnSeconds ?? TURN_SECONDS;
  }

  #use(shelf: Shelf, engine: Engine): ModelLease {
    shelf.uses++;
    let held = true;
    const giveBack = () => {
      if (!held) return;
      held = false;
      shelf.uses--;
      if (shelf.uses > 0) return;
      shelf.idleSince = performance.now();
      this.#pump();
      this.#watchIdle();
    };
    return { name: shelf.name, engine, [Symbol.dispose]: giveBack };
  }

  /** Loads what can be loaded, and makes room for the model whose turn it is. */
  #pump(): void {
    clearTimeout(this.#timer);
    const left = this.#leaving;
    const leftFor = this.#leavingFor;
    this.#leaving = new Set();
    this.#leavingFor = undefined;
    while (!this.#closed) {
      this.#queue = this.#queue.filter(({ waiting, isLoading }) => waiting.length > 0 && !isLoading);
      const next = this.#queue.find(({ engine }) => engine === undefined);
      if (next === undefined || !this.#makeRoom(next, next === leftFor ? left : new Set())) break;
      void this.#load(next);
    }
    // Whoever waited for a model that need not go after all.
    for (const shelf of this.#queue) if (shelf.engine !== undefined && !this.#leaving.has(shelf)) this.#admit(shelf);
  }

  /** Unloads idle models so that the model fits; where they are not enough, chooses who has to leave. @param left who had to before @returns whether it fits */
  #makeRoom(next: Shelf, left: ReadonlySet<Shelf>): boolean {
    const now = performance.now();
    let missing = this.#missing(next);
    const loaded = [...this.#shelves.values()].filter(({ offer, engine }) => offer && engine);
    const free = loaded.filter((shelf) => shelf.uses === 0 && this.#mayGoAt(shelf) <= now);
    // Nobody goes before all that have to can go.
    if (free.reduce((sum, shelf) => sum + sizeOf(shelf), 0) >= missing) {
      for (const shelf of free.sort((a, b) => a.idleSince - b.idleSince)) {
        if (missing <= 0) break;
        missing -= sizeOf(shelf);
        this.#unload(shelf);
      }
      return true;
    }
    // Those that are idle, and then those that are busy, the one whose turn ends first before the others.
    const wait: number[] = [];
    const goesAt = (shelf: Shelf) => (shelf.uses === 0 ? this.#mayGoAt(shelf) : this.#turnEnd(shelf));
    for (const shelf of loaded.sort((a, b) => Math.sign(a.uses) - Math.sign(b.uses) || goesAt(a) - goesAt(b))) {
      if (missing <= 0) break;
      missing -= sizeOf(shelf);
      // Whoever had to leave and is idle by now keeps its door closed: models that open theirs in turn would never be idle together.
      if (left.has(shelf) || (shelf.uses > 0 && goesAt(shelf) <= now)) this.#leaving.add(shelf);
      if (goesAt(shelf) > now) wait.push(goesAt(shelf));
    }
    this.#leavingFor = next;
    if (wait.length > 0) this.#timer = setTimeout(() => this.#pump(), Math.max(1, Math.min(...wait) - now));
    return false;
  }

  /** Bytes that a model lacks. */
  #missing(next: Shelf): number {
    const { memoryBytes } = this.#options;
    if (memoryBytes === undefined) return 0;
    const held = [...this.#shelves.values()].filter(({ engine, isLoading }) => engine !== undefined || isLoading);
    return held.reduce((sum, shelf) => sum + sizeOf(shelf), sizeOf(next)) - memoryBytes;
  }

  /** From when on a busy model takes no more requests while another one waits. */
  #turnEnd({ loadedAt, loadMilliseconds }: Shelf): number {
    return loadedAt + Math.max(1000 * this.#turnSeconds, TURN_LOADS * loadMilliseconds);
  }

  /** From when on an idle model may be unloaded for another one. */
  #mayGoAt(shelf: Shelf): number {
    return Math.min(this.#turnEnd(shelf), shelf.idleSince + shelf.loadMilliseconds);
  }

  /** Never rejects: whoever waits is told. */
  async #load(shelf: Shelf): Promise<void> {
    const began = performance.now();
    shelf.isLoading = true;
    let failure: unknown;
    try {
      const engine = await shelf.offer!.load();
      if (this.#closed) engine.close();
      else shelf.engine = engine;
    } catch (error) {
      failure = error;
    }
    shelf.isLoading = false;
    const now = performance.now();
    const seconds = (now - began) / 1000;
    Object.assign(shelf, { loadedAt: now, idleSince: now, loadMilliseconds: now - began });
    if (this.#closed) return;
    if (shelf.engine === undefined) {
      const error = loadFailed(shelf.name, failure);
      for (const { reject } of shelf.waiting.splice(0)) reject(error);
    } else {
      shelf.loads++;
      shelf.loadSeconds += seconds;
      this.#admit(shelf);
    }
    const what = shelf.engine === undefined ? 'failed' : 'loaded';
    this.#options.onModel?.({ name: shelf.name, what, seconds, ...(failure !== undefined && { error: failure }) });
    this.#pump();
    this.#watchIdle();
  }

  #admit(shelf: Shelf): void {
    for (const { resolve } of shelf.waiting.splice(0)) resolve(this.#use(shelf, shelf.engine!));
  }

  #unload(shelf: Shelf): void {
    const isTorch = shelf.engine?.kind === 'torch';
    shelf.engine?.close();
    shelf.engine = undefined;
    // Its blocks are kept for tensors of the same sizes otherwise, which the next model does not have.
    if (isTorch) trimMemory();
    this.#options.onModel?.({ name: shelf.name, what: 'unloaded', seconds: 0 });
  }

  /** Unloads what was idle for too long, and looks again when the next one will have been. */
  #watchIdle(): void {
    const { idleSeconds } = this.#options;
    if (idleSeconds === undefined || this.#closed) return;
    clearTimeout(this.#idleTimer);
    const now = performance.now();
    const idle = [...this.#shelves.values()].filter(({ offer, engine, uses }) => offer && engine && uses === 0);
    for (const shelf of idle.filter(({ idleSince }) => idleSince + 1000 * idleSeconds <= now)) this.#unload(shelf);
    const left = idle.filter(({ engine }) => engine !== undefined).map(({ idleSince }) => idleSince);
    if (left.length === 0) return;
    const wait = Math.min(...left) + 1000 * idleSeconds - now;
    this.#idleTimer = setTimeout(() => this.#watchIdle(), Math.max(1, wait)).unref();
  }
}

function adaptedLease(name: string, lease: ModelLease): ModelLease {
  return { name, engine: adaptedEngine(name, lease.engine), [Symbol.dispose]: () => lease[Symbol.dispose]() };
}

function adaptedEngine(name: string, engine: Engine): Engine {
  if (engine.adapted === undefined) throw new Error(`the engine of ${name} takes no adapters`);
  return engine.adapted(name);
}

function emptyShelf(name: string) {
  const times = { idleSince: 0, loadedAt: 0, loadMilliseconds: 0, loads: 0, loadSeconds: 0 };
  return { name, isLoading: false, waiting: [], uses: 0, ...times };
}

function statusOf(shelf: Shelf): ModelStatus {
  const { name, offer, engine, isLoading, waiting, loads, loadSeconds } = shelf;
  const state = engine !== undefined ? 'loaded' : isLoading ? 'loading' : 'unloaded';
  const loading = { waitingRequests: waiting.length, loads, loadSeconds };
  const known = { name, parent: undefined, state, ...loading, engine } as const;
  if (engine === undefined) {
    const { kind, device, contextLength, chats } = offer!.description;
    return { ...known, kind, device, contextLength, chats, bytes: bytesOf(offer!.description), occupancy: NOBODY };
  }
  const { kind, device, contextLength, occupancy, encodeChat, takesMessages = false } = engine;
  const chats = encodeChat !== undefined || takesMessages;
  const bytes = offer && bytesOf(offer.description);
  return { ...known, kind, device, contextLength, chats, bytes, occupancy };
}

/** What is counted with the parent is not counted here again. */
function adapterStatus({ name, parent, chats }: Adapter): ModelStatus {
  const { engine: base, ...status } = statusOf(parent);
  const engine = base && adaptedEngine(name, base);
  const own = { name, parent: parent.name, bytes: undefined, waitingRequests: 0, loads: 0, loadSeconds: 0 };
  const occupancy = engine?.occupancy ?? NOBODY;
  return {
    ...status,
    ...own,
    chats: engine === undefined ? chats : engine.encodeChat !== undefined,
    occupancy,
    engine,
  };
}

const bytesOf = ({ weightBytes, cacheBytes }: ModelDescription): number => weightBytes + cacheBytes;
const sizeOf = ({ offer }: Shelf): number => (offer === undefined ? 0 : bytesOf(offer.description));

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 3 : 1)} GiB`;

function tooLarge(name: string, description: ModelDescription, most: number): InferenceError {
  const [all, weights, caches] = [bytesOf(description), description.weightBytes, description.cacheBytes].map(gib);
  return new InferenceError('INFERENCE_MODEL_TOO_LARGE', {
    en: `${name} needs ${all} (${weights} of weights, up to ${caches} of caches), and models may take ${gib(most)}: take less for caches with --cache-mib, allow more with --memory GIB, or serve a smaller one`,
    zh: `${name} 需要 ${all}（权重 ${weights}，缓存至多 ${caches}），而模型最多可用 ${gib(most)}：请用 --cache-mib 减小缓存，用 --memory GIB 放宽，或改用更小的模型`,
  });
}

function tooManyPreloaded(names: readonly string[], bytes: number, most: number): InferenceError {
  return new InferenceError('INFERENCE_MODEL_TOO_LARGE', {
    en: `${names.join(', ')} need ${gib(bytes)} together, and models may take ${gib(most)}: preload fewer, or allow more with --memory GIB`,
    zh: `${names.join('、')} 共需 ${gib(bytes)}，而模型最多可用 ${gib(most)}：请减少预先载入的模型，或用 --memory GIB 放宽`,
  });
}

/** Callers are told no paths; the cause, for the log, has them. */
function loadFailed(name: string, cause: unknown): InferenceError {
  const message = {
    en: `the model '${name}' cannot be loaded: tell the operator, whose log says why, and try again`,
    zh: `无法载入模型“${name}”：请告知运营者，其日志记有原因，然后重试`,
  };
  return new InferenceError('INFERENCE_LOAD_FAILED', message, { cause });
}

/**
 * One server of several that run the same model: its address, whether it is to be trusted with requests, and how many it has.
 *
 * It is *down* after a connection that did not come about, after FAILURES requests in a row that went wrong, or after MISSES checks in a row
 * without a good answer; a good check brings it back. Where requests failed although its checks are good, it stays away for a time that
 * doubles. It is *resting* for as long as it said when it was too busy (429, 503). Does not send requests and does not choose.
 */
import { Endpoint, EndpointError, type Send } from '@tunan/protocol/client';
import { findModel, type UpstreamModel } from './served-model.ts';

export type WorkerState = 'up' | 'down' | 'draining';

export interface WorkerStatus {
  /** As it was given. */
  readonly url: string;
  readonly state: WorkerState;
  /** Sequences there that come from here. */
  readonly running: number;
  /** Why it is down, for the operator's log. */
  readonly reason: string | undefined;
}

export interface WorkerOptions {
  readonly apiKey?: string | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly firstSeconds?: number | undefined;
  readonly totalSeconds?: number | undefined;
  readonly send: Send;
}

const FAILURES = 3;
const MISSES = 2;
const FIRST_AWAY_MILLISECONDS = 5_000;
const LONGEST_AWAY_MILLISECONDS = 60_000;
/** Where a busy server does not say when to come back; and no server is left alone for longer than the second. */
const REST_SECONDS = 1;
const LONGEST_REST_SECONDS = 60;
const CHECK_SECONDS = 10;

/** Servers that tell at `/health`, beside the version of the API, whether their engine lives; the list of models tells less. */
const HEALTH_OWNERS: ReadonlySet<string | undefined> = new Set(['vllm', 'sglang', 'llamacpp']);

export class Worker {
  readonly url: string;
  readonly endpoint: Endpoint;
  readonly #asked: string | undefined;
  /** For checks, which are answered at once or not at all. */
  readonly #checked: Endpoint;
  readonly #root: Endpoint;
  #found: UpstreamModel | undefined;
  #isDown = false;
  #isDraining = false;
  #reason: string | undefined;
  #failures = 0;
  #misses = 0;
  /** How often it has gone down by failing requests without one that went well. */
  #relapses = 0;
  #awayUntil = 0;
  #restingUntil = 0;
  /** Sequences, and the turn in which it was chosen last. */
  running = 0;
  lastTurn = 0;

  /** @param url up to and with the version; of several models there, `#` and the id of one */
  constructor(url: string, options: WorkerOptions) {
    const [address = '', id] = url.split('#', 2);
    this.url = url;
    this.#asked = id === undefined ? undefined : decodeURIComponent(id);
    this.endpoint = new Endpoint({ url: address, ...options });
    const { apiKey, send } = options;
    const check = { apiKey, send, timeoutSeconds: Math.min(CHECK_SECONDS, options.timeoutSeconds ?? CHECK_SECONDS) };
    this.#checked = new Endpoint({ url: address, ...check });
    this.#root = new Endpoint({ url: address.replace(/\/v\d+\/*$/, ''), ...check });
  }

  /** Undefined until the server has answered once. */
  get found(): UpstreamModel | undefined {
    return this.#found;
  }

  get state(): WorkerState {
    if (this.#isDraining) return 'draining';
    return this.#isDown ? 'down' : 'up';
  }

  get status(): WorkerStatus {
    return { url: this.url, state: this.state, running: this.running, reason: this.#isDown ? this.#reason : undefined };
  }

  /** Whether requests go there first. */
  isReady(now: number): boolean {
    return !this.#isDown && now >= this.#restingUntil;
  }

  /** Requests there, one that fails counting as one more that runs. */
  get load(): number {
    return (this.running + 1) * (this.#failures + 1);
  }

  /** Learns which model runs there. @throws InferenceError INFERENCE_UPSTREAM_… */
  async connect(signal?: AbortSignal): Promise<UpstreamModel> {
    try {
      this.#found = await findModel(this.#checked, this.#asked, signal);
      this.#goUp();
      return this.#found;
    } catch (error) {
      this.#goDown(error);
      throw error;
    }
  }

  /** A check of its health. @throws the signal's reason */
  async check(signal: AbortSignal): Promise<void> {
    try {
      if (!this.#isDown && HEALTH_OWNERS.has(this.#found?.owner)) await this.#askHealth(signal);
      else this.#found = await findModel(this.#checked, this.#asked, signal);
      this.#misses = 0;
      if (this.#isDown && Date.now() >= this.#awayUntil) this.#goUp();
    } catch (error) {
      signal.throwIfAborted();
      if (++this.#misses >= MISSES) this.#goDown(error);
    }
  }

  succeeded(): void {
    this.#failures = 0;
    this.#misses = 0;
    this.#relapses = 0;
    this.#restingUntil = 0;
    if (this.#isDown) this.#goUp();
  }

  /** @param began whether a part of the answer had come */
  failed(error: EndpointError, began: boolean): void {
    if (error.kind === 'refused') return; // the request's fault
    if (error.kind === 'busy') {
      const seconds = Math.min(error.retryAfterSeconds ?? REST_SECONDS, LONGEST_REST_SECONDS);
      this.#restingUntil = Date.now() + 1000 * seconds;
      return;
    }
    this.#failures++;
    const unreachable = error.kind === 'down' && !began;
    if (!unreachable && this.#failures < FAILURES) return;
    // Whoever cannot be reached is seen by the next check; of one that is reached and fails, checks say nothing.
    if (!unreachable) {
      const away = Math.min(FIRST_AWAY_MILLISECONDS * 2 ** this.#relapses++, LONGEST_AWAY_MILLISECONDS);
      this.#awayUntil = Date.now() + away;
    }
    this.#goDown(error);
  }

  /** It gets no more requests. */
  startDraining(): void {
    this.#isDraining = true;
  }

  async #askHealth(signal: AbortSignal): Promise<void> {
    try {
      await this.#root.ping('health', signal);
    } catch (error) {
      // Something in front of the server may pass on the API alone.
      if (!(error instanceof EndpointError && error.kind === 'unknown')) throw error;
      this.#found = await findModel(this.#checked, this.#asked, signal);
    }
  }

  #goUp(): void {
    this.#isDown = false;
    this.#failures = 0;
  }

  #goDown(error: unknown): void {
    this.#isDown = true;
    this.#reason = error instanceof Error ? error.message : String(error);
  }
}

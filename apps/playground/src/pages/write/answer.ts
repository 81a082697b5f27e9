/** One answer while it is made and afterwards: what was asked, what came, how it ended. Plain data, so that it can be kept. */
import { type Signal, signal } from '@preact/signals';
import type { Usage } from '@tunan/protocol';
import type { OpenApi } from '@tunan/protocol/client';
import { failureOf, isEndpointError } from '../../server/failure.ts';
import { lookAtServer } from '../../server/models.ts';
import { type Piece, PieceReader } from './pieces.ts';
import type { AskedFor } from './request.ts';

export type Ending =
  | { readonly kind: 'running' | 'stopped' }
  /** `stop`: the model ended it. `length`: the limit did. */
  | { readonly kind: 'done'; readonly reason: string }
  /** What came is kept: the connection broke, or the page was left. */
  | { readonly kind: 'cut'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string };

export interface Answer {
  readonly asked: AskedFor;
  /** What the text is the continuation of, as it was typed; later requests have more in their prompt. Empty in a conversation. */
  readonly prompt: string;
  /** The tokens of the prompt, where they were asked for. */
  readonly promptPieces?: readonly Piece[];
  readonly pieces: readonly Piece[];
  readonly ending: Ending;
  readonly usage?: Pick<Usage, 'prompt_tokens' | 'completion_tokens'>;
  readonly seconds: number;
}

export const textOf = ({ pieces }: Pick<Answer, 'pieces'>): string => pieces.map(({ text }) => text).join('');

export interface RunningAnswer {
  readonly answer: Signal<Answer>;
  /** Ends with the answer, however that ends; never rejects. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** @param kept tokens that stand before the new ones, and are in the request already */
export function ask(asked: AskedFor, prompt: string, kept: readonly Piece[] = []): RunningAnswer {
  const abort = new AbortController();
  const answer = signal<Answer>({ asked, prompt, pieces: kept, ending: { kind: 'running' }, seconds: 0 });
  return { answer, ended: follow(answer, kept, abort.signal), stop: () => abort.abort() };
}

/** How likely the model finds each token of a prompt, and what it would have said there. @throws EndpointError */
export async function promptPiecesOf({ asked, prompt }: Answer): Promise<readonly Piece[]> {
  if (asked.route !== 'completions') return [];
  const { openApi } = await loadClient();
  const { model, begin_document, logprobs } = asked.body;
  const told = { echo: true, max_tokens: 0, logprobs: Math.max(1, logprobs ?? 0) };
  const reader = new PieceReader();
  reader.take(await openApi(model ?? undefined).complete({ model, begin_document, prompt, ...told }));
  return reader.pieces;
}

/** The client, which nothing needs before the first request. */
export const loadClient = () => import('../../server/open-api.ts');

async function follow(answer: Signal<Answer>, kept: readonly Piece[], stopped: AbortSignal): Promise<void> {
  const began = performance.now();
  const reader = new PieceReader();
  const change = (more: Partial<Answer>) => {
    const seconds = (performance.now() - began) / 1000;
    answer.value = { ...answer.peek(), pieces: [...kept, ...reader.pieces], seconds, ...more };
  };
  const frames = new Frames(() => change({}));
  try {
    const { openApi } = await loadClient();
    let reason = 'stop';
    let usage: Answer['usage'];
    const { asked } = answer.peek();
    for await (const part of partsOf(openApi(asked.body.model ?? undefined), asked, stopped)) {
      reason = reader.take(part) ?? reason;
      usage = part.usage ?? usage;
      frames.ask();
    }
    change({ ending: { kind: 'done', reason }, ...(usage !== undefined && { usage }) });
  } catch (error) {
    change({ ending: stopped.aborted ? { kind: 'stopped' } : endingOf(error, reader.text !== '') });
    if (!stopped.aborted) void lookAtServer();
  } finally {
    frames.end();
  }
}

function partsOf(api: OpenApi, { route, body }: AskedFor, stopped: AbortSignal) {
  return route === 'completions' ? api.streamCompletion(body, stopped) : api.streamChat(body, stopped);
}

/** An error of another class is one of this program, or of the browser that cannot load a part of it: it is shown as it is. */
function endingOf(error: unknown, hasText: boolean): Ending {
  const isCut = hasText || (isEndpointError(error) && (error.kind === 'down' || error.kind === 'slow'));
  return { kind: isCut ? 'cut' : 'refused', message: failureOf(error) };
}

/** At most one change for each picture that the browser draws: a fast model must not hold up the page. */
class Frames {
  readonly #draw: () => void;
  #asked: number | undefined;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  ask(): void {
    this.#asked ??= requestAnimationFrame(() => {
      this.#asked = undefined;
      this.#draw();
    });
  }

  end(): void {
    if (this.#asked !== undefined) cancelAnimationFrame(this.#asked);
  }
}

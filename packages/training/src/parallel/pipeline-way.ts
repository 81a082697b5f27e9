/**
 * The way of a step's micro batches through a pipeline: this process has some layers of the model, one piece of it or several (interleaved),
 * does what pipeline-schedule.ts has for its stage, and tells its neighbours the stream behind its layers and the gradient in front of
 * them (pipeline-channels.ts). Sends do not wait for their receiver; a receive waits for its message.
 */

import type { LanguageModel, PiecePass, Recomputation } from '@tunan/model';
import {
  type Device,
  empty,
  manualSeed,
  noGrad,
  type ProcessGroup,
  scope,
  type Tensor,
  tensor,
  type Work,
} from '@tunan/torch';
import type { Passage, PassageInput, Way } from './passage.ts';
import { openChannels, type PipelineChannels } from './pipeline-channels.ts';
import { mostUnreceived, type PipelineTask, predecessorOf, stageSchedule } from './pipeline-schedule.ts';

export interface PipelineWayOptions {
  /** The stages, in their order. */
  readonly group: ProcessGroup;
  /** Of this stage, in the order of the forward pass. */
  readonly pieces: readonly LanguageModel[];
  /** Whether blocks are run again in the backward pass, and only their inputs kept. */
  readonly recomputation: Recomputation;
  /** Devices that divide the stream by positions; 1 where each has all of it. */
  readonly streamParts: number;
  /** Of what is drawn here for a piece of the model, counted from the first on. */
  readonly seedHere: (seed: number, piece: number) => number;
}

/** Tags of a step's messages count from 0. */
const SEEING = 1 << 30;

/** Ranks of a channel. */
const [SENDER, RECEIVER] = [0, 1];

/** Between a piece's forward and its backward. */
interface Underway {
  readonly pass: PiecePass;
  readonly ids: Tensor;
}

/** Called by all stages. */
export function pipelineWay(options: PipelineWayOptions): Way {
  const channels = openChannels(options.group, options.pieces.length);
  return {
    take: (passages) => new Journey(options, channels, passages).run(),
    see: (open, look) => see(options, channels, open, look),
  };
}

/** Stage by stage, piece by piece; what was found at the end is told to all. */
function see(
  { group, pieces, streamParts }: PipelineWayOptions,
  { from, to }: PipelineChannels,
  open: () => PassageInput,
  look: (model: LanguageModel, hidden: Tensor) => number[],
): number[] {
  const { size: stages, rank } = group;
  return noGrad(() =>
    scope(() => {
      const { ids, options } = open();
      let found: number[] | undefined;
      for (const [chunk, piece] of pieces.entries()) {
        const virtual = chunk * stages + rank;
        const stream = virtual === 0 ? undefined : emptyStream(piece, ids, streamParts);
        if (stream !== undefined) from.forward!.receive(stream, SENDER, SEEING + chunk);
        const output = piece.advance(ids, stream, options);
        if (piece.part!.isLast) found = look(piece, output);
        else to.forward!.send(output.contiguous(), RECEIVER, SEEING + Math.floor((virtual + 1) / stages));
      }
      return toldToAll(group, found, pieces[0]!.device);
    }),
  );
}

/** What the last stage has found. */
function toldToAll(group: ProcessGroup, found: readonly number[] | undefined, device: Device): number[] {
  const last = group.size - 1;
  const count = tensor([found?.length ?? 0], { dtype: 'int64', device });
  group.broadcast(count, last);
  const values = tensor(
    Float64Array.from({ length: count.item() }, (_, at) => found?.[at] ?? 0),
    { device },
  );
  group.broadcast(values, last);
  return [...(values.toArray() as Float64Array)];
}

/** (B, T or its part, C). */
function emptyStream({ sizes, device }: LanguageModel, ids: Tensor, streamParts: number): Tensor {
  const [batch, time] = ids.shape as [number, number];
  return empty([batch, time / streamParts, sizes.width], { device });
}

/** One step of one stage. */
class Journey<Result> {
  readonly #options: PipelineWayOptions;
  readonly #channels: PipelineChannels;
  readonly #passages: readonly Passage<Result>[];
  readonly #shape: { readonly stages: number; readonly chunks: number; readonly microBatches: number };
  readonly #underway = new Map<string, Underway>();
  readonly #sent: { readonly work: Work; readonly tensor: Tensor }[] = [];

  constructor(options: PipelineWayOptions, channels: PipelineChannels, passages: readonly Passage<Result>[]) {
    this.#options = options;
    this.#channels = channels;
    this.#passages = passages;
    this.#shape = { stages: options.group.size, chunks: options.pieces.length, microBatches: passages.length };
  }

  run(): Result[] {
    const results: Result[] = [];
    scope(() => {
      for (const task of stageSchedule(this.#shape, this.#options.group.rank)) {
        if (task.pass === 'forward') this.#forward(task);
        else this.#backward(task, results);
        this.#waitForSent(mostUnreceived(this.#shape));
      }
      this.#waitForSent(0);
    });
    return results;
  }

  #forward(task: PipelineTask): void {
    const { seed, open } = this.#passages[task.microBatch]!;
    const piece = this.#options.pieces[task.chunk]!;
    const { ids, options } = open();
    const stream = this.#receive(task, ids);
    const { group, seedHere } = this.#options;
    if (seed !== undefined) manualSeed(seedHere(seed, task.chunk * group.size + group.rank));
    const pass = piece.pass(ids, stream, options, this.#options.recomputation);
    stream?.dispose();
    this.#underway.set(nameOf(task), { pass, ids });
    if (!piece.part!.isLast) this.#send(task, pass.output.detach());
  }

  #backward(task: PipelineTask, results: Result[]): void {
    const { pass, ids } = this.#underway.get(nameOf(task))!;
    this.#underway.delete(nameOf(task));
    const passage = this.#passages[task.microBatch]!;
    passage.beforeBackward?.();
    const gradient = scope(() => {
      if (!this.#options.pieces[task.chunk]!.part!.isLast)
        return pass.backward((output) => output.backward(this.#receive(task, ids))).gradient;
      const last = pass.backward((output) => passage.backward(output));
      results.push(last.result);
      return last.gradient;
    });
    if (gradient !== undefined) this.#send(task, gradient);
  }

  /** What the task before has given, of the stream's shape; undefined where nothing comes from elsewhere. */
  #receive(task: PipelineTask, ids: Tensor): Tensor | undefined {
    const { group, pieces, streamParts } = this.#options;
    const before = predecessorOf(this.#shape, group.rank, task);
    if (before === undefined) return undefined;
    const stream = emptyStream(pieces[task.chunk]!, ids, streamParts);
    this.#channels.from[task.pass]!.receive(stream, SENDER, this.#tagOf(before.task));
    return stream;
  }

  #send(task: PipelineTask, made: Tensor): void {
    const contiguous = made.contiguous();
    this.#sent.push({
      work: this.#channels.to[task.pass]!.startSend(contiguous, RECEIVER, this.#tagOf(task)),
      tensor: contiguous,
    });
  }

  /** Of what a task gives: no two messages of a step between two stages have one. */
  #tagOf({ pass, microBatch, chunk }: PipelineTask): number {
    return 2 * (microBatch * this.#shape.chunks + chunk) + (pass === 'forward' ? 0 : 1);
  }

  /** Until no more than `left` messages are on their way, the oldest first. */
  #waitForSent(left: number): void {
    while (this.#sent.length > left) {
      const { work, tensor: sent } = this.#sent.shift()!;
      work.wait();
      sent.dispose();
    }
  }
}

function nameOf({ microBatch, chunk }: PipelineTask): string {
  return `${microBatch} ${chunk}`;
}

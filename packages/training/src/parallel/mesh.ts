/**
 * The processes of one run, in a mesh of three axes. A process alone is a mesh of one: everything here is then done at once, and training
 * asks the same questions.
 */
import { UserMistake } from '@tunan/files';
import { type Device, ProcessGroup, rendezvousOf, TorchError } from '@tunan/torch';
import { TrainingError, type TrainingErrorCode } from '../errors.ts';
import { gatherValues, tellAll } from './gather-values.ts';
import { type Axis, type MeshPlace, type MeshShape, meshOf, placeOf, ranksAlong, sizeOf } from './mesh-shape.ts';

/** An error on its way between ranks. */
interface Told {
  readonly code: string | undefined;
  readonly en: string;
  readonly zh: string | undefined;
}

/** What a recipe says of processes. */
interface Laid {
  readonly device?: Device | undefined;
  readonly parallel?: { readonly tensor?: number | undefined; readonly pipeline?: number | undefined } | undefined;
}

export class Mesh implements Disposable {
  readonly shape: MeshShape;
  readonly place: MeshPlace;
  /** All ranks. */
  readonly world: ProcessGroup;
  /** Ranks with other parts of the same matrices. */
  readonly tensor: ProcessGroup;
  /** Ranks with the same part of the model and other samples. */
  readonly data: ProcessGroup;
  /** Ranks with other layers. */
  readonly pipeline: ProcessGroup;
  /** Of the tensors that ranks talk with. */
  readonly device: Device;

  /** @param device of the tensors that ranks talk with: of this rank where the backend is NCCL */
  constructor(world: ProcessGroup, shape: MeshShape, device: Device = 'cpu') {
    if (sizeOf(shape) !== world.size) throw new Error(`a mesh of ${sizeOf(shape)} has ${world.size} ranks`);
    this.world = world;
    this.shape = shape;
    this.place = placeOf(world.rank, shape);
    const along = (axis: Axis) => world.newGroup(ranksAlong(axis, this.place, shape))!;
    this.tensor = along('tensor');
    this.data = along('data');
    this.pipeline = along('pipeline');
    this.device = device;
  }

  static alone(): Mesh {
    return new Mesh(ProcessGroup.alone(), { tensor: 1, data: 1, pipeline: 1 });
  }

  /**
   * Meets the other processes that a launcher started (torchrun, mpirun, srun, `tunan train run --nproc`); alone where none did.
   * @param recipe whose `parallel` says how a copy of the model is laid over them, and whose device what they talk by: Gloo (or MPI, where
   * TUNAN_RANK_BACKEND says so) on the CPU, NCCL on CUDA devices, of which each process has the one with its number on its machine
   * @throws TorchError TORCH_RANK_LOST, TORCH_NO_GROUPS, TORCH_BAD_SETTING; TrainingError TRAINING_BAD_LAYOUT
   */
  static join(
    environment: Readonly<Record<string, string | undefined>>,
    { device = 'cpu', parallel = {} }: Laid = {},
  ): Mesh {
    const place = rendezvousOf(environment);
    if (place === undefined) return Mesh.alone();
    const shape = meshOf(place.size, parallel);
    const own: Device = device === 'cpu' ? device : `cuda:${place.localRank}`;
    const { backend = own === 'cpu' ? 'gloo' : 'nccl' } = place;
    if ((own === 'cpu') === (backend === 'nccl')) {
      throw new TorchError('TORCH_BAD_SETTING', {
        en: `the backend ${backend} does not carry tensors of the device ${device}: leave it out`,
        zh: `通信后端 ${backend} 不传输设备 ${device} 上的张量：请勿指定`,
      });
    }
    return new Mesh(ProcessGroup.meet({ ...place, backend }), shape, own);
  }

  /** Whether this rank speaks for all: writes the log, scores tasks. */
  get isFirst(): boolean {
    return this.world.rank === 0;
  }

  /** Whether what this rank finds of its samples counts: of the ranks that share them one, the one that has the head. */
  get counts(): boolean {
    return this.place.tensor === 0 && this.place.pipeline === this.shape.pipeline - 1;
  }

  /** Of pieces 0 to count - 1 those that this copy of the model works on. The others have as many, or one more or less. */
  share(count: number): number[] {
    const { data } = this.shape;
    const own = Math.max(0, Math.ceil((count - this.place.data) / data));
    return Array.from({ length: own }, (_, index) => this.place.data + index * data);
  }

  /**
   * What each rank gives, in their order.
   * @param patient whether those that are ready wait as long as all live
   */
  gather<T>(value: T, patient = false): T[] {
    return gatherValues(this.world, value, this.device, patient);
  }

  /** What the ranks whose findings count give, one of each copy of the model. */
  gatherCounted<T>(value: T): T[] {
    return this.gather(this.counts ? value : undefined).filter((one) => one !== undefined) as T[];
  }

  /** The sum over the copies of the model. */
  sum(value: number): number {
    return this.sumOver(this.data, value);
  }

  /** The sum over a group of ranks. */
  sumOver(group: ProcessGroup, value: number): number {
    return gatherValues(group, value, this.device).reduce((sum, one) => sum + one, 0);
  }

  /** Whether it is so on any rank. */
  any(value: boolean): boolean {
    return this.gather(value).includes(true);
  }

  /** A signal that work may end at of itself: of several ranks each hears it at another moment, and they stop where all do. */
  heard(signal: AbortSignal | undefined): AbortSignal | undefined {
    return this.world.size === 1 ? signal : undefined;
  }

  /** Done by the first rank alone; all get what it found, or its error. */
  async once<T>(body: () => Promise<T> | T): Promise<T> {
    if (this.world.size === 1) return body();
    let thrown: unknown;
    let outcome: { readonly value: T } | { readonly error: Told } | undefined;
    if (this.isFirst) {
      try {
        outcome = { value: await body() };
      } catch (error) {
        thrown = error;
        outcome = { error: toldOf(error) };
      }
    }
    const told = tellAll(this.world, outcome, 0, this.device);
    if ('value' in told) return told.value;
    throw thrown ?? errorOf(told.error);
  }

  /** Done by every rank, however long it takes. Where it fails on one, all throw the error of the first such rank, with its number. */
  together<T>(body: () => T): T {
    if (this.world.size === 1) return body();
    let thrown: unknown;
    let value: T | undefined;
    try {
      value = body();
    } catch (error) {
      thrown = error;
    }
    const failures = this.gather(thrown === undefined ? undefined : toldOf(thrown), true);
    const rank = failures.findIndex((failure) => failure !== undefined);
    if (rank < 0) return value as T;
    const { code, en, zh } = failures[rank]!;
    const named = errorOf({ code, en: `rank ${rank}: ${en}`, zh: zh && `进程 ${rank}：${zh}` });
    if (rank === this.world.rank) named.cause = thrown;
    throw named;
  }

  /** Tells all why this rank ends; those that wait for it say the same. @returns the error to throw */
  fail(error: unknown): unknown {
    const { en } = toldOf(error);
    if (this.world.size > 1) this.world.fail(/^rank \d/.test(en) ? en : `rank ${this.world.rank}: ${en}`);
    return error;
  }

  /** @throws TrainingError TRAINING_RANKS_DIFFER where the ranks have different ones */
  requireSame(what: { readonly en: string; readonly zh: string }, value: string): void {
    const all = this.gather(value);
    const other = all.findIndex((one) => one !== all[0]);
    if (other < 0) return;
    throw new TrainingError('TRAINING_RANKS_DIFFER', {
      en: `ranks 0 and ${other} of ${all.length} have different ${what.en}: start all of them with the same files and options`,
      zh: `共 ${all.length} 个进程，进程 0 与进程 ${other} 的${what.zh}不同：请以相同的文件与选项启动全部进程`,
    });
  }

  /** Takes leave of the others, when all are done. */
  [Symbol.dispose](): void {
    this.world.leave();
  }
}

function toldOf(error: unknown): Told {
  if (error instanceof UserMistake) return { code: error.code, en: error.message, zh: error.chinese };
  return { code: undefined, en: error instanceof Error ? error.message : String(error), zh: undefined };
}

function errorOf({ code, en, zh }: Told): Error {
  if (code === undefined) return new Error(en);
  return new UserMistake(code as TrainingErrorCode, zh === undefined ? en : { en, zh });
}

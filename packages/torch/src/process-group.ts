/**
 * Processes that train together: collectives and messages over groups of them, on c10d's Gloo or on MPI (tensors on the CPU), on c10d's NCCL
 * (on CUDA devices), or alone, where every collective is done at once. Ranks meet as torchrun has them meet (`rendezvous.ts`); MPI needs a
 * launcher that speaks to it too (mpirun, srun).
 *
 * Every rank of a group begins the same collectives in the same order. A collective that a rank does not reach ends on all others with an
 * error that names it (TORCH_RANK_LOST): the ranks tell each other twice a second that they are alive and how far they are. After such an
 * error the run is over for every rank: end the process.
 */
import { existsSync } from 'node:fs';
import { mpiPath } from './build/build-addon.ts';
import { requireDevice } from './engine.ts';
import { TorchError } from './errors.ts';
import { guarded } from './guard.ts';
import { type GroupHandles, type NativeGroups, native } from './native.ts';
import type { GroupBackend, Rendezvous } from './rendezvous.ts';
import type { Tensor } from './tensor.ts';

export type Reduction = 'sum' | 'avg' | 'max' | 'min';

const REDUCTIONS: Readonly<Record<Reduction, number>> = { sum: 0, avg: 1, max: 2, min: 3 };

/** A collective under way. Its tensors must not be touched before `wait()` comes back. */
export interface Work {
  /**
   * @param patient whether to wait as long as all ranks are alive: for one that has long work of its own to do
   * @throws TorchError TORCH_RANK_LOST
   */
  wait(patient?: boolean): void;
}

const DONE: Work = { wait() {} };

/** What all groups of a process share. */
interface World {
  readonly handle: GroupHandles['world'];
  readonly rank: number;
  /** How often a group of these ranks was made: its name tells one from the next. */
  readonly made: Map<string, number>;
}

export class ProcessGroup implements Disposable {
  /** Of this process in the group. */
  readonly rank: number;
  /** Ranks of the whole run that are in the group, in the order of their ranks here. */
  readonly ranks: readonly number[];
  readonly backend: GroupBackend;
  /** In the names of operators; 0 for a process alone. */
  readonly number: number;
  readonly #world: World | undefined;

  private constructor(world: World | undefined, ranks: readonly number[], backend: GroupBackend, number: number) {
    this.#world = world;
    this.ranks = ranks;
    this.rank = world === undefined ? 0 : ranks.indexOf(world.rank);
    this.backend = backend;
    this.number = number;
  }

  /** A process by itself: rank 0 of 1. */
  static alone(): ProcessGroup {
    return new ProcessGroup(undefined, [0], 'none', 0);
  }

  /**
   * Meets the other ranks; comes back when all are there.
   * @throws TorchError TORCH_NO_GROUPS where this libtorch has no process groups or the addon no MPI or NCCL, TORCH_BAD_SETTING where there is
   * no CUDA device for NCCL, TORCH_RANK_LOST where somebody stays away
   */
  static meet(place: Rendezvous): ProcessGroup {
    const {
      rank,
      size,
      localRank,
      host,
      port,
      holdsStore,
      timeoutSeconds = 600,
      silenceSeconds = 30,
      backend = 'gloo',
    } = place;
    const groups = nativeGroups();
    if (backend === 'mpi') loadMpi(groups);
    if (backend === 'nccl') requireNccl(groups, localRank);
    const handle = named(() =>
      groups.meet(host, port, rank, size, holdsStore, localRank, 1000 * timeoutSeconds, 1000 * silenceSeconds),
    );
    const world = { handle, rank, made: new Map<string, number>() };
    return ProcessGroup.#make(
      world,
      Array.from({ length: size }, (_, one) => one),
      backend,
    );
  }

  static #make(world: World, ranks: readonly number[], backend: GroupBackend): ProcessGroup {
    const list = ranks.join(',');
    const made = world.made.get(list) ?? 0;
    world.made.set(list, made + 1);
    const name = made === 0 ? `[${list}]` : `[${list}].${made}`;
    const number = named(() => nativeGroups().group(world.handle, name, ranks, backend));
    return new ProcessGroup(world, ranks, backend, number);
  }

  get size(): number {
    return this.ranks.length;
  }

  /**
   * A group of some ranks of this one; its ranks are in the order given. Called by those that are in it alone, or by all: the others get
   * undefined. A group of one is alone: no connection, no cost.
   */
  newGroup(ranks: readonly number[]): ProcessGroup | undefined {
    if (new Set(ranks).size !== ranks.length || ranks.some((rank) => this.ranks[rank] === undefined))
      throw new TorchError(
        'TORCH_OPERATION',
        `ranks ${ranks.join(', ')} are not different ranks of a group of ${this.size}`,
      );
    if (!ranks.includes(this.rank)) return undefined;
    if (this.#world === undefined) return ProcessGroup.alone();
    return ProcessGroup.#make(
      this.#world,
      ranks.map((rank) => this.ranks[rank]!),
      this.backend,
    );
  }

  /** In place: on every rank the sum, average, largest or smallest of all. bfloat16 and float16 are added up in float32. */
  allReduce(tensor: Tensor, op: Reduction = 'sum'): void {
    this.startAllReduce(tensor, op).wait();
  }

  startAllReduce(tensor: Tensor, op: Reduction = 'sum'): Work {
    return this.#start((groups, number) => groups.allReduce(number, tensor.handle, REDUCTIONS[op]));
  }

  /** Those of all ranks one after another. @param out of `size` times as many elements as `tensor` */
  allGather(out: Tensor, tensor: Tensor): void {
    this.startAllGather(out, tensor).wait();
  }

  startAllGather(out: Tensor, tensor: Tensor): Work {
    if (this.#world === undefined) {
      out.copy_(tensor.reshape(...out.shape));
      return DONE;
    }
    return this.#start((groups, number) => groups.allGather(number, out.handle, tensor.handle));
  }

  /** The own of `size` equal parts, reduced over all ranks, in the order of the ranks. @param tensor of `size` times as many elements as `out` */
  reduceScatter(out: Tensor, tensor: Tensor, op: Reduction = 'sum'): void {
    this.startReduceScatter(out, tensor, op).wait();
  }

  startReduceScatter(out: Tensor, tensor: Tensor, op: Reduction = 'sum'): Work {
    if (this.#world === undefined) {
      out.copy_(tensor.reshape(...out.shape));
      return DONE;
    }
    return this.#start((groups, number) => groups.reduceScatter(number, out.handle, tensor.handle, REDUCTIONS[op]));
  }

  /** In place: on every rank what `root` has. */
  broadcast(tensor: Tensor, root: number): void {
    this.startBroadcast(tensor, root).wait();
  }

  startBroadcast(tensor: Tensor, root: number): Work {
    return this.#start((groups, number) => groups.broadcast(number, tensor.handle, root));
  }

  /** To one other rank, which receives a tensor of the same shape and dtype under the same tag. */
  send(tensor: Tensor, to: number, tag = 0): void {
    this.startSend(tensor, to, tag).wait();
  }

  startSend(tensor: Tensor, to: number, tag = 0): Work {
    return this.#start((groups, number) => groups.send(number, tensor.handle, to, tag));
  }

  /** In place: what `from` sends. */
  receive(tensor: Tensor, from: number, tag = 0): void {
    this.startReceive(tensor, from, tag).wait();
  }

  startReceive(tensor: Tensor, from: number, tag = 0): Work {
    return this.#start((groups, number) => groups.receive(number, tensor.handle, from, tag));
  }

  /** Comes back when all ranks have come here. */
  barrier(): void {
    this.#start((groups, number) => groups.barrier(number)).wait();
  }

  /** Collectives begun so far (messages not counted), and bytes of their tensors and of the messages sent. */
  get traffic(): { readonly collectives: number; readonly bytes: number } {
    if (this.#world === undefined) return { collectives: 0, bytes: 0 };
    const [collectives, bytes] = guarded(() => nativeGroups().traffic(this.number));
    return { collectives, bytes };
  }

  /**
   * Makes every collective, and every message received, take at least so much longer from now on, one behind the other as on a link: to
   * measure what of it other work hides.
   */
  delayMessages(milliseconds: number): void {
    if (this.#world !== undefined) guarded(() => nativeGroups().delay(this.number, Math.round(1000 * milliseconds)));
  }

  /** Of these delays, in milliseconds: all that were added, and what this process waited for. */
  get delays(): { readonly added: number; readonly waited: number } {
    if (this.#world === undefined) return { added: 0, waited: 0 };
    const [added, waited] = guarded(() => nativeGroups().delays(this.number));
    return { added: added / 1000, waited: waited / 1000 };
  }

  /** Tells all ranks why the run ends, so that those that wait say the same. @returns what was told first, by whichever rank */
  fail(message: string): string {
    if (this.#world === undefined) return message;
    return nativeGroups().fail(this.#world.handle, message);
  }

  /**
   * Says that this rank leaves the run in peace; called of the group of all before the process ends. Over MPI it comes back when all have
   * called it, or the run has failed.
   */
  leave(): void {
    if (this.#world !== undefined) nativeGroups().leave(this.number);
  }

  /**
   * From now on every number that this rank tells others or hears from them, in whichever group, is looked at: to find out where one that is
   * not finite comes from. Costs a pass over each tensor and a wait for the device.
   */
  watchNumbers(): void {
    if (this.#world !== undefined) nativeGroups().watchNumbers(this.#world.handle);
  }

  /** Ends it. @returns whether a number that is not finite went out before any had come in, and whether one came in */
  watchedNumbers(): { readonly gave: boolean; readonly got: boolean } {
    if (this.#world === undefined) return { gave: false, got: false };
    const [gave, got] = nativeGroups().watchedNumbers(this.#world.handle);
    return { gave, got };
  }

  /** Closes the connections of the group. */
  destroy(): void {
    if (this.#world !== undefined) guarded(() => nativeGroups().drop(this.number));
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #start(begin: (groups: NativeGroups, number: number) => GroupHandles['work']): Work {
    if (this.#world === undefined) return DONE;
    const groups = nativeGroups();
    const work = named(() => begin(groups, this.number));
    return { wait: (patient) => named(() => groups.wait(work, patient)) };
  }
}

/** What groups of processes can be built on here; none where libtorch has no process groups. */
export function groupBackends(): GroupBackend[] {
  const { groups } = native();
  if (groups === undefined) return [];
  return ['gloo', ...(groups.hasNccl ? ['nccl' as const] : []), ...(existsSync(mpiPath()) ? ['mpi' as const] : [])];
}

/** @throws TorchError TORCH_NO_GROUPS */
export function nativeGroups(): NativeGroups {
  const { groups } = native();
  if (groups !== undefined) return groups;
  throw new TorchError('TORCH_NO_GROUPS', {
    en: `libtorch ${native().engineInfo().version} was built without process groups (Gloo): train with one process, or set TUNAN_LIBTORCH to one that has them and run: npx tunan setup`,
    zh: `libtorch ${native().engineInfo().version} 编译时未包含进程组（Gloo）：请用单个进程训练，或将 TUNAN_LIBTORCH 设为包含它的 libtorch 并运行：npx tunan setup`,
  });
}

/** @throws TorchError TORCH_NO_GROUPS */
function loadMpi(groups: NativeGroups): void {
  const path = mpiPath();
  if (existsSync(path)) {
    guarded(() => groups.loadMpi(path));
    return;
  }
  throw new TorchError('TORCH_NO_GROUPS', {
    en: 'the addon was compiled without MPI: install Open MPI (Debian: sudo apt-get install -y openmpi-bin libopenmpi-dev) and run: npx tunan setup',
    zh: '原生扩展编译时未找到 MPI：请安装 Open MPI（Debian：sudo apt-get install -y openmpi-bin libopenmpi-dev）并运行：npx tunan setup',
  });
}

/** @throws TorchError TORCH_NO_GROUPS, TORCH_BAD_SETTING */
function requireNccl({ hasNccl }: NativeGroups, localRank: number): void {
  if (hasNccl) {
    requireDevice(`cuda:${localRank}`);
    return;
  }
  throw new TorchError('TORCH_NO_GROUPS', {
    en: "the addon was compiled without NCCL: install PyTorch with CUDA (python3 -m pip install 'torch>=2.4'), or set TUNAN_LIBTORCH to a libtorch with CUDA, and run: npx tunan setup",
    zh: "原生扩展编译时未包含 NCCL：请安装带 CUDA 的 PyTorch（python3 -m pip install 'torch>=2.4'），或将 TUNAN_LIBTORCH 设为带 CUDA 的 libtorch，并运行：npx tunan setup",
  });
}

/** What the addon says of ranks is a sentence by itself. */
function named<T>(body: () => T): T {
  try {
    return guarded(body);
  } catch (error) {
    if (!(error instanceof TorchError)) throw error;
    const text = error.message.replace(/^process group: /, '');
    if (!/^(rank|ranks|the store|some of)\b/.test(text)) throw error;
    throw new TorchError('TORCH_RANK_LOST', text, { cause: error });
  }
}

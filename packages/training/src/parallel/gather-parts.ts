/**
 * Parts of tensors put together, each at one process of those that hold it: dealt out by size, so that no process has more than its share
 * of the whole ones, which are made one at a time, whatever is done with them.
 */

import {
  type Device,
  empty,
  type LazyTensor,
  noGrad,
  type ProcessGroup,
  scope,
  type Tensor,
  type Work,
} from '@tunan/torch';
import { gatherValues } from './gather-values.ts';
import type { TensorPartition } from './tensor-partition.ts';

export interface GatherOptions {
  /** Rank `stage x tensor + t` is tensor rank t of a stage. */
  readonly group: ProcessGroup;
  /** Of the tensors that its ranks talk with. */
  readonly device: Device;
  readonly partition: TensorPartition;
  readonly tensor: number;
  /** The parameter whose shape the tensor of a key has. */
  readonly parameterOf: (key: string) => string;
  /** Whether rank 0 gets all of them: what goes into one file. */
  readonly atFirst?: boolean;
}

/** Whole tensors. */
export interface Gathered {
  /** Those that this rank has, in the order of the model; they are to be taken in that order. */
  readonly whole: ReadonlyMap<string, Tensor | LazyTensor>;
  /** The rank of each tensor of the group. */
  readonly places: ReadonlyMap<string, number>;
}

/** A tensor on its way. */
interface Planned {
  readonly key: string;
  /** Whose parts it is made of, in their order. */
  readonly sources: readonly number[];
  /** Who has it whole. */
  readonly owner: number;
}

/**
 * Called by all ranks of the group.
 * @param own parts of this rank, float32
 * @param use called on every rank with what is whole there
 */
export function gatherParts(
  own: ReadonlyMap<string, Tensor>,
  options: GatherOptions,
  use: (gathered: Gathered) => void,
): void {
  const { group, device, partition, tensor, parameterOf } = options;
  const { rank: here, size } = group;
  if (size === 1) {
    use({ whole: own, places: new Map([...own.keys()].map((key) => [key, 0])) });
    return;
  }
  const planned = planOf(gatherValues(group, [...own.keys()], device), options);
  const sent: Work[] = [];
  let begun = 0;
  const sendUpTo = (end: number): void => {
    for (; begun < end; begun++) {
      const { key, sources, owner } = planned[begun]!;
      if (owner === here || !sources.includes(here)) continue;
      sent.push(group.startSend(own.get(key)!.detach().contiguous(), owner, begun));
    }
  };
  const received = new Set<number>();
  const receive = (at: number): Tensor => {
    received.add(at);
    // Messages are begun in the order of the plan on all ranks: NCCL finds them by their order, not by their tags.
    sendUpTo(at);
    const { key, sources } = planned[at]!;
    const name = parameterOf(key);
    return scope(() => {
      const waits: Work[] = [];
      const parts = sources.map((rank) => {
        if (rank === here) return own.get(key)!;
        const part = empty([...partition.shapeOf(name, rank % tensor)], { device });
        waits.push(group.startReceive(part, rank, at));
        return part;
      });
      for (const work of waits) work.wait(true); // for those that write what they have
      return partition.join(name, parts);
    });
  };
  const mine = planned.flatMap(({ key, owner }, at) => (owner === here ? [{ key, at }] : []));
  const whole = mine.map(({ key, at }): [string, LazyTensor] => {
    const { shape } = partition.parameters.get(parameterOf(key))!;
    return [key, { dtype: 'float32', shape, make: () => noGrad(() => receive(at)) }];
  });
  noGrad(() =>
    scope(() => {
      try {
        use({ whole: new Map(whole), places: new Map(planned.map(({ key, owner }) => [key, owner])) });
      } finally {
        // What was not asked for is under way all the same: its senders wait.
        for (const { at } of mine) if (!received.has(at)) receive(at).dispose();
        sendUpTo(planned.length);
        for (const work of sent) work.wait(true);
      }
    }),
  );
}

/** @param keys of every rank. A tensor of two stages is the first one's. */
function planOf(
  keys: readonly (readonly string[])[],
  { partition, tensor, parameterOf, atFirst = false }: GatherOptions,
): Planned[] {
  const stageOf = (rank: number) => Math.floor(rank / tensor);
  const holdersOf = new Map<string, number[]>();
  keys.forEach((list, rank) => {
    for (const key of list) {
      const before = holdersOf.get(key);
      if (before === undefined) holdersOf.set(key, [rank]);
      else if (stageOf(rank) === stageOf(before[0]!)) before.push(rank);
    }
  });
  const order = new Map([...partition.parameters.keys()].map((name, at) => [name, at]));
  const placeOf = (key: string) => order.get(parameterOf(key))!;
  const inOrder = [...holdersOf].sort(([a], [b]) => placeOf(a) - placeOf(b));
  const parameter = (key: string) => partition.parameters.get(parameterOf(key))!;
  const sizeOf = (key: string) => parameter(key).shape.reduce((product, length) => product * length, 1);
  const loads = new Array<number>(keys.length).fill(0);
  const owners = new Map<string, number>();
  for (const [key, holders] of inOrder.toSorted(([a], [b]) => sizeOf(b) - sizeOf(a))) {
    const owner = atFirst ? 0 : holders.reduce((least, rank) => (loads[rank]! < loads[least]! ? rank : least));
    loads[owner]! += sizeOf(key);
    owners.set(key, owner);
  }
  return inOrder.map(([key, holders]) => {
    const owner = owners.get(key)!;
    const isDivided = parameter(key).division !== undefined;
    const one = holders.includes(owner) ? owner : holders[0]!;
    return { key, owner, sources: isDivided ? holders : [one] };
  });
}

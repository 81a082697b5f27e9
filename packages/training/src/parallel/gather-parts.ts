/** Parts of tensors put together at one process, one tensor at a time, whatever is done with them there. */

import { empty, type LazyTensor, noGrad, type ProcessGroup, scope, type Tensor } from '@tunan/torch';
import { gatherValues } from './gather-values.ts';
import type { TensorPartition } from './tensor-partition.ts';

export interface GatherOptions {
  /** Rank `stage x tensor + t` is tensor rank t of a stage. Rank 0 gets the whole tensors. */
  readonly group: ProcessGroup;
  readonly partition: TensorPartition;
  readonly tensor: number;
  /** The parameter whose shape the tensor of a key has. */
  readonly parameterOf: (key: string) => string;
}

/**
 * @param own parts of this rank, float32, in the order in which they go
 * @param use called at rank 0; takes the tensors in the order of the map
 */
export function gatherParts(
  own: ReadonlyMap<string, Tensor>,
  { group, partition, tensor, parameterOf }: GatherOptions,
  use: (whole: ReadonlyMap<string, Tensor | LazyTensor>) => void,
): void {
  if (group.size === 1) {
    use(own);
    return;
  }
  const keys = gatherValues(group, [...own.keys()]);
  /** Of those that have a key the ranks of the first stage. */
  const holders = new Map<string, number[]>();
  keys.forEach((list, rank) => {
    for (const key of list) {
      const before = holders.get(key);
      const isDivided = partition.parameters.get(parameterOf(key))!.division !== undefined;
      if (before === undefined) holders.set(key, [rank]);
      else if (isDivided && Math.floor(rank / tensor) === Math.floor(before[0]! / tensor)) before.push(rank);
    }
  });
  const order = [...partition.parameters.keys()];
  const sorted = [...holders].sort(([a], [b]) => order.indexOf(parameterOf(a)) - order.indexOf(parameterOf(b)));
  if (group.rank > 0) {
    sorted.forEach(([key, ranks], tag) => {
      if (ranks.includes(group.rank)) scope(() => group.send(own.get(key)!.detach().contiguous(), 0, tag));
    });
    return;
  }
  const left = new Map(sorted.map(([key, ranks], tag) => [key, { ranks, tag }]));
  const device = own.values().next().value?.device ?? 'cpu';
  const receive = (key: string): Tensor => {
    const { ranks, tag } = left.get(key)!;
    left.delete(key);
    const name = parameterOf(key);
    return noGrad(() =>
      scope(() => {
        const parts = ranks.map((rank) => {
          if (rank === 0) return own.get(key)!;
          const part = empty([...partition.shapeOf(name, rank % tensor)], { device });
          group.receive(part, rank, tag);
          return part;
        });
        return partition.join(name, parts);
      }),
    );
  };
  const whole = sorted.map(([key]): [string, LazyTensor] => {
    const { shape } = partition.parameters.get(parameterOf(key))!;
    return [key, { dtype: 'float32', shape, make: () => receive(key) }];
  });
  try {
    use(new Map(whole));
  } finally {
    // What was not asked for is under way all the same: its senders wait.
    for (const key of [...left.keys()]) receive(key).dispose();
  }
}

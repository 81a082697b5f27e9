/**
 * Matrices that the processes of a tensor group hold in parts, put together where an optimizer needs them whole (Muon): each at one
 * process, so that the work on them is shared out, and back in parts to all. A matrix goes over the wire twice.
 */

import { empty, type MatrixExchange, type ProcessGroup, type Tensor, type Work } from '@tunan/torch';
import type { TensorPartition } from './tensor-partition.ts';

type Send = (tensor: Tensor, to: number, tag: number) => void;

/** @param partition of the parameters that are stepped, over the ranks of the group */
export function matrixParts(group: ProcessGroup, partition: TensorPartition): MatrixExchange {
  const { rank: own, size } = group;
  const ranks = Array.from({ length: size }, (_, rank) => rank);

  /** Nobody waits before all that it sends is on its way: no process waits for one that waits for it. */
  const exchange = (sendAll: (send: Send) => void, receiveAll: () => void) => {
    const sent: { readonly work: Work; readonly tensor: Tensor }[] = [];
    sendAll((tensor, to, tag) => {
      const contiguous = tensor.contiguous();
      sent.push({ work: group.startSend(contiguous, to, tag), tensor: contiguous });
    });
    receiveAll();
    for (const { work } of sent) work.wait();
  };

  return {
    divides: (name) => partition.slicesOf(name, own) !== undefined,

    changeWhole(parts, change) {
      const owners = dealtOut([...parts.keys()], partition, size);
      const matrices = [...parts].map(([name, part], tag) => ({ name, part, tag, owner: owners.get(name)! }));
      const mine = matrices.filter(({ owner }) => owner === own);
      const received = (name: string, { dtype, device }: Tensor, of: number, from: number, tag: number) => {
        const tensor = empty([...partition.shapeOf(name, of)], { dtype, device });
        group.receive(tensor, from, tag);
        return tensor;
      };
      const wholes = new Map<string, Tensor>();
      exchange(
        (send) => {
          for (const { part, tag, owner } of matrices) if (owner !== own) send(part, owner, tag);
        },
        () => {
          for (const { name, part, tag } of mine) {
            const all = ranks.map((rank) => (rank === own ? part : received(name, part, rank, rank, tag)));
            wholes.set(name, partition.join(name, all));
          }
        },
      );
      const changed = change(wholes);
      const back = new Map<string, Tensor>();
      exchange(
        (send) => {
          for (const { name, tag } of mine)
            for (const rank of ranks)
              if (rank !== own) send(partition.cut(name, changed.get(name)!, rank), rank, matrices.length + tag);
        },
        () => {
          for (const { name, part, tag, owner } of matrices) {
            const isMine = owner === own;
            const cut = () => partition.cut(name, changed.get(name)!, own);
            back.set(name, isMine ? cut() : received(name, part, own, owner, matrices.length + tag));
          }
        },
      );
      return back;
    },
  };
}

/** The largest first, each to the rank that has the least so far. */
function dealtOut(names: readonly string[], partition: TensorPartition, ranks: number): Map<string, number> {
  const loads = new Array<number>(ranks).fill(0);
  const sized = names.map((name) => ({
    name,
    size: partition.parameters.get(name)!.shape.reduce((product, size) => product * size, 1),
  }));
  return new Map(
    sized
      .sort((a, b) => b.size - a.size)
      .map(({ name, size }) => {
        const owner = loads.indexOf(Math.min(...loads));
        loads[owner]! += size;
        return [name, owner];
      }),
  );
}

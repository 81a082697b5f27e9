/**
 * Matrices that the processes of a tensor group hold in parts, put together where an optimizer needs them whole (Muon): each at one
 * process, so that the work on them is shared out, and back in parts to all. A matrix goes over the wire twice.
 */

import { empty, type MatrixExchange, type ProcessGroup, type Tensor, type Work } from '@tunan/torch';
import type { TensorPartition } from './tensor-partition.ts';

/** One tensor on its way from one rank of the group to another. */
interface Message {
  readonly from: number;
  readonly to: number;
  /** At the sender. */
  readonly given: () => Tensor;
  /** At the receiver, where it is to go. */
  readonly taken: () => Tensor;
}

/** @param partition of the parameters that are stepped, over the ranks of the group */
export function matrixParts(group: ProcessGroup, partition: TensorPartition): MatrixExchange {
  const { rank: own, size } = group;
  const ranks = Array.from({ length: size }, (_, rank) => rank);

  /**
   * Every rank begins its messages in the order of the list, which all have: two ranks whose messages go one behind the other, whichever way
   * each goes, as those of NCCL do, never both send, or both receive, before they do the other.
   */
  const exchange = (messages: readonly Message[]) => {
    const begun: { readonly work: Work; readonly tensor: Tensor }[] = [];
    messages.forEach(({ from, to, given, taken }, tag) => {
      if (from === own) {
        const tensor = given().contiguous();
        begun.push({ work: group.startSend(tensor, to, tag), tensor });
      } else if (to === own) {
        const tensor = taken();
        begun.push({ work: group.startReceive(tensor, from, tag), tensor });
      }
    });
    for (const { work } of begun) work.wait();
  };

  return {
    divides: (name) => partition.slicesOf(name, own) !== undefined,

    changeWhole(parts, change) {
      const owners = dealtOut([...parts.keys()], partition, size);
      const matrices = [...parts].map(([name, part]) => ({ name, part, owner: owners.get(name)! }));
      const mine = matrices.filter(({ owner }) => owner === own);
      const emptyPart = ({ name, part: { dtype, device } }: (typeof matrices)[number], of: number) =>
        empty([...partition.shapeOf(name, of)], { dtype, device });
      const others = (matrix: (typeof matrices)[number]) => ranks.filter((rank) => rank !== matrix.owner);

      const partsOf = new Map(
        mine.map((matrix) => [
          matrix.name,
          ranks.map((rank) => (rank === own ? matrix.part : emptyPart(matrix, rank))),
        ]),
      );
      exchange(
        matrices.flatMap((matrix) =>
          others(matrix).map((from) => ({
            from,
            to: matrix.owner,
            given: () => matrix.part,
            taken: () => partsOf.get(matrix.name)![from]!,
          })),
        ),
      );
      const changed = change(new Map([...partsOf].map(([name, all]) => [name, partition.join(name, all)])));
      const back = new Map(
        matrices.map((matrix) => {
          const { name, owner } = matrix;
          return [name, owner === own ? partition.cut(name, changed.get(name)!, own) : emptyPart(matrix, own)];
        }),
      );
      exchange(
        matrices.flatMap((matrix) =>
          others(matrix).map((to) => ({
            from: matrix.owner,
            to,
            given: () => partition.cut(matrix.name, changed.get(matrix.name)!, to),
            taken: () => back.get(matrix.name)!,
          })),
        ),
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

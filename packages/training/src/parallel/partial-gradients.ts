/**
 * What a backward pass leaves in parts: each process of a tensor group has the gradient from its own heads of what all heads share, from
 * its own outputs or inputs of the half of an adapter that all have, from its own queries of keys and values that several have copies of, and with sequence parallelism from its own positions of what is applied
 * to the stream. One sum over the group, after the last micro batch, makes them those of the whole model; all others are whole or own.
 */

import { cat, noGrad, type ProcessGroup, scope, type Tensor, zeros } from '@tunan/torch';
import type { TensorPartition } from './tensor-partition.ts';

export interface PartialGradientsOptions {
  readonly group: ProcessGroup;
  readonly partition: TensorPartition;
  readonly sequenceParallel: boolean;
}

/** @param parameters parts of this process, by name; each with the gradients that the backward pass left */
export function sumPartialGradients(
  parameters: ReadonlyMap<string, Tensor>,
  { group, partition, sequenceParallel }: PartialGradientsOptions,
): void {
  if (group.size === 1) return;
  noGrad(() =>
    scope(() => {
      const partial = [...parameters].flatMap(([name, parameter]) => {
        const { division, hasPartialGradient = false } = partition.parameters.get(name)!;
        const isCopied = partition.isCopied(name);
        const isOfStream = division === undefined && !hasPartialGradient;
        if (!(isCopied || hasPartialGradient || (isOfStream && sequenceParallel))) return [];
        const gradient = parameter.grad;
        return gradient === undefined ? [] : [{ name, gradient, isCopied }];
      });
      if (partial.length === 0) return;
      // A part that several hold has a place of its own among all parts, where its holders meet and others add nothing.
      const placed = partial.map((one) => (one.isCopied ? inWhole(one, partition, group.rank) : one.gradient));
      const flat = cat(placed.map((one) => one.reshape(-1)));
      group.allReduce(flat, 'sum');
      let start = 0;
      partial.forEach(({ name, gradient, isCopied }, index) => {
        const { shape, size } = placed[index]!;
        const summed = flat.narrow(0, start, size).view(...shape);
        gradient.copy_(isCopied ? partition.cut(name, summed, group.rank) : summed);
        start += size;
      });
    }),
  );
}

function inWhole(
  { name, gradient }: { readonly name: string; readonly gradient: Tensor },
  partition: TensorPartition,
  rank: number,
): Tensor {
  const { dim, slices } = partition.slicesOf(name, rank)!;
  const whole = zeros(partition.parameters.get(name)!.shape, { device: gradient.device });
  const [{ start, length }] = slices as readonly [(typeof slices)[number]];
  whole.narrow(dim, start, length).copy_(gradient);
  return whole;
}

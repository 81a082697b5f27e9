/**
 * Gradients reduced over a group while the backward pass still runs: they are put together in buckets, and a bucket goes off when the
 * last of its gradients is there. With owners it is the first stage of ZeRO (Rajbhandari et al. 2020, arXiv 1910.02054): the sum of a gradient
 * comes to the owner of its parameter alone, who updates it, and all get it back.
 */
import { guarded } from './guard.ts';
import type { GroupHandles } from './native.ts';
import { nativeGroups, type ProcessGroup } from './process-group.ts';
import type { Tensor } from './tensor.ts';

export interface BucketOptions {
  /** Rank of the group that updates each parameter; absent: all update all. */
  readonly owners?: readonly number[] | undefined;
  /** Of one bucket; 25 MB when absent, as PyTorch's. */
  readonly bucketBytes?: number;
}

export class GradientBuckets {
  readonly #handle: GroupHandles['buckets'];

  /** @param parameters in the order in which their gradients come: the last of the model first */
  constructor(
    group: ProcessGroup,
    parameters: readonly Tensor[],
    { owners = [], bucketBytes = 25e6 }: BucketOptions = {},
  ) {
    const handles = parameters.map(({ handle }) => handle);
    this.#handle = guarded(() => nativeGroups().buckets(group.number, handles, owners, bucketBytes));
  }

  /**
   * Before the one backward pass that makes the gradients of a step whole. Left out, all goes off in `finish()`: where a parameter gets its
   * gradient by several passes.
   */
  arm(): void {
    guarded(() => nativeGroups().arm(this.#handle));
  }

  /** Behind it: waits, and every gradient is the sum over the ranks; with owners on its owner, and gone elsewhere. */
  finish(): void {
    guarded(() => nativeGroups().reduceGradients(this.#handle));
  }

  /** With owners, behind the update: every parameter as its owner has it. */
  gatherParameters(): void {
    guarded(() => nativeGroups().gatherParameters(this.#handle));
  }
}

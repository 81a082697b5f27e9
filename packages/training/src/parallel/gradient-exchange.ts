/**
 * What the copies of a model do with their gradients: add them up, and update the weights, each rank all of them or (ZeRO-1) those that it
 * owns, with the optimizer's state of those alone. Whole parameters are owned, not pieces: Muon needs whole matrices.
 */
import { clipGradNorm, GradientBuckets, gradientNorm, type Tensor } from '@tunan/torch';
import type { Mesh } from './mesh.ts';
import type { ModelShare } from './model-share.ts';
import type { Passage } from './passage.ts';

export interface ExchangeOptions {
  /** Whether each rank keeps the optimizer's state of its own parameters alone. */
  readonly sharded: boolean;
  /** Whether gradients may go off while the last backward pass runs: not where a parameter gets its gradient by several passes. */
  readonly overlapped: boolean;
  /** What the processes of one copy have of the model. */
  readonly share: ModelShare;
  /** Of gradients that go off together; those of GradientBuckets when absent. */
  readonly bucketBytes?: number;
}

export class GradientExchange {
  readonly #mesh: Mesh;
  readonly #parameters: ReadonlyMap<string, Tensor>;
  readonly #overlapped: boolean;
  readonly #share: ModelShare;
  /** By the names of the parameters, where they are owned by one. */
  readonly #owners: ReadonlyMap<string, number> | undefined;
  /** Absent where there is one copy. */
  readonly #buckets: GradientBuckets | undefined;

  /** @param parameters that are trained, by name, in the order of the model */
  constructor(
    mesh: Mesh,
    parameters: ReadonlyMap<string, Tensor>,
    { sharded, overlapped, share, ...buckets }: ExchangeOptions,
  ) {
    this.#mesh = mesh;
    this.#parameters = parameters;
    this.#overlapped = overlapped;
    this.#share = share;
    const { size } = mesh.data;
    this.#owners = sharded && size > 1 ? ownersOf(parameters, share, size) : undefined;
    if (size === 1) return;
    // Gradients come from the last layer to the first.
    const backwards = [...parameters].reverse();
    const owners = this.#owners && backwards.map(([name]) => this.#owners!.get(name)!);
    this.#buckets = new GradientBuckets(
      mesh.data,
      backwards.map(([, parameter]) => parameter),
      { owners, ...buckets },
    );
  }

  /** Whether each rank has the state of its own parameters alone. */
  get isSharded(): boolean {
    return this.#owners !== undefined;
  }

  /** Whether this rank updates the parameter. */
  owns(name: string): boolean {
    return this.#owners === undefined || this.#owners.get(name) === this.#mesh.data.rank;
  }

  /** The passages of a step; with the last one gradients go off as they come. */
  announce<Result>(passages: readonly Passage<Result>[]): readonly Passage<Result>[] {
    const last = passages.at(-1);
    if (this.#buckets === undefined || !this.#overlapped || last === undefined) return passages;
    return [...passages.slice(0, -1), { ...last, beforeBackward: () => this.#buckets!.arm() }];
  }

  /** Behind the last backward pass: gradients are the sums over the copies, on their owners. */
  sum(): void {
    this.#buckets?.finish();
    this.#share.finishGradients();
  }

  /** Whether what this rank has found itself is finite; asked before the sums. */
  hasFiniteGradients(): boolean {
    return Number.isFinite(gradientNorm([...this.#parameters.values()]));
  }

  /**
   * Scales all gradients so that their joint norm is at most `maximum`.
   * @param scale what they have been multiplied by, which is taken away
   * @returns the norm without it before, the same on every rank
   */
  clip(maximum: number, scale = 1): number {
    const counted = [...this.#parameters].flatMap(([name, parameter]) => (this.#share.counts(name) ? [parameter] : []));
    const square = this.#share.sum(gradientNorm(counted) ** 2);
    const norm = Math.sqrt(this.#owners === undefined ? square : this.#mesh.sum(square)) / scale;
    return clipGradNorm([...this.#parameters.values()], maximum, norm, scale);
  }

  /** Behind the update: every rank has every parameter as its owner has it. */
  spread(): void {
    if (this.#owners !== undefined) this.#buckets?.gatherParameters();
  }
}

/**
 * The largest first, each to the rank that has the least so far: no rank has more than another by more than one parameter. Processes with
 * parts of the same parameter come to the same owner: sizes are those of whole parameters, and what stands at both ends of the model is first.
 */
function ownersOf(parameters: ReadonlyMap<string, Tensor>, share: ModelShare, ranks: number): Map<string, number> {
  const loads = new Array<number>(ranks).fill(0);
  const sized = [...parameters].map(([name, parameter]) => ({
    name,
    size: share.isWhole ? parameter.size : share.sizeOf(name),
    rank: !share.isWhole && share.isAtBothEnds(name) ? 0 : 1,
  }));
  const largestFirst = sized.sort((a, b) => a.rank - b.rank || b.size - a.size);
  return new Map(
    largestFirst.map(({ name, size }) => {
      const owner = loads.indexOf(Math.min(...loads));
      loads[owner]! += size;
      return [name, owner];
    }),
  );
}

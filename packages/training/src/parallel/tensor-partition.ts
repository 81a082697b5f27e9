/**
 * How T devices that share each product divide the parameters of a model (Shoeybi et al. 2019): queries, keys, values and what the MLP
 * widens to by outputs, the maps back into the stream by inputs, embedding and output matrix by words; norms and what is added to the
 * stream are whole on each. Where there are fewer heads of keys and values than devices, several hold copies of one. Counts that T
 * does not divide are dealt out as evenly as units allow.
 *
 * Pure but for copies of slices: it knows no group and no process. A parameter goes from any layout to any other by join() and cut().
 */
import { type DividedRun, type ModelConfig, type PlacedParameter, parametersOf, sizesOf } from '@tunan/model';
import type { Said } from '@tunan/protocol/mistakes';
import { cat, noGrad, scope, type Tensor } from '@tunan/torch';

/** Units from `first` on, before `end`. */
export interface UnitRange {
  readonly first: number;
  readonly end: number;
}

/** Elements along the dimension that is divided. */
export interface Slice {
  readonly start: number;
  readonly length: number;
}

/** The `part`-th of `parts` shares of 0 … count - 1, the first ones longer where they are not equal. */
function shareOf(count: number, part: number, parts: number): UnitRange {
  const [whole, extra] = [Math.floor(count / parts), count % parts];
  const first = part * whole + Math.min(part, extra);
  return { first, end: first + whole + (part < extra ? 1 : 0) };
}

/** What cannot be divided over `size` devices, with the numbers; empty where all can. */
export function tensorMisfits(config: ModelConfig, size: number): Said[] {
  const { heads, kvHeads } = sizesOf(config);
  const sharing = Math.ceil(size / kvHeads);
  if (heads < size || heads / kvHeads < sharing) {
    const most = Math.max(kvHeads, heads);
    return [
      {
        en: `tensor ${size}: ${heads} heads with ${kvHeads} of keys and values go to at most ${most} devices`,
        zh: `tensor ${size}：${heads} 个头（键值头 ${kvHeads} 个）最多分给 ${most} 个设备`,
      },
    ];
  }
  return [];
}

export class TensorPartition {
  readonly size: number;
  /** By name, in the order of the forward pass. */
  readonly parameters: ReadonlyMap<string, PlacedParameter>;
  readonly #ranges: Readonly<Record<DividedRun['of'], readonly UnitRange[]>>;

  /**
   * @param size T; tensorMisfits() has nothing against it
   * @param parameters of the model unless told: those of an adapter are divided as the maps that it adds to
   */
  constructor(config: ModelConfig, size: number, parameters: readonly PlacedParameter[] = parametersOf(config)) {
    this.size = size;
    this.parameters = new Map(parameters.map((parameter) => [parameter.name, parameter]));
    const { heads, kvHeads, vocabularySize } = sizesOf(config);
    const ranks = Array.from({ length: size }, (_, rank) => rank);
    const plain = (count: number) => ranks.map((rank) => shareOf(count, rank, size));
    const mlp = parametersOf(config).flatMap(({ division }) => division?.runs ?? []);
    const hidden = mlp.find(({ of }) => of === 'mlp')?.units ?? 0;
    const dealt = ranks.map((rank) => headsOf(heads, kvHeads, rank, size));
    this.#ranges = {
      queries: dealt.map(({ queries }) => queries),
      'keys-values': dealt.map(({ keys }) => keys),
      mlp: plain(hidden),
      vocabulary: plain(vocabularySize),
    };
  }

  /** Units of one kind that a rank holds. */
  unitsOf(kind: DividedRun['of'], rank: number): UnitRange {
    return this.#ranges[kind][rank]!;
  }

  /** What a rank holds of each run of a parameter, along the dimension that is divided; undefined where it holds all. */
  slicesOf(name: string, rank: number): { readonly dim: number; readonly slices: readonly Slice[] } | undefined {
    const { division } = this.#parameter(name);
    if (division === undefined) return undefined;
    let before = 0;
    const slices = division.runs.map(({ of, units, width }) => {
      const { first, end } = this.unitsOf(of, rank);
      const start = before + first * width;
      before += units * width;
      return { start, length: (end - first) * width };
    });
    return { dim: division.dim, slices };
  }

  shapeOf(name: string, rank: number): readonly number[] {
    const { shape } = this.#parameter(name);
    const cut = this.slicesOf(name, rank);
    if (cut === undefined) return shape;
    const length = cut.slices.reduce((sum, slice) => sum + slice.length, 0);
    return shape.map((whole, dim) => (dim === cut.dim ? length : whole));
  }

  /** Whether several ranks hold the same part of it: of keys and values that are fewer than ranks. */
  isCopied(name: string): boolean {
    const keys = this.#parameter(name).division?.runs.some(({ of }) => of === 'keys-values') ?? false;
    const ranges = this.#ranges['keys-values'];
    return keys && ranges.some(({ first }, rank) => rank > 0 && first === ranges[rank - 1]!.first);
  }

  /** Whether no rank before has the same part: the first of its holders, or of all where nothing is divided. */
  isFirstHolder(name: string, rank: number): boolean {
    if (rank === 0) return true;
    if (this.#parameter(name).division === undefined) return false;
    const ranges = this.#ranges['keys-values'];
    return !this.isCopied(name) || ranges[rank]!.first !== ranges[rank - 1]!.first;
  }

  /** A rank's part of a parameter, or of anything of its shape; a copy that leaves the whole free to go. */
  cut(name: string, whole: Tensor, rank: number): Tensor {
    const cut = this.slicesOf(name, rank);
    const take = () => {
      if (cut === undefined) return whole.clone();
      const parts = cut.slices.map(({ start, length }) => whole.narrow(cut.dim, start, length));
      return parts.length === 1 ? parts[0]!.clone() : cat(parts, cut.dim);
    };
    return noGrad(() => scope(take));
  }

  /** The whole of the parts of all ranks, in their order. Of copies the first is taken. */
  join(name: string, parts: readonly Tensor[]): Tensor {
    const cuts = parts.map((_, rank) => this.slicesOf(name, rank));
    const [first] = cuts;
    if (first === undefined) return noGrad(() => parts[0]!.clone());
    const { dim } = first;
    const inPart = parts.map(() => 0);
    const take = () =>
      first.slices.flatMap((_, run) => {
        let covered: number | undefined;
        return parts.flatMap((part, rank) => {
          const { start, length } = cuts[rank]!.slices[run]!;
          const at = inPart[rank]!;
          inPart[rank] = at + length;
          if (covered !== undefined && start < covered) return [];
          covered = start + length;
          return [part.narrow(dim, at, length)];
        });
      });
    return noGrad(() => scope(() => cat(take(), dim)));
  }

  #parameter(name: string): PlacedParameter {
    const found = this.parameters.get(name);
    if (found === undefined) throw new Error(`no parameter ${name}`);
    return found;
  }
}

/** A rank has the keys and values of its queries. Where keys are fewer than ranks it shares one, whose queries its holders divide. */
function headsOf(heads: number, kvHeads: number, rank: number, size: number): { queries: UnitRange; keys: UnitRange } {
  const group = heads / kvHeads;
  if (kvHeads >= size) {
    const keys = shareOf(kvHeads, rank, size);
    return { queries: { first: keys.first * group, end: keys.end * group }, keys };
  }
  const key = Array.from({ length: kvHeads }, (_, at) => at).find((at) => rank < shareOf(size, at, kvHeads).end)!;
  const holders = shareOf(size, key, kvHeads);
  const own = shareOf(group, rank - holders.first, holders.end - holders.first);
  return {
    queries: { first: key * group + own.first, end: key * group + own.end },
    keys: { first: key, end: key + 1 },
  };
}

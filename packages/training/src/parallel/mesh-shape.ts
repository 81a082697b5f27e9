/**
 * Which rank stands where in a mesh of three axes: copies of the model (data), its layers (pipeline), its matrices (tensor). Pure numbers.
 *
 * The order is Megatron's (tensor fastest, then data, then pipeline; Narayanan et al. 2021, arXiv 2104.04473): launchers number the ranks of
 * a machine one after another, and a tensor group talks several times in every layer, so its ranks must be neighbours; copies talk once a
 * step, with all gradients; stages of a pipeline tell their neighbour a stream of hidden states, the least of all, and may be far apart.
 */
import { TrainingError } from '../errors.ts';

export type Axis = 'tensor' | 'data' | 'pipeline';

/** Ranks along each axis. */
export type MeshShape = Readonly<Record<Axis, number>>;

/** Where a rank stands, counted from 0 along each axis. */
export type MeshPlace = Readonly<Record<Axis, number>>;

/** The fastest first. */
const ORDER = ['tensor', 'data', 'pipeline'] as const satisfies Axis[];

export function sizeOf(shape: MeshShape): number {
  return ORDER.reduce((product, axis) => product * shape[axis], 1);
}

export function placeOf(rank: number, shape: MeshShape): MeshPlace {
  let rest = rank;
  const place = { tensor: 0, data: 0, pipeline: 0 };
  for (const axis of ORDER) {
    place[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return place;
}

export function rankAt(place: MeshPlace, shape: MeshShape): number {
  return [...ORDER].reverse().reduce((rank, axis) => rank * shape[axis] + place[axis], 0);
}

/** The ranks that differ from `place` along one axis alone, in their order. */
export function ranksAlong(axis: Axis, place: MeshPlace, shape: MeshShape): number[] {
  return Array.from({ length: shape[axis] }, (_, at) => rankAt({ ...place, [axis]: at }, shape));
}

/** The ranks that hold one copy of the model together: stage after stage, those of a stage in the order of their parts. */
export function ranksOfCopy(place: MeshPlace, shape: MeshShape): number[] {
  return ranksAlong('pipeline', { ...place, tensor: 0 }, shape).flatMap((_, pipeline) =>
    ranksAlong('tensor', { ...place, pipeline }, shape),
  );
}

/**
 * The mesh of so many processes: what `tensor` and `pipeline` leave are copies of the model.
 * @throws TrainingError TRAINING_BAD_LAYOUT with the numbers that do not fit and the nearest that do
 */
export function meshOf(
  processes: number,
  { tensor = 1, pipeline = 1 }: { readonly tensor?: number | undefined; readonly pipeline?: number | undefined },
): MeshShape {
  const part = tensor * pipeline;
  if (processes % part === 0) return { tensor, pipeline, data: processes / part };
  const nearest = [Math.floor(processes / part), Math.ceil(processes / part)].filter((data) => data > 0);
  const numbers = [...new Set(nearest)].map((data) => data * part);
  throw new TrainingError('TRAINING_BAD_LAYOUT', {
    en: `${processes} processes cannot be divided into models of ${tensor} x ${pipeline} (tensor x pipeline): start ${numbers.join(' or ')}`,
    zh: `${processes} 个进程无法按每个模型 ${tensor} × ${pipeline}（张量 × 流水线）划分：请启动 ${numbers.join(' 或 ')} 个`,
  });
}

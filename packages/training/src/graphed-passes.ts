/**
 * The passes of micro batches as graphs of the device (device-graph.ts): a small model's kernels end sooner than they are begun one by one, and a
 * graph begins all of a forward and backward pass by one call.
 *
 * A graph reads and writes where it was recorded. So gradients stay where they are from step to step, a micro batch is copied into the
 * tensors of its graph, and its losses out of them. Micro batches of other shapes (of how many rows of each source they are made) have
 * graphs of their own. The update is begun as ever: the rate of the step is a number, which a graph would keep.
 */

import type { LanguageModel } from '@tunan/model';
import {
  type Device,
  type DeviceGraph,
  type DType,
  empty,
  keep,
  manualSeed,
  noGrad,
  recordGraph,
  scope,
  type Tensor,
} from '@tunan/torch';
import { TrainingError } from './errors.ts';
import type { PassageInput, Way } from './parallel/passage.ts';
import type { RunPlan } from './recipe/plan.ts';
import { backwardOfSources, type SourceTargets } from './source-losses.ts';
import type { TrainingRows } from './training-rows.ts';

/** All that a micro batch is. */
export interface MicroBatch {
  /** Of what forward passes draw; absent where they draw nothing. */
  readonly seed: number | undefined;
  open(): MicroBatchTensors;
}

interface MicroBatchTensors extends PassageInput {
  readonly sources: readonly SourceTargets[];
}

/** Shapes beyond so many run as they come: each graph keeps its inputs. */
const MOST_GRAPHS = 16;

/** Passes before the first is recorded: libraries choose and allocate. */
const WARM_UP = 3;

/** A graph and where it reads and writes. */
interface Recorded {
  readonly graph: DeviceGraph;
  readonly inputs: MicroBatchTensors;
  readonly means: readonly Tensor[];
}

/** @throws TrainingError TRAINING_BAD_RECIPE where the passes of a plan are not the same work every time */
export function requireGraphs(
  { parallel, prefix, packing }: RunPlan,
  { objective }: Pick<TrainingRows, 'objective'>,
): void {
  const { tensor, pipeline } = parallel;
  const refuse = (en: string, zh: string) => {
    throw new TrainingError('TRAINING_BAD_RECIPE', { en: `CUDA graphs: ${en}`, zh: `CUDA 图：${zh}` });
  };
  if (tensor * pipeline > 1)
    refuse(
      'a pass that processes share (tensor, pipeline) is not recorded; lay the run in copies of the model, or leave --cuda-graphs out',
      '由多个进程共同完成的前向与反向（tensor、pipeline）不能录制；请只用数据并行，或去掉 --cuda-graphs',
    );
  if (prefix !== undefined || packing !== 'stream' || objective !== undefined)
    refuse(
      'how many predictions count is another number in every micro batch; use objective lm with packing stream, or leave --cuda-graphs out',
      '每个微批次中计入损失的预测数不同；请用 objective lm 与 packing stream，或去掉 --cuda-graphs',
    );
}

export class GraphedPasses implements Disposable {
  readonly #model: LanguageModel;
  readonly #way: Way;
  readonly #device: Device;
  readonly #gradients: ReadonlyMap<Tensor, Tensor>;
  readonly #recorded = new Map<string, Recorded>();
  /** Of each shape that has run as it came: what its means are. */
  readonly #seen = new Map<string, readonly DType[]>();
  #passes = 0;
  #zeroing: DeviceGraph | undefined;

  /** @param parameters that are trained */
  constructor(model: LanguageModel, way: Way, parameters: readonly Tensor[]) {
    this.#model = model;
    this.#way = way;
    this.#device = model.device;
    this.#gradients = new Map(
      parameters.map((parameter) => {
        const { dtype, shape } = parameter;
        return [parameter, keep(empty([...shape], { dtype, device: model.device }))];
      }),
    );
  }

  /** Forward and backward; gradients are those of these micro batches alone. @returns of each the means of its sources, kept */
  take(microBatches: readonly MicroBatch[]): (readonly Tensor[])[] {
    this.#clearGradients();
    return microBatches.map(({ seed, open }) => {
      if (seed !== undefined) manualSeed(seed);
      return scope(() => this.#pass(open()));
    });
  }

  [Symbol.dispose](): void {
    for (const { graph, inputs, means } of this.#recorded.values()) {
      graph[Symbol.dispose]();
      for (const one of [...tensorsOf(inputs), ...means]) one.dispose();
    }
    this.#zeroing?.[Symbol.dispose]();
    for (const gradient of this.#gradients.values()) gradient.dispose();
  }

  /** The update may have left others in their place, or none. */
  #clearGradients(): void {
    for (const [parameter, gradient] of this.#gradients) parameter.grad = gradient;
    const clear = () => {
      for (const gradient of this.#gradients.values()) gradient.zero_();
    };
    noGrad(() => {
      if (this.#passes < WARM_UP) return clear();
      this.#zeroing ??= recordGraph(this.#device, clear);
      this.#zeroing.replay();
    });
  }

  #pass(given: MicroBatchTensors): readonly Tensor[] {
    const key = tensorsOf(given)
      .map(({ shape }) => shape.join('x'))
      .join();
    const recorded = this.#recorded.get(key) ?? this.#record(key, given);
    if (recorded === undefined) {
      const means = this.#run(given);
      this.#passes++;
      this.#seen.set(
        key,
        means.map(({ dtype }) => dtype),
      );
      return means.map(keep);
    }
    const values = tensorsOf(given);
    noGrad(() => {
      for (const [index, place] of tensorsOf(recorded.inputs).entries()) place.copy_(values[index]!);
    });
    recorded.graph.replay();
    return noGrad(() => recorded.means.map((mean) => keep(mean.clone())));
  }

  /** Undefined where this pass is to run as it comes. */
  #record(key: string, given: MicroBatchTensors): Recorded | undefined {
    const dtypes = this.#seen.get(key);
    if (dtypes === undefined || this.#passes < WARM_UP || this.#recorded.size === MOST_GRAPHS) return undefined;
    const inputs = mapTensors(given, (one) => keep(one.clone()));
    const means = dtypes.map((dtype) => keep(empty([], { dtype, device: this.#device })));
    const graph = recordGraph(this.#device, () =>
      scope(() => {
        this.#run(inputs).forEach((mean, index) => {
          noGrad(() => means[index]!.copy_(mean));
        });
      }),
    );
    const recorded = { graph, inputs, means };
    this.#recorded.set(key, recorded);
    return recorded;
  }

  #run(tensors: MicroBatchTensors): readonly Tensor[] {
    const backward = (hidden: Tensor) => backwardOfSources(this.#model, hidden, tensors.sources);
    return this.#way.take([{ seed: undefined, open: () => tensors, backward }])[0]!;
  }
}

function mapTensors(
  { ids, options: { range, positions }, sources }: MicroBatchTensors,
  of: (tensor: Tensor) => Tensor,
): MicroBatchTensors {
  return {
    ids: of(ids),
    options: {
      ...(range !== undefined && {
        range: { ...(range.first && { first: of(range.first) }), ...(range.last && { last: of(range.last) }) },
      }),
      ...(positions !== undefined && { positions: of(positions) }),
    },
    sources: sources.map(({ rows, targets, places, weight }) => ({
      rows,
      targets: of(targets),
      places: places && of(places),
      weight: of(weight),
    })),
  };
}

/** In one order. */
function tensorsOf(microBatch: MicroBatchTensors): Tensor[] {
  const list: Tensor[] = [];
  mapTensors(microBatch, (one) => {
    list.push(one);
    return one;
  });
  return list;
}
